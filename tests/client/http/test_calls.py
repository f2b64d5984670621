"""What a request is made of, and which arguments are refused before one is sent."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue import (
    Client,
    DecodingError,
    MemoryTokenStorage,
    RedirectError,
    ResponseValidationError,
    StoredTokens,
)
from duologue.contract import users
from duologue.contract.headers import validate_header_value
from duologue.http.encoding import build_path
from tests.client.fakes import MESSAGE, SESSION, USER, FakeTransport, enveloped, reply

Talk = Callable[..., tuple[Client, FakeTransport]]

CODE = re.compile(r"urc-[0-9]{13}-[0-9a-z]{9}")


def test_platform_request(talk: Talk) -> None:
    api, net = talk(reply(201, USER))
    api.users.create(name="Zoë", email="zoe@example.com")
    sent = net.last
    assert (sent.method, sent.url) == ("POST", "http://localhost:3001/api/users")
    assert sent.body == '{"name":"Zoë","email":"zoe@example.com","role":"user"}'.encode()
    assert sent.headers["Content-Type"] == "application/json"
    assert CODE.fullmatch(sent.headers["Unique-Reference-Code"])
    assert re.fullmatch(r"[0-9a-f-]{36}", sent.headers["Idempotency-Key"])
    assert sent.headers["X-Attempt"] == "1"
    assert sent.timeout == 10
    assert not {"Authorization", "x-api-key", "x-user-id"} & sent.headers.keys()


def test_chat_request(talk: Talk) -> None:
    api, net = talk(enveloped(SESSION), user_id="u-1")
    api.chats.get("test-session-1")
    assert net.last.url == "http://localhost:3002/chats-service/api/v1/chats/test-session-1"
    assert net.last.headers["x-api-key"] == "dev-api-key"
    assert net.last.headers["x-user-id"] == "u-1"
    assert CODE.fullmatch(net.last.headers["Unique-Reference-Code"])
    assert "Idempotency-Key" not in net.last.headers
    assert net.last.timeout == 15


def test_credentials_per_service(talk: Talk) -> None:
    """The API key is sent to the chat service only, the token to the platform only."""
    api, net = talk(reply(200, USER), enveloped(SESSION), access_token="secret-token")
    api.users.get("1")
    api.chats.get("1")
    platform, chat = net.requests
    assert platform.headers["Authorization"] == "Bearer secret-token"
    assert "x-api-key" not in platform.headers
    assert "Authorization" not in chat.headers


def test_no_token_for_health(talk: Talk) -> None:
    api, net = talk(reply(200, {"status": "ok", "timestamp": "2024-01-01T00:00:00Z"}), access_token="secret-token")
    api.health.platform()
    assert "Authorization" not in net.last.headers


def test_query(talk: Talk) -> None:
    api, net = talk(enveloped([]))
    api.chats.list(favorite=True)
    assert net.last.url.endswith("/chats?favorite=true")
    api.chats.list(search="a b&c=ü", favorite=False)
    assert net.last.url.endswith("/chats?search=a%20b%26c%3D%C3%BC&favorite=false")
    api.chats.list()
    assert net.last.url.endswith("/chats")


@pytest.mark.parametrize("bad", ["", ".", "..", "a\rb", "a\nb", "a\0b"])
def test_invalid_id(talk: Talk, bad: str) -> None:
    api, net = talk(reply(200, USER))
    with pytest.raises(ValueError, match="id must not"):
        api.users.get(bad)
    assert net.requests == []


@pytest.mark.parametrize(
    ("id", "quoted"),
    [("a/b", "a%2Fb"), ("../x", "..%2Fx"), ("a b?c#d%e", "a%20b%3Fc%23d%25e"), ("ü", "%C3%BC"), ("...", "...")],
)
def test_quoted_id(talk: Talk, id: str, quoted: str) -> None:
    api, net = talk(reply(200, USER))
    api.users.get(id)
    assert net.last.url == f"http://localhost:3001/api/users/{quoted}"


@given(st.text(min_size=1, alphabet=st.characters(codec="utf-8")))
def test_any_id(id: str) -> None:
    """An id never leaves its segment of the path."""
    try:
        path = build_path(users.GET, {"id": id})
    except ValueError:
        assert id in (".", "..") or set("\r\n\0") & set(id)
    else:
        assert path.startswith("/users/")
        assert not set("/?#\\ \r\n") & set(path.removeprefix("/users/"))


def test_id_of_wrong_type(talk: Talk) -> None:
    api, _ = talk(reply(200, USER))
    with pytest.raises(TypeError, match="id must be a string, not int"):
        api.users.get(1)  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", ["a\r\nX: y", "a\n", " a", "a ", "ü", "\0"])
def test_invalid_header_value(bad: str) -> None:
    with pytest.raises(ValueError, match="the-name must be printable ASCII") as caught:
        validate_header_value("the-name", bad)
    assert bad not in str(caught.value)


def test_token_with_line_break(talk: Talk) -> None:
    """A storage of the caller's may load what no server would have been allowed to issue."""
    api, net = talk(reply(200, USER), token_storage=MemoryTokenStorage(StoredTokens("a\r\nX: y")))
    with pytest.raises(ValueError, match="Authorization") as caught:
        api.users.get("1")
    assert "X: y" not in str(caught.value)
    assert net.requests == []


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), "\ud800"])
def test_value_json_cannot_represent(talk: Talk, bad: object) -> None:
    api, net = talk(enveloped(MESSAGE))
    with pytest.raises(ValueError, match=r"."):
        api.messages.send("s", content="hello", context={"bad": bad})
    assert net.requests == []


