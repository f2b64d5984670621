"""A valid request for any operation, with what it needs created first: the tests of common rules start from it."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import requests

from duologue.conformance.rules import covers
from duologue.conformance.target import golden
from duologue.conformance.target.caller import NO_BODY, Api, Body
from duologue.conformance.target.responses import read_data
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import build_user, unique
from duologue.contract import PLATFORM, Operation, operations, users
from duologue.contract.core import Access

PASSWORD = "correct horse battery staple"  # noqa: S105 - of the users that tests create

WITH_BODY = [operation for operation in operations() if operation.body]
"""Every operation whose request has a body."""

each_service = pytest.mark.parametrize("service", ["platform", "chat"])
"""Run a test for each of the two services."""


def each(*selected: Operation[Any], statuses: Iterable[int] = ()) -> pytest.MarkDecorator:
    """Run a test for each of these operations, all by default, and mark it to cover these statuses of each."""
    rows = [pytest.param(one, marks=covers(one, *statuses), id=one.id) for one in selected or operations()]
    return pytest.mark.parametrize("operation", rows)


def each_case(
    name: str,
    cases: Iterable[Any],
    *selected: Operation[Any],
    everywhere: int = 1,
    ids: Iterable[str] | None = None,
    statuses: Iterable[int] = (),
) -> pytest.MarkDecorator:
    """Run a test for all cases at the first of these operations, and for the first few cases at each other one.

    Where one piece of a server decides for all operations, all cases at each of them would say nothing more.

    Args:
        name: of the test's argument.
        cases: its values.
        selected: the operations.
        everywhere: how many cases each operation gets.
        ids: of the cases; what they are as text unless given.
        statuses: what the test covers of each operation.
    """
    values = list(cases)
    names = [ascii(value) for value in values] if ids is None else list(ids)
    rows = [
        pytest.param(operation, value, marks=covers(operation, *statuses), id=f"{operation.id}-{names[number]}")
        for operation in selected
        for number, value in enumerate(values)
        if number < everywhere or operation is selected[0]
    ]
    return pytest.mark.parametrize(("operation", name), rows)


@dataclass(frozen=True)
class PreparedRequest:
    """A request that would succeed, not sent yet."""

    api: Api
    operation: Operation[Any]
    path: str
    body: Body
    query: Mapping[str, str] = field(default_factory=dict)
    """Keeps what other tests create meanwhile out of a list."""

    def send(self, **options: Any) -> requests.Response:
        """Send it, with other headers or another query if asked."""
        return self.api.request(self.operation.method, self.path, self.body, **{"query": self.query, **options})

    def with_body(self, body: Body) -> PreparedRequest:
        """Return it with another body."""
        return replace(self, body=body)

    def with_headers(self, **headers: str) -> PreparedRequest:
        """Return it with more headers; `_` in a name stands for `-`."""
        return replace(self, api=self.api.with_headers(**headers))


def prepare_request(server: Server, operation: Operation[Any]) -> PreparedRequest:
    """Return a valid request for `operation`, on a resource and as a caller that no other test knows."""
    api = server.get_api(operation)
    if operation.access is Access.AUTHENTICATED:
        api = api.with_token(log_in(server)["token"])
    query = {"search": unique("no-match")} if operation is users.LIST else {}
    return PreparedRequest(api, operation, _path(api, operation), _body(server, operation), query)


def log_in(server: Server, **fields: Any) -> dict[str, Any]:
    """Create a user and log in; return the body of the login's response."""
    body = build_user(password=PASSWORD, **fields)
    response = server.platform.post("/users", body)
    assert response.status_code == 201, response.text
    response = server.platform.post("/auth/login", {"email": body["email"], "password": PASSWORD})
    assert response.status_code == 200, response.text
    login: dict[str, Any] = response.json()
    return login


def create_session(chat: Api, title: str = "Test Session") -> str:
    """Create a chat session and return its id."""
    return str(read_data(chat.post("/chats", {"title": title}), 201)["_id"])


def create_user(platform: Api, **fields: Any) -> dict[str, Any]:
    """Create a user and return it."""
    response = platform.post("/users", build_user(**fields))
    assert response.status_code == 201, response.text
    user: dict[str, Any] = response.json()
    return user


def build_path(operation: Operation[Any], values: Mapping[str, str]) -> str:
    """Return the operation's path with `values` in it."""
    return string.Template(operation.path.replace("{", "${")).substitute(values)


def _path(api: Api, operation: Operation[Any]) -> str:
    if not operation.parameters:
        return operation.path
    resource_id = create_user(api)["id"] if operation.service is PLATFORM else create_session(api)
    return build_path(operation, {"id": resource_id})


def _body(server: Server, operation: Operation[Any]) -> Body:
    if operation.body is None:
        return NO_BODY
    body = dict(golden.load(operation.id)["request"]["body"])
    body.pop("id", None)
    if "refreshToken" in body:
        body["refreshToken"] = log_in(server)["refreshToken"]
    elif body.keys() == {"email", "password"}:
        body = {"email": log_in(server)["user"]["email"], "password": PASSWORD}
    elif "email" in body:
        body["email"] = f"{unique('sam')}@example.com"
    return body
