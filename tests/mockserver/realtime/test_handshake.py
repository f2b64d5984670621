"""The handshake: credentials, host and origin, and both transports."""

from __future__ import annotations

import json
from typing import Any

import pytest

from duologue.contract.chats import ChatTitle
from duologue.contract.error_body import ErrorBodySchema
from duologue.contract.users import UserCreate
from duologue_mock import MockServer, chats, users
from tests.mockserver.clocks import ManualClock
from tests.mockserver.listeners import Listener, Refused, open_websocket
from tests.mockserver.raw import ask, head, peer
from tests.mockserver.realtime.clients import (
    CHAT,
    SECRET,
    VISITOR,
    Connect,
    count_connections,
    issue_token,
    read_events,
)


@pytest.mark.parametrize("auth", [None, {}, {"unknown": 1}, {"token": None}, {"apiKey": None, "userId": None}], ids=str)
def test_anonymous_handshake(connect: Connect, mock: MockServer, auth: Any) -> None:
    assert read_events(connect(auth), mock) == []


@pytest.mark.parametrize("port", ["port", "chat_port"])
def test_both_ports(connect: Connect, mock: MockServer, port: str) -> None:
    one = connect(CHAT, port=getattr(mock, port))
    with mock.state as state:
        chats.create(state, VISITOR, ChatTitle("Plans"))
    assert read_events(one, mock) == ["chat:created"]


BAD_AUTH: list[Any] = [
    {"token": "nonsense"},
    {"token": ""},
    {"token": 5},
    {"token": ["x"]},
    {"token": {"x": 1}},
    {"token": True},
    {"apiKey": "wrong", "userId": "x"},
    {"apiKey": "", "userId": "x"},
    {"apiKey": 5, "userId": "x"},
    {"apiKey": "dev-api-key"},
    {"apiKey": "dev-api-key", "userId": ""},
    {"apiKey": "dev-api-key", "userId": "  "},
    {"apiKey": "dev-api-key", "userId": 5},
    {"apiKey": "dev-api-key", "userId": "x" * 256},
    {"userId": "x"},
    {"token": "nonsense", "apiKey": "dev-api-key", "userId": "x"},
    ["token"],
    "token",
    True,
]


@pytest.mark.parametrize("auth", BAD_AUTH, ids=lambda auth: json.dumps(auth)[:40])
def test_bad_credentials(connect: Connect, mock: MockServer, auth: Any) -> None:
    with pytest.raises(Refused) as caught:
        connect(auth)
    assert caught.value.body["message"] == "Unauthorized"
    ErrorBodySchema().load(caught.value.body["data"])
    assert count_connections(mock) == 0


def test_good_token_and_wrong_key(connect: Connect, mock: MockServer) -> None:
    with pytest.raises(Refused):
        connect({"token": issue_token(mock, "1"), "apiKey": "wrong", "userId": "x"})


def test_auth_required(clock: ManualClock) -> None:
    with MockServer(require_auth=True, secret=SECRET) as mock:
        for credentials in (None, {}, {"token": None}):
            with pytest.raises(Refused) as caught:
                Listener(mock.port, credentials)
            assert caught.value.body["message"] == "Unauthorized"
        for valid in ({"token": issue_token(mock, "1")}, CHAT):
            Listener(mock.port, valid).close()


def test_expired_token(connect: Connect, mock: MockServer, clock: ManualClock) -> None:
    stale = issue_token(mock, "1")
    clock.advance(3600)
    with pytest.raises(Refused):
        connect({"token": stale})


def test_retry_after_refusal(mock: MockServer) -> None:
    raw = open_websocket(mock.port)
    try:
        raw.recv()
        raw.send('40{"token":"nonsense"}')
        assert raw.recv().startswith("44")
        with mock.state as state:
            users.create(state, UserCreate(name="Ada", email="ada@example.com"))
        raw.send("40" + json.dumps({"token": issue_token(mock, "1")}))
        assert raw.recv().startswith("40"), "the response comes first, not an event"
    finally:
        raw.close(timeout=0)
        raw.shutdown()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (["Host: evil.example"], 421),
        (["Host: localhost", "Origin: http://evil.example"], 403),
        (["Host: localhost", "Origin: null"], 403),
        (["Host: localhost", "Origin: http://localhost.evil.example"], 403),
        (["Host: localhost", "Origin: http://localhost:3000"], 101),
        (["Host: 127.0.0.1:1"], 101),
    ],
)
def test_host_and_origin(mock: MockServer, headers: list[str], status: int) -> None:
    line = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1"
    upgrade = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
    with peer(mock.port) as one:
        one.send(head(line, *headers, *upgrade, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", host=None))
        response = one.read_response()
        assert response.status == status
        if status == 101:
            assert response.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        else:
            ErrorBodySchema().load(response.json)


def test_polling(mock: MockServer) -> None:
    path = "/socket.io/?EIO=4&transport=polling"
    opened = json.loads(ask(mock.port, f"GET {path} HTTP/1.1").body[1:])
    assert "websocket" in opened["upgrades"]
    mine = f"{path}&sid={opened['sid']}"
    join = b"40" + json.dumps(CHAT).encode()
    assert ask(mock.port, f"POST {mine} HTTP/1.1", f"Content-Length: {len(join)}", body=join).body == b"OK"
    assert ask(mock.port, f"GET {mine} HTTP/1.1").body.startswith(b'40{"sid":')
    with mock.state as state:
        chats.create(state, VISITOR, ChatTitle("Plans"))
    assert b'"chat:created"' in ask(mock.port, f"GET {mine} HTTP/1.1").body


@pytest.mark.parametrize("path", ["?EIO=4&transport=polling&sid=unknown", "?EIO=3&transport=polling", "?EIO=4", ""])
def test_malformed_http_request(mock: MockServer, path: str) -> None:
    for line, more in (
        (f"GET /socket.io/{path} HTTP/1.1", []),
        (f"POST /socket.io/{path} HTTP/1.1", ["Content-Length: 2"]),
    ):
        response = ask(mock.port, line, *more, body=b"4x" if more else b"")
        if response.status != 200:
            assert 400 <= response.status < 500
            ErrorBodySchema().load(response.json)
