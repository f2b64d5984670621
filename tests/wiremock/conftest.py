"""The two servers that are compared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from duologue_mock import MockServer
from tests.node_packages import find_node, missing
from tests.wiremock.server import SharedServer, UnavailableError


@pytest.fixture(scope="session")
def mock_port() -> Iterator[int]:
    """The port of a mock, which this process has for itself."""
    with MockServer(rate_limit=None) as mock:
        yield int(mock.origin.rpartition(":")[2])


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[SharedServer]:
    """The real WireMock, which all processes of the session share."""
    find_node(Path(__file__).parent)
    folder = tmp_path_factory.getbasetemp()
    server = SharedServer(folder if worker_id == "master" else folder.parent)
    yield server
    server.leave()


@pytest.fixture
def real_port(shared_server: SharedServer) -> Iterator[int]:
    """The port of the real WireMock, for the time of a test."""
    try:
        with shared_server.use() as port:
            yield port
    except UnavailableError as error:
        missing(str(error))
