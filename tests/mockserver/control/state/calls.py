"""Control calls, and requests of the API, of a mock without a network."""

from __future__ import annotations

from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from duologue_mock import Settings, create_app
from duologue_mock.context import get_context
from duologue_mock.http.namespaces import HEADER, Namespace
from duologue_mock.store import State
from duologue_mock.store.clock import IdGenerator
from duologue_mock.store.seed import Fixtures
from tests.mockserver.clocks import ManualClock

JOHN = {"email": "john@example.com", "password": "password"}
"""The administrator of the shipped fixtures."""


class Calls:
    """A mock, and calls of one of its namespaces."""

    def __init__(self, app: Flask, namespace: str | None = None) -> None:
        self.app = app
        self._headers = {} if namespace is None else {HEADER: namespace}

    def in_namespace(self, name: str) -> Calls:
        return Calls(self.app, name)

    @property
    def namespace(self) -> Namespace:
        return get_context(self.app).namespaces.get(self._headers.get(HEADER, "default"))

    @property
    def state(self) -> State:
        return self.namespace.state

    def control(self, method: str, path: str, body: Any = None) -> TestResponse:
        return self.request(method, f"/__admin{path}", body)

    def get(self, path: str) -> Any:
        """Return the JSON of a control call that succeeds."""
        return self.check("GET", path)

    def check(self, method: str, path: str, body: Any = None) -> Any:
        response = self.control(method, path, body)
        assert response.status_code in (200, 201), response.text
        return response.json

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        return self.app.test_client().open(path, method=method, json=body, headers={**self._headers, **headers})

    def create_user(self, email: str, **headers: str) -> TestResponse:
        body = {"name": "Ada", "email": email, "password": "secret-123"}
        return self.request("POST", "/api/users", body, **headers)

    def list_emails(self) -> list[str]:
        users = self.request("GET", "/api/users?limit=100").json
        assert users is not None
        return [user["email"] for user in users["users"]]

    def login(self) -> dict[str, str]:
        """Return tokens of the administrator."""
        tokens: dict[str, str] = self.request("POST", "/api/auth/login", JOHN).json  # type: ignore[assignment]
        return tokens

    def get_me(self, token: str) -> int:
        """Return the status of a request with a token."""
        return self.request("GET", "/api/auth/me", Authorization=f"Bearer {token}").status_code


def create_calls(clock: ManualClock | None = None, **settings: Any) -> Calls:
    """Return a mock with the shipped fixtures."""
    state = State(clock=clock or ManualClock(), ids=IdGenerator(7))
    Fixtures().seed(state)
    return Calls(create_app(Settings(**{"seed": 7, "self_check": True, **settings}), state=state))


def list_errors(response: TestResponse) -> list[tuple[str | None, str]]:
    """Return the pointer of each error, and its detail or title."""
    assert response.json is not None
    return [
        (error.get("source", {}).get("pointer"), error.get("detail", error["title"]))
        for error in response.json["errors"]
    ]
