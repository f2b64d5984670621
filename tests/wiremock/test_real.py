"""The recorded answers are those of the real WireMock."""

from __future__ import annotations

import pytest

from tests.wiremock import records
from tests.wiremock.corpus import FILES
from tests.wiremock.run import run_case

pytestmark = [pytest.mark.node, pytest.mark.slow]


@pytest.mark.parametrize("name", FILES)
def test_records_are_true(real_port: int, name: str) -> None:
    recorded = records.load(name)
    assert list(recorded) == [case.id for case in FILES[name]]
    assert [case.id for case in FILES[name] if run_case(real_port, case) != recorded[case.id]] == []
