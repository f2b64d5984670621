"""A valid request for any operation, with everything it needs made first: what the cross-cutting tests start from."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import requests

from duologue.contract import PLATFORM, Operation, operations, users
from duologue.contract.core import Access
from tests.contract import golden
from tests.contract.wire import NO_BODY, Api, Body, Wire, covers, data, new_user, unique

PASSWORD = "correct horse battery staple"


def each(*selected: Operation[Any], answering: Iterable[int] = ()) -> pytest.MarkDecorator:
    """Run a test for each of these operations, all by default, and say that each answers with these statuses there."""
    rows = [pytest.param(one, marks=covers(one, *answering), id=one.id) for one in selected or operations()]
    return pytest.mark.parametrize("operation", rows)


@dataclass(frozen=True)
class Ask:
    """A request that would succeed, not sent yet."""

    api: Api
    operation: Operation[Any]
    path: str
    body: Body
    query: Mapping[str, str] = field(default_factory=dict)
    """Keeps what others make meanwhile out of a list."""

    def send(self, **options: Any) -> requests.Response:
        """Send it, with other headers or another query if asked."""
        return self.api.request(self.operation.method, self.path, self.body, **{"query": self.query, **options})

    def with_body(self, body: Body) -> Ask:
        return replace(self, body=body)

    def sending(self, **headers: str) -> Ask:
        return replace(self, api=self.api.sending(**headers))


def ask(wire: Wire, operation: Operation[Any]) -> Ask:
    """Return a valid request for `operation`, on a resource and as a caller that no other test knows."""
    api = wire.of(operation)
    if operation.access is Access.AUTHENTICATED:
        api = api.bearing(log_in(wire)["token"])
    query = {"search": unique("nobody")} if operation is users.LIST else {}
    return Ask(api, operation, _path(api, operation), _body(wire, operation), query)


def log_in(wire: Wire, **given: Any) -> dict[str, Any]:
    """Make a user and log it in; return what the login answered, with the password used."""
    body = new_user(password=PASSWORD, **given)
    made = wire.platform.post("/users", body)
    assert made.status_code == 201, made.text
    login = wire.platform.post("/auth/login", {"email": body["email"], "password": PASSWORD})
    assert login.status_code == 200, login.text
    answer: dict[str, Any] = login.json()
    return answer


def make_session(chat: Api, title: str = "Test Session") -> str:
    """Begin a chat session and return its id."""
    return str(data(chat.post("/chats", {"title": title}), 201)["_id"])


def make_user(platform: Api, **given: Any) -> dict[str, Any]:
    """Make a user and return it."""
    made = platform.post("/users", new_user(**given))
    assert made.status_code == 201, made.text
    user: dict[str, Any] = made.json()
    return user


def build_path(operation: Operation[Any], values: Mapping[str, str]) -> str:
    """Return the operation's path with `values` in it."""
    return string.Template(operation.path.replace("{", "${")).substitute(values)


def _path(api: Api, operation: Operation[Any]) -> str:
    if not operation.parameters:
        return operation.path
    made = make_user(api)["id"] if operation.service is PLATFORM else make_session(api)
    return build_path(operation, {"id": made})


def _body(wire: Wire, operation: Operation[Any]) -> Body:
    if operation.body is None:
        return NO_BODY
    body = dict(golden.load(operation.id)["request"]["body"])
    body.pop("id", None)
    if "refreshToken" in body:
        body["refreshToken"] = log_in(wire)["refreshToken"]
    elif body.keys() == {"email", "password"}:
        body = {"email": log_in(wire)["user"]["email"], "password": PASSWORD}
    elif "email" in body:
        body["email"] = f"{unique('sam')}@example.com"
    return body
