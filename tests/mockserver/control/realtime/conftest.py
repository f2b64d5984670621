"""A mock with clients, and calls of its control API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from duologue_mock import MockServer
from duologue_mock.store import State
from duologue_mock.store.clock import IdGenerator
from tests.mockserver.clocks import ManualClock
from tests.mockserver.listeners import Listener
from tests.mockserver.realtime.clients import SECRET, Connect

Call = Callable[..., Any]
"""Calls the control API, and returns the JSON of the response, whose status must be the expected one."""


@pytest.fixture
def mock(clock: ManualClock) -> Iterator[MockServer]:
    with MockServer(state=State(clock=clock, ids=IdGenerator(11)), secret=SECRET, seed=7) as mock:
        yield mock


@pytest.fixture
def connect(mock: MockServer) -> Iterator[Connect]:
    """Connect a client; all are closed at the end."""
    with ExitStack() as stack:

        def connect(auth: Any = None, **headers: str) -> Listener:
            client = Listener(mock.port, auth, **headers)
            stack.callback(client.close)
            return client

        yield connect


@pytest.fixture
def call(mock: MockServer) -> Iterator[Call]:
    with requests.Session() as session:

        def call(method: str, path: str, body: Any = None, *, status: int = 200, namespace: str = "default") -> Any:
            response = session.request(
                method, f"{mock.origin}/__admin{path}", json=body, headers={"X-Mock-Namespace": namespace}, timeout=30
            )
            assert response.status_code == status, response.text
            return response.json()

        yield call
