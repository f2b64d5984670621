from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from duologue import Client
from duologue.http.request_ids import create_idempotency_key
from duologue_mock import MockServer
from tests.client.realtime.fakes import Connect, GatedClock, Start

SECRET = "s" * 32  # tokens outlive a restart


@pytest.fixture(scope="module")
def mock() -> Iterator[MockServer]:
    """The mock that tests share which neither stop it nor disconnect others."""
    with MockServer(rate_limit=None) as running:
        yield running


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts mocks, on the ports of another one if it is given, and stops them after the test."""
    running: list[MockServer] = []

    def start_mock(after: MockServer | None = None, **options: Any) -> MockServer:
        ports = {"port": after.port, "chat_port": after.chat_port, "state": after.state} if after else {}
        mock = MockServer(rate_limit=None, secret=SECRET, shutdown_timeout=0.5, **{**ports, **options}).start()
        running.append(mock)
        return mock

    yield start_mock
    for mock in running:
        mock.stop()


@pytest.fixture
def gate() -> GatedClock:
    return GatedClock()


@pytest.fixture
def connect(clients: Callable[..., Client], gate: GatedClock, request: pytest.FixtureRequest) -> Connect:
    """Creates clients of a mock, with the gated clock; or of the shared mock, with the real clock."""

    def make(mock: MockServer | None = None, **options: Any) -> Client:
        if mock is None:
            mock = request.getfixturevalue("mock")
        else:
            options = {"clock": gate, **options}
        urls = {"base_url": mock.base_url, "chat_base_url": mock.chat_base_url, "api_key": mock.api_key}
        return clients(**{**urls, "user_id": create_idempotency_key(), "timeout": 10, **options})

    return make


@pytest.fixture
def server_socket() -> Iterator[socket.socket]:
    """A server that accepts connections and sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server
