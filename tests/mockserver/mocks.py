"""A mock without a network, and a request for each operation that succeeds."""

from __future__ import annotations

from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from duologue.conformance.target import golden
from duologue.contract import CHAT, operations
from duologue.contract.core import Access
from duologue_mock import Settings, create_app
from duologue_mock.store import State
from duologue_mock.store.clock import Clock, IdGenerator
from duologue_mock.store.seed import Fixtures
from tests.mockserver.requests import get_operation

CHAT_HEADERS = {"x-api-key": "dev-api-key", "Unique-Reference-Code": "wiring-1", "x-user-id": "anonymous-user"}


class Mock:
    """A mock whose requests go straight into its WSGI application."""

    def __init__(self, clock: Clock, **settings: Any) -> None:
        self.state = State(clock=clock, ids=IdGenerator(3))
        configured = Settings(**{"rate_limit": None, "self_check": True, **settings})
        Fixtures().seed(self.state)
        self.app: Flask = create_app(configured, state=self.state, sleep=lambda seconds: None)

    def call(self, id: str, body: Any = None, *, args: str = "", query: str = "", **headers: str) -> TestResponse:
        one = get_operation(id)
        path = one.route.format_map(dict.fromkeys(one.parameters, args))
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if one.service is CHAT and one.access is not Access.PUBLIC:
            sent = {**CHAT_HEADERS, **sent}
        return self.app.test_client().open(path + query, method=one.method, headers=sent, json=body)


REQUESTS: dict[str, tuple[Any, str]] = {
    one.id: (golden.read_body(one), golden.read_parameters(one).get("id", "")) for one in operations()
}
"""The body and the path's argument of each operation, as in its golden example."""
