"""Each method makes the contract's call and returns the contract's model."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from duologue import AuthenticationError, Client, NotFoundError, Page, ServerError
from duologue.contract import operations
from tests.client.fakes import MESSAGE, SESSION, TOKENS, USER, FakeTransport, enveloped, reply

Talk = Callable[..., tuple[Client, FakeTransport]]

PAGINATION: dict[str, object] = {
    "page": 1,
    "limit": 50,
    "total": 1,
    "totalPages": 1,
    "hasNext": False,
    "hasPrev": False,
}
HEALTH = {"status": "ok", "timestamp": "2024-01-01T00:00:00.000Z", "version": "1", "uptime": 3.5}
LOGIN = {"user": USER, **TOKENS}

CALLS: dict[str, tuple[Callable[[Client], object], str, object, object]] = {
    "users.LIST": (
        lambda api: api.users.list(page=2, limit=5, search="doe"),
        "GET /api/users?page=2&limit=5&search=doe",
        None,
        reply(200, {"users": [USER], "total": 6, "page": 2, "limit": 5, "hasMore": False}),
    ),
    "users.CREATE": (
        lambda api: api.users.create(name="a", email="a@b.cc", role="admin", password="p"),
        "POST /api/users",
        {"name": "a", "email": "a@b.cc", "role": "admin", "password": "p"},
        reply(201, USER),
    ),
    "users.GET": (lambda api: api.users.get("1"), "GET /api/users/1", None, reply(200, USER)),
    "users.UPDATE": (
        lambda api: api.users.update("1", role="user"),
        "PUT /api/users/1",
        {"role": "user"},
        reply(200, USER),
    ),
    "users.DELETE": (lambda api: api.users.delete("1"), "DELETE /api/users/1", None, reply(204)),
    "auth.LOGIN": (
        lambda api: api.auth.login(email="a@b.cc", password="p"),
        "POST /api/auth/login",
        {"email": "a@b.cc", "password": "p"},
        reply(200, LOGIN),
    ),
    "auth.LOGOUT": (lambda api: api.auth.logout(), "POST /api/auth/logout", None, reply(204)),
    "auth.ME": (lambda api: api.auth.me(), "GET /api/auth/me", None, reply(200, USER)),
    "chats.LIST": (
        lambda api: api.chats.list(page=1, limit=7, favorite=False),
        "GET /chats-service/api/v1/chats?page=1&limit=7&favorite=false",
        None,
        reply(200, {"data": [SESSION], "pagination": PAGINATION}),
    ),
    "chats.CREATE": (
        lambda api: api.chats.create(title="t"),
        "POST /chats-service/api/v1/chats",
        {"title": "t"},
        enveloped(SESSION, 201),
    ),
    "chats.GET": (lambda api: api.chats.get("s"), "GET /chats-service/api/v1/chats/s", None, enveloped(SESSION)),
    "chats.RENAME": (
        lambda api: api.chats.rename("s", title="t"),
        "PATCH /chats-service/api/v1/chats/s",
        {"title": "t"},
        enveloped(SESSION),
    ),
    "chats.DELETE": (lambda api: api.chats.delete("s"), "DELETE /chats-service/api/v1/chats/s", None, reply(204)),
    "chats.FAVORITE": (
        lambda api: api.chats.set_favorite("s", favorite=False),
        "PATCH /chats-service/api/v1/chats/s/favorite",
        {"isFavorite": False},
        enveloped(SESSION),
    ),
    "messages.LIST": (
        lambda api: api.messages.list("s", page=3, limit=2),
        "GET /chats-service/api/v1/chats/s/messages?page=3&limit=2",
        None,
        reply(200, {"data": [MESSAGE], "pagination": PAGINATION}),
    ),
    "messages.SEND": (
        lambda api: api.messages.send("s", content="c", sender="system", context={"a": [1, None]}),
        "POST /chats-service/api/v1/chats/s/messages",
        {"content": "c", "sender": "system", "context": {"a": [1, None]}},
        enveloped(MESSAGE, 201),
    ),
    "smart_chat.ASK": (
        lambda api: api.smart_chat.ask("s", message="m", context="c"),
        "POST /chats-service/api/v1/chats/s/smart-chat",
        {"message": "m", "context": "c"},
        enveloped(MESSAGE, 201),
    ),
    "health.PLATFORM": (lambda api: api.health.platform(), "GET /api/health", None, reply(200, HEALTH)),
    "health.CHATS": (lambda api: api.health.chats(), "GET /chats-service/api/v1/health", None, reply(200, HEALTH)),
}


@pytest.mark.parametrize("id", CALLS)
def test_a_method_makes_its_call(talk: Talk, id: str) -> None:
    call, line, body, answer = CALLS[id]
    api, net = talk(answer)
    returned = call(api)
    method, _, path = line.partition(" ")
    assert net.last.method == method
    assert net.last.url.split("/", 3)[3] == path[1:]
    assert (json.loads(net.last.body) if net.last.body else None) == body
    operation = next(operation for operation in operations() if operation.id == id)
    result = returned.model if isinstance(returned, Page) else returned
    assert isinstance(result, operation.response.model if operation.response else type(None))


def test_every_operation_has_a_method() -> None:
    elsewhere = {"auth.REFRESH", "health.ERROR"}  # tests of their own, below and in test_tokens
    assert CALLS.keys() | elsewhere == {operation.id for operation in operations()}


def test_an_error_can_be_asked_for(talk: Talk) -> None:
    api, net = talk(reply(500, {"message": "Internal server error"}), reply(404), max_retries=0)
    with pytest.raises(ServerError):
        api.health.error()
    assert net.last.url.endswith("/api/error?status=500")
    with pytest.raises(NotFoundError):
        api.health.error(status=404)


def test_models_have_python_names_and_types(talk: Talk) -> None:
    api, _ = talk(enveloped(SESSION))
    session = api.chats.get("s")
    assert session.id == "test-session-1"
    assert session.is_favorite is False
    assert session.last_message_at == datetime(2024, 1, 1, tzinfo=UTC)


def test_toggling_sends_the_opposite_of_what_is(talk: Talk) -> None:
    api, net = talk(enveloped({**SESSION, "isFavorite": True}), enveloped(SESSION))
    assert api.chats.toggle_favorite("s").is_favorite is False
    assert net.last.body == b'{"isFavorite":false}'


def test_validate_api_key(talk: Talk) -> None:
    """Uncached, each call requests, and a failure other than 401 is raised."""
    api, net = talk(reply(200, HEALTH), reply(401, {"message": "Unknown key"}), reply(500), max_retries=0)
    assert api.validate_api_key(cached=False) is True
    assert net.last.headers["x-api-key"] == "dev-api-key"
    assert api.with_options(timeout=1).validate_api_key(cached=False) is False
    assert net.last.timeout == 1
    with pytest.raises(ServerError):
        api.validate_api_key(cached=False)
    assert api.validate_api_key() is False
    assert len(net.requests) == 3


def test_no_key_is_sent_when_there_is_none(talk: Talk) -> None:
    api, net = talk(reply(401), api_key=None)
    with pytest.raises(AuthenticationError):
        api.chats.list()
    assert "x-api-key" not in net.last.headers
