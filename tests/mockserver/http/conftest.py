"""A running mock with short timeouts and a low limit, shared by the tests that send bytes."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from duologue_mock import MockServer
from tests.mockserver.http.lines import HEALTH, MAX_BODY, READ_TIMEOUT
from tests.mockserver.raw import ask


@pytest.fixture(scope="package")
def server() -> Iterator[MockServer]:
    with MockServer(read_timeout=READ_TIMEOUT, max_request_size=MAX_BODY, self_check=True) as server:
        yield server


@pytest.fixture
def check_server(server: MockServer, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever a test sends: it changes no user, is no error of the server, and the next request is served."""
    with server.state as state:
        before = list(state.users)
    yield
    with server.state as state:
        assert list(state.users) == before
    assert ask(server.port, HEALTH).status == 200
    assert [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR] == []
