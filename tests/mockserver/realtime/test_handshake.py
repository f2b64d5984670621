"""The handshake: credentials, host and origin, and both transports."""

from __future__ import annotations

import base64
import json
import threading
from typing import Any

import pytest

from duologue.contract.chats import ChatTitle
from duologue.contract.error_body import ErrorBodySchema
from duologue.contract.users import UserCreate
from duologue_mock import MockServer, chats, users
from duologue_mock.http.authentication import Authenticator
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

pytestmark = pytest.mark.slow


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


HOSTILE_AUTH = {
    "lone surrogate": '{"token":"\\ud800"}',
    "lone surrogate in a key": '{"apiKey":"\\udfff","userId":"x"}',
    "lone surrogate in a user": '{"apiKey":"dev-api-key","userId":"\\ud800"}',
    "lone surrogate in a name": '{"\\ud800":1}',
    "surrogate escapes": '{"token":"\\udc80\\udcff"}',
    "NUL": '{"token":"\\u0000"}',
    "other script": '{"token":"ﬀ.🔑.é"}',
    "deep token": '{"token":' + "[" * 5000 + "]" * 5000 + "}",
    "deep object": '{"a":' * 5000 + "1" + "}" * 5000,
    "deep header of a token": '{"token":"' + base64.urlsafe_b64encode(b"[" * 7000).decode() + '.e30.x"}',
    "header of a token that is a list": '{"token":"W10.e30.x"}',
    "algorithm that is a list": '{"token":"' + base64.urlsafe_b64encode(b'{"alg":[]}').decode() + '.e30.x"}',
    "algorithm that is an object": '{"token":"' + base64.urlsafe_b64encode(b'{"alg":{}}').decode() + '.e30.x"}',
    "critical extension": '{"token":"' + base64.urlsafe_b64encode(b'{"alg":"HS256","crit":5}').decode() + '.e30.x"}',
    "header with many digits": '{"token":"' + base64.urlsafe_b64encode(b"9" * 5000).decode() + '.e30.x"}',
    "dots": '{"token":"' + "." * 5000 + '"}',
    "long token": '{"token":"' + "x" * 1_000_000 + '"}',
    "long key": '{"apiKey":"' + "x" * 1_000_000 + '","userId":"x"}',
    "key twice": '{"token":null,"token":"x"}',
    "many digits": '{"token":' + "9" * 5000 + "}",
    "not a number": '{"token":NaN}',
    "cut off": '{"token":',
    "list": "[]",
    "text": '"token"',
    "number": "5e3",
    "false": "false",
    "nothing but a bracket": "}",
}  # fmt: skip


@pytest.mark.parametrize("auth", HOSTILE_AUTH.values(), ids=HOSTILE_AUTH)
@pytest.mark.parametrize("require_auth", [True, False], ids=["required", "optional"])
def test_hostile_credentials(auth: str, require_auth: bool, caplog: pytest.LogCaptureFixture) -> None:
    with MockServer(require_auth=require_auth, max_request_size=2_000_000) as mock:
        raw = open_websocket(mock.port)
        raw.recv()
        raw.send(f"40{auth}")
        packet = raw.recv()
        assert packet.startswith("44{"), packet[:100]
        body = json.loads(packet[2:])
        assert body["message"] == "Unauthorized"
        assert ErrorBodySchema().load(body["data"]).code in ("AUTHENTICATION_ERROR", "VALIDATION_ERROR")
        assert count_connections(mock) == 0
        with mock.state as state:
            users.create(state, UserCreate(name="Ada", email="ada@example.com"))
        raw.send("40{}")
        assert raw.recv()[:2] == ("44" if require_auth else "40"), "no event has been received meanwhile"
        raw.close(timeout=0)
        raw.shutdown()
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("error", [ValueError, TypeError, KeyError, RecursionError, MemoryError, Exception, OSError])
@pytest.mark.parametrize("method", ["verify_token", "knows_key"])
def test_unexpected_error_refuses(
    mock: MockServer, connect: Connect, monkeypatch: pytest.MonkeyPatch, method: str, error: type[Exception]
) -> None:
    """Whatever goes wrong while credentials are checked refuses them."""

    def fail(*_: object) -> None:
        raise error("unexpected")

    monkeypatch.setattr(Authenticator, method, fail)
    with pytest.raises(Refused) as caught:
        connect({"token": "x"} if method == "verify_token" else CHAT)
    assert caught.value.body["message"] == "Unauthorized"
    assert ErrorBodySchema().load(caught.value.body["data"]).code == "SERVER_ERROR"
    assert "unexpected" not in str(caught.value.body)
    assert count_connections(mock) == 0


@pytest.mark.parametrize("packet", ["40/admin,", "40/admin", '40/admin,{"token":"x"}', "40/a?b=c,", "40//,"])
@pytest.mark.parametrize("joined", [True, False], ids=["joined", "opened"])
def test_other_namespace(mock: MockServer, packet: str, joined: bool) -> None:
    """A client makes an `Error` of it, with `message` and `data`."""
    raw = open_websocket(mock.port)
    raw.recv()
    if joined:
        raw.send("40")
        assert raw.recv().startswith("40")
    raw.send(packet)
    namespace, body = raw.recv()[2:].split(",", 1)
    assert namespace == packet[2:].split(",")[0].split("?")[0]
    assert json.loads(body)["message"] == "Invalid namespace"
    assert ErrorBodySchema().load(json.loads(body)["data"]).code == "NOT_FOUND_ERROR"
    assert count_connections(mock) == joined
    raw.close(timeout=0)
    raw.shutdown()


def test_login_ends_during_handshake(mock: MockServer, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A login that ends while its token is checked does not leave a client that receives its events."""
    token = issue_token(mock, "1")
    verify = Authenticator.verify_token
    ending: list[threading.Thread] = []

    def end_while_verifying(self: Authenticator, token: str) -> Any:
        identity = verify(self, token)
        thread = threading.Thread(target=lambda: end(identity.login_id))
        thread.start()
        thread.join(0.2)
        ending.append(thread)
        return identity

    def end(login_id: str) -> None:
        with mock.state as state:
            state.logins.end(login_id)

    monkeypatch.setattr(Authenticator, "verify_token", end_while_verifying)
    client = connect({"token": token})
    ending[0].join()
    assert client.wait_for_disconnect()
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
