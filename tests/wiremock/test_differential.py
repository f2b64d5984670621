"""The mock answers as the real WireMock did, or differs on purpose."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from duologue_mock import MockServer
from tests.wiremock import records
from tests.wiremock.cases import Case
from tests.wiremock.corpus import FILES
from tests.wiremock.run import run_case

ROWS = [(name, case) for name, cases in FILES.items() for case in cases]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a mock."""
    with MockServer(rate_limit=None) as mock:
        yield int(mock.origin.rpartition(":")[2])


@pytest.mark.parametrize(("name", "case"), ROWS, ids=[case.id for _, case in ROWS])
def test_same_as_wiremock(port: int, name: str, case: Case) -> None:
    assert run_case(port, case) == records.load(name)[case.id]
