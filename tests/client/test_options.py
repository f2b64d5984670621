"""Options of single calls, and what came back besides the model."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import assert_type

import pytest

from duologue import (
    AuthenticationError,
    ChatSession,
    Client,
    NotFoundError,
    Page,
    RawResponse,
    ServerError,
    StoredTokens,
    User,
)
from duologue.contract import RESOURCES
from duologue.resources.client_resources import ClientResources
from tests.client.fakes import SESSION, TOKENS, USER, FakeClock, FakeTransport, enveloped, reply

Talk = Callable[..., tuple[Client, FakeTransport]]


def test_view(talk: Talk) -> None:
    api, net = talk(lambda _: reply(200, USER), timeout=10)
    view = api.with_options(timeout=1, deadline=7)
    view.users.get("1")
    assert (net.last.timeout, net.last.deadline) == (1, 7)
    api.users.get("1")
    assert (net.last.timeout, net.last.deadline) == (10, 300)
    view.with_options(deadline=None).users.get("1")
    assert (net.last.timeout, net.last.deadline) == (1, None)
    view.with_options(timeout=None).users.get("1")
    assert (net.last.timeout, net.last.deadline) == (None, 7)


def test_both_services(talk: Talk) -> None:
    api, net = talk(lambda _: enveloped(SESSION))
    api.with_options(timeout=1).chats.get("1")
    assert net.last.timeout == 1


@pytest.mark.parametrize("retries", [0, 2])
def test_max_retries(talk: Talk, retries: int) -> None:
    api, net = talk(lambda _: reply(503))
    with pytest.raises(ServerError):
        api.with_options(max_retries=retries).chats.get("1")
    assert len(net.requests) == 1 + retries


def test_headers(talk: Talk) -> None:
    api, net = talk(lambda _: reply(201, USER), headers={"X-Team": "a", "X-All": "b"}, access_token="t")
    view = api.with_options(headers={"idempotency-key": "mine", "X-Team": "c", "authorization": "Basic x"})
    view.users.create(name="a", email="a@example.com")
    sent = net.last.headers
    assert (sent["idempotency-key"], sent["X-Team"], sent["X-All"], sent["authorization"]) == (
        "mine",
        "c",
        "b",
        "Basic x",
    )
    assert len({name.lower() for name in sent}) == len(sent)
    api.users.create(name="a", email="a@example.com")
    assert net.last.headers["Authorization"] == "Bearer t"
    assert net.last.headers["X-Team"] == "a"


def test_custom_authorization(talk: Talk) -> None:
    api, net = talk(reply(401, {"message": "no"}))
    api._requestor.tokens.set(StoredTokens("token-1", "refresh-1"))
    with pytest.raises(AuthenticationError):
        api.with_options(headers={"authorization": "Basic x"}).users.get("1")
    assert len(net.requests) == 1


def test_headers_of_refresh(talk: Talk) -> None:
    responses = iter([reply(401, {"message": "expired"}), reply(200, TOKENS), reply(201, USER)])
    api, net = talk(lambda _: next(responses))
    api._requestor.tokens.set(StoredTokens("token-1", "refresh-1"))
    api.with_options(headers={"Idempotency-Key": "mine"}, deadline=5).users.create(name="a", email="a@example.com")
    keys = [request.headers["Idempotency-Key"] for request in net.requests]
    assert keys[0] == keys[2] == "mine" != keys[1]
    assert net.requests[1].deadline == 5


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"timeout": 0}, "timeout is 0"),
        ({"max_retries": -1}, "max_retries is -1"),
        ({"headers": {"X-A": "a\r\nb"}}, "X-A must be printable ASCII"),
        ({"headers": {"X A": "a"}}, "'X A' is not a valid header name"),
        ({"headers": {"": "a"}}, "'' is not a valid header name"),
        ({"headers": {"Content-Length": "5"}}, "Content-Length is set by the client"),
        ({"headers": {"transfer-encoding": "chunked"}}, "transfer-encoding is set by the client"),
        ({"headers": {"Host": "evil"}}, "Host is set by the client"),
    ],
)
def test_invalid_option(talk: Talk, options: dict[str, object], complaint: str) -> None:
    api, _ = talk(reply(200, USER))
    with pytest.raises(ValueError, match=re.escape(complaint)):
        api.with_options(**options)  # type: ignore[arg-type]
    if "headers" in options:
        with pytest.raises(ValueError, match=re.escape(complaint)):
            Client(**options)  # type: ignore[arg-type]


def test_unknown_option(talk: Talk) -> None:
    api, _ = talk(reply(200, USER))
    with pytest.raises(TypeError, match="A call has no option 'base_url'; there are timeout, max_retries"):
        api.with_options(base_url="http://elsewhere.invalid")  # type: ignore[call-arg]


def test_shared_login(talk: Talk) -> None:
    api, net = talk(lambda r: reply(200, {"user": USER, **TOKENS} if r.url.endswith("login") else USER))
    view = api.with_options(timeout=1)
    view.auth.login(email="john@example.com", password="password")
    assert api.auth.logged_in
    api.users.get("1")
    assert net.last.headers["Authorization"] == f"Bearer {TOKENS['token']}"
    assert view.realtime is api.realtime
    assert view.api_keys is api.api_keys


def test_raw_response(talk: Talk) -> None:
    clock = FakeClock()
    busy = reply(503, None, {"Retry-After": "2"})
    good = reply(200, {**USER, "nick": "Jo"}, {"ETag": '"e"', "X-Request-Id": "urc-9"})
    api, _ = talk(busy, good)
    api._requestor.clock = clock
    raw = api.users.with_raw_response.get("1")
    assert_type(raw, RawResponse[User])
    assert raw.parsed.name == "John Doe"
    assert (raw.status, raw.headers["etag"], raw.request_id) == (200, '"e"', "urc-9")
    assert [attempt.outcome for attempt in raw.attempts] == ["503", "200"]
    assert raw.elapsed == 2
    assert raw.data["nick"] == "Jo"
    assert "nick" not in repr(raw)


def test_raw_response_of_several(talk: Talk) -> None:
    api, _ = talk(enveloped(SESSION), enveloped({**SESSION, "isFavorite": True}))
    raw = api.chats.with_raw_response.toggle_favorite("test-session-1")
    assert raw.parsed.is_favorite
    assert raw.data["data"]["isFavorite"] is True


def test_raw_response_without_body(talk: Talk) -> None:
    api, _ = talk(reply(204))
    raw = api.users.with_raw_response.delete("1")
    assert (raw.status, raw.parsed, raw.data, raw.body) == (204, None, None, b"")


def test_raw_response_of_view(talk: Talk) -> None:
    api, net = talk(reply(404, {"message": "no"}))
    view = api.with_options(timeout=3)
    with pytest.raises(NotFoundError):
        view.users.with_raw_response.get("1")
    assert net.last.timeout == 3


def test_raw_page(talk: Talk) -> None:
    """The pages after a page with its raw response are requested as usual."""
    more = {"page": 1, "limit": 1, "total": 2, "totalPages": 2, "hasNext": True, "hasPrev": False}
    last = {**more, "page": 2, "hasNext": False}
    api, net = talk(reply(200, {"data": [SESSION], "pagination": more}), reply(200, {"data": [], "pagination": last}))
    raw = api.chats.with_raw_response.list(limit=1)
    assert_type(raw, RawResponse[Page[ChatSession]])
    assert raw.data["pagination"] == more
    assert [session.id for session in raw.parsed] == ["test-session-1"]
    assert len(net.requests) == 2


CLIENT_RESOURCES = [name for name in RESOURCES if hasattr(ClientResources, name)]
WITHOUT_RAW_RESPONSE = {"auth.refresh", "auth.require_role", "auth.on", "auth.off", "smart_chat.stream", "health.error"}
"""Methods that make no call, that share one between threads, or that return no result."""


@pytest.mark.parametrize("resource", CLIENT_RESOURCES)
def test_every_method_has_its_raw_one(talk: Talk, resource: str) -> None:
    api, _ = talk(reply(200, USER))
    plain, raw = getattr(api, resource), getattr(api, resource).with_raw_response
    methods = {name for name, _ in inspect.getmembers(type(plain), inspect.isfunction) if not name.startswith("_")}
    expected = {name for name in methods if f"{resource}.{name}" not in WITHOUT_RAW_RESPONSE}
    assert {name for name in vars(type(raw)) if not name.startswith("_")} == expected
    for name in expected:
        assert getattr(raw, name).__doc__ == getattr(plain, name).__doc__
