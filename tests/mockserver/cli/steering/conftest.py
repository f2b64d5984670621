from __future__ import annotations

from collections.abc import Iterator

import pytest

from duologue_mock import MockControl, MockServer
from tests.mockserver.cli.steering.commands import Commands


@pytest.fixture(scope="module")
def mock() -> Iterator[MockServer]:
    """The mock that the tests of a file share; they do not run at the same time."""
    with MockServer() as server:
        yield server


@pytest.fixture
def control(mock: MockServer) -> Iterator[MockControl]:
    """The namespace that the commands steer."""
    namespace = mock.control.namespace("shell")
    yield namespace
    namespace.drop()


@pytest.fixture
def shell(mock: MockServer, control: MockControl) -> Commands:
    return Commands({"DUOLOGUE_MOCK_URL": mock.origin, "DUOLOGUE_MOCK_NAMESPACE": control.name})
