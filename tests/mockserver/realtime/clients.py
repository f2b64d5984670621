"""Socket.IO clients of a mock: what they may log in with, and what they receive."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from duologue.contract import users as contract_users
from duologue.contract.users import UserDeleted
from duologue_mock import MockServer, Settings
from duologue_mock.handler_registry import Principal
from duologue_mock.tokens import TokenService
from tests.mockserver.listeners import Listener

SECRET = "a fixed secret, so that tests can create tokens"
TOKEN_SERVICE = TokenService(Settings(secret=SECRET))
ANONYMOUS = Principal(key="test")
VISITOR = Principal(key="test", user_id="anonymous-user")
SESSION_ID = "test-session-1"
CHAT = {"apiKey": "dev-api-key", "userId": "anonymous-user"}
CLIENTS = ["anonymous", "john (admin)", "jane", "visitor", "stranger"]

Connect = Callable[..., Listener]


def issue_token(mock: MockServer, user_id: str) -> str:
    with mock.state as state:
        user = state.users.get(user_id)
        assert user is not None
        return TOKEN_SERVICE.issue(state, user).token


def count_connections(mock: MockServer) -> int:
    """Return how many clients the mock has."""
    return len(mock._context.realtime)


def read_events(client: Listener, mock: MockServer) -> list[str]:
    """Return the names of the events that a client has received so far; notifications with their type.

    Events arrive in order, and every client receives the marker that is published here: what has not arrived before it
    was not sent.
    """
    marker = publish_marker(mock)
    names: list[str] = []
    while (event := client.event()) != marker:
        name, payload = event
        if not str(payload.get("userId")).startswith(MARKER):
            names.append(f"notification:new/{payload['type']}" if name == "notification:new" else name)
    return names


MARKER = "marker "
NUMBERS = itertools.count()


def publish_marker(mock: MockServer) -> tuple[str, Any]:
    """Publish a unique event to all clients, and return it as they receive it."""
    id = f"{MARKER}{next(NUMBERS)}"
    with mock.state as state:
        state.publish(contract_users.DELETED, UserDeleted(id))
    return "user:deleted", {"userId": id}