def test_unknown_fields(talk: Talk) -> None:
    """A response may have fields that are not in the contract."""
    page = {"users": [{**USER, "new": 1}], "total": 1, "page": 1, "limit": 10, "hasMore": False, "new": {"a": [1]}}
    api, _ = talk(reply(200, page))
    assert api.users.list().items[0].name == "John Doe"


@pytest.mark.parametrize(
    "body",
    [{}, {**USER, "role": "king"}, {**USER, "id": 1}, [USER], None, "text", 7],
    ids=repr,
)
def test_invalid_response(talk: Talk, body: object) -> None:
    api, _ = talk(reply(200, body))
    with pytest.raises((ResponseValidationError, DecodingError)) as caught:
        api.users.get("1")
    assert caught.value.status == 200
    assert (caught.value.method, caught.value.path) == ("GET", "/users/1")
    assert len(caught.value.attempts) == 1


def test_missing_envelope(talk: Talk) -> None:
    api, _ = talk(reply(200, SESSION))
    with pytest.raises(ResponseValidationError, match="no `data`"):
        api.chats.get("1")


@pytest.mark.parametrize(
    "raw",
    [b"", b"<html>Welcome</html>", b"\xff\xfe", b"{", b'{"a":1,"a":2}', b"NaN", b"[" * 10_000, b"1" * 5_000],
    ids=lambda raw: repr(raw[:10]),
)
def test_body_is_not_json(talk: Talk, raw: bytes) -> None:
    """A body that is not strict JSON is a `DecodingError`, and not retried."""
    from duologue import Response

    api, net = talk(lambda _: Response(200, {}, raw))
    with pytest.raises(DecodingError) as caught:
        api.users.get("1")
    assert len(net.requests) == 1
    assert len(str(caught.value)) < 700


def test_excerpt_is_redacted(talk: Talk) -> None:
    from duologue import Response

    raw = b'{"token": "very-secret", "refreshToken": "eyJhbGciOi.eyJzdWIi.c2ln"'
    api, _ = talk(lambda _: Response(200, {}, raw))
    with pytest.raises(DecodingError) as caught:
        api.auth.login(email="a@example.com", password="p")
    shown = f"{caught.value} {caught.value!r} {caught.value.details}"
    assert "very-secret" not in shown
    assert "eyJ" not in shown


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_of_post(talk: Talk, status: int) -> None:
    api, net = talk(lambda _: reply(status, None, {"Location": "http://evil.example/"}))
    with pytest.raises(RedirectError) as caught:
        api.users.create(name="a", email="a@example.com")
    assert caught.value.status == status
    assert len(net.requests) == 1


def test_any_success_status(talk: Talk) -> None:
    api, _ = talk(reply(200, USER))
    assert api.users.create(name="John Doe", email="john@example.com").id == "1"
