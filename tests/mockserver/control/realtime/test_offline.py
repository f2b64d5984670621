"""Being offline: no connection works, of HTTP and of Socket.IO, until it is over."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
import requests

from duologue_mock import MockServer
from duologue_mock.control.realtime import message_mappings
from duologue_mock.control.stubs import stubs
from tests.mockserver.clocks import ManualClock
from tests.mockserver.control.realtime.conftest import Call
from tests.mockserver.control.state.calls import Calls
from tests.mockserver.listeners import Listener, open_websocket
from tests.mockserver.raw import ConnectionClosedError, head, peer
from tests.mockserver.realtime.clients import Connect
from tests.mockserver.realtime.raw_clients import QUERY, Polling, frames

Act = Callable[[Call], object]

WAYS_OUT: dict[str, Act] = {
    "call": lambda call: call("POST", "/offline"),
    "preset": lambda call: call("POST", "/presets/offline"),
}
WAYS_BACK: dict[str, Act] = {
    "call": lambda call: call("DELETE", "/offline"),
    "reset": lambda call: call("POST", "/reset"),
}


def is_reset(mock: MockServer, line: str, *headers: str) -> bool:
    """Return whether the connection of a request is reset without a byte."""
    with peer(mock.port) as one:
        one.send(head(line, *headers))
        try:
            return one.socket.recv(1) == b"never"
        except ConnectionResetError:
            return True


CHAT_LINES = ["GET /chats-service/api/v1/health", "POST /chats-service/api/v1/chats"]
LINES = ["GET /api/users", "POST /api/users", *CHAT_LINES, "GET /", "GET /nowhere", "PUT /a/b?c=d"]


@pytest.mark.parametrize("line", [*LINES, f"GET /socket.io/?{QUERY}polling", f"GET /socket.io/?{QUERY}websocket"])
def test_every_request(call: Call, mock: MockServer, line: str) -> None:
    call("POST", "/offline")
    assert is_reset(mock, f"{line} HTTP/1.1")
    call("DELETE", "/offline")
    assert not is_reset(mock, f"{line} HTTP/1.1", "Content-Length: 0")


@pytest.mark.parametrize(("module", "bound"), [(stubs, "MAX_STUBS"), (message_mappings, "MAX_MAPPINGS")])
def test_no_room(calls: Calls, monkeypatch: pytest.MonkeyPatch, module: ModuleType, bound: str) -> None:
    """It is refused as a whole: neither HTTP nor Socket.IO is offline."""
    monkeypatch.setattr(module, bound, 0)
    assert calls.control("POST", "/offline").status_code == 422
    assert calls.get("/offline") == {"offline": False}
    assert calls.get("/message-mappings")["messageMappings"] == []


@pytest.mark.parametrize("back", WAYS_BACK.values(), ids=WAYS_BACK)
@pytest.mark.parametrize("out", WAYS_OUT.values(), ids=WAYS_OUT)
def test_out_and_back(call: Call, mock: MockServer, out: Act, back: Act) -> None:
    assert call("GET", "/offline") == {"offline": False}
    with frames(mock.port) as client:
        out(call)
        with pytest.raises(ConnectionResetError):
            client.peer.socket.recv(1)
    assert call("GET", "/offline") == {"offline": True}
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{mock.base_url}/users", timeout=30)
    back(call)
    assert requests.get(f"{mock.base_url}/users", timeout=30).status_code == 200
    Listener(mock.port).close()
    assert call("GET", "/mappings")["mappings"] == []
    assert call("GET", "/message-mappings")["messageMappings"] == []


def test_ten_seconds(call: Call, mock: MockServer, clock: ManualClock) -> None:
    """By the namespace's clock."""
    call("POST", "/offline", {"milliseconds": 10_000})
    call("POST", "/clock/advance", {"milliseconds": 9_999})
    assert is_reset(mock, "GET /api/users HTTP/1.1")
    assert call("GET", "/offline") == {"offline": True}
    clock.advance(0.001)
    assert call("GET", "/offline") == {"offline": False}
    assert not is_reset(mock, "GET /api/users HTTP/1.1")
    Listener(mock.port).close()


def test_again(call: Call, mock: MockServer) -> None:
    """The last call decides how long."""
    call("POST", "/offline", {"milliseconds": 1_000})
    call("POST", "/offline", {"milliseconds": 10_000})
    call("POST", "/clock/advance", {"milliseconds": 2_000})
    assert is_reset(mock, "GET /api/users HTTP/1.1")
    assert len(call("GET", "/mappings")["mappings"]) == 1


def test_open_connections(call: Call, mock: MockServer) -> None:
    """Also a kept one, a poll that waits, and a session whose client has not sent its handshake."""
    opened, polling = Polling(mock.port, join=False), Polling(mock.port)
    with peer(mock.port) as kept, polling.wait_for_packets() as waiting, frames(mock.port, join=False) as unjoined:
        kept.send(head("GET /api/users HTTP/1.1"))
        assert kept.read_response().status == 200
        call("POST", "/offline")
        kept.send(head("GET /api/users HTTP/1.1"))
        for one in (kept, waiting, unjoined.peer):
            with pytest.raises(ConnectionResetError):
                one.socket.recv(1)
        with pytest.raises(ConnectionClosedError):
            opened.post(b"40")
    call("DELETE", "/offline")
    assert opened.post(b"40").status == 400, "its session has ended"


def test_client_that_names_its_namespace(call: Call, mock: MockServer, connect: Connect) -> None:
    """Its session is opened in another namespace, which is online."""
    here = connect()
    call("POST", "/offline", namespace="w1")
    raw = open_websocket(mock.port)
    raw.recv()
    raw.send('40{"namespace":"w1"}')
    with pytest.raises(ConnectionResetError):
        raw.recv()
    raw.shutdown()
    call("POST", "/channels/send", {"event": "last", "payload": 1, "validate": False})
    assert here.event() == ("last", 1)
    assert requests.get(f"{mock.base_url}/users", timeout=30).status_code == 200
    call("DELETE", "/offline", namespace="w1")
    connect({"namespace": "w1"})


def test_other_stubs(call: Call, mock: MockServer) -> None:
    """They have no say, and are there afterwards."""
    stub = {"priority": -5, "request": {"urlPath": "/a"}, "response": {"body": "stubbed"}}
    call("POST", "/mappings", stub, status=201)
    call("POST", "/offline")
    assert is_reset(mock, "GET /a HTTP/1.1")
    call("DELETE", "/offline")
    assert requests.get(f"{mock.origin}/a", timeout=30).text == "stubbed"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"milliseconds": 0}, "/milliseconds"), ({"milliseconds": "x"}, "/milliseconds"), ({"seconds": 1}, "/seconds")],
    ids=str,
)
def test_invalid_call(call: Call, mock: MockServer, body: dict[str, object], pointer: str) -> None:
    (error,) = call("POST", "/offline", body, status=422)["errors"]
    assert error["source"] == {"pointer": pointer}
    assert call("GET", "/offline") == {"offline": False}
