"""A mock with a clock that stands still, and clients of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from duologue_mock import MockServer
from duologue_mock.store import State
from duologue_mock.store.clock import IdGenerator
from tests.mockserver.clocks import ManualClock
from tests.mockserver.listeners import Listener
from tests.mockserver.realtime.clients import CHAT, CLIENTS, SECRET, Connect, issue_token


@pytest.fixture
def mock(clock: ManualClock) -> Iterator[MockServer]:
    state = State(clock=clock, ids=IdGenerator(11))
    with MockServer(state=state, secret=SECRET, max_request_size=10_000) as mock:
        yield mock


@pytest.fixture
def connect(mock: MockServer) -> Iterator[Connect]:
    """Connect a client to the mock; all are closed at the end."""
    with ExitStack() as stack:

        def connect(auth: Any = None, *, port: int | None = None) -> Listener:
            client = Listener(port or mock.port, auth)
            stack.callback(client.close)
            return client

        yield connect


@pytest.fixture
def clients(connect: Connect, mock: MockServer) -> dict[str, Listener]:
    """One client of each kind."""
    tokens = [{"token": issue_token(mock, user_id)} for user_id in ("1", "2")]
    return dict(zip(CLIENTS, map(connect, [None, *tokens, CHAT, {**CHAT, "userId": "stranger"}]), strict=True))
