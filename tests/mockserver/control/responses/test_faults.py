"""Faults on bare connections: which bytes arrive, how the connection ends, and that nothing is left of it."""

from __future__ import annotations

import gc
import json
from typing import Any

import psutil
import pytest

from duologue.contract import strict_json
from duologue_mock import MockServer
from duologue_mock.control.responses.faults import GARBAGE, Fault
from tests.mockserver.control.responses.wire import Wire
from tests.mockserver.control.steered_mock import SteeredMock
from tests.mockserver.raw import ConnectionClosedError, Peer, peer
from tests.waiting import eventually

CLOSING = [Fault.EMPTY_RESPONSE, Fault.RANDOM_DATA_THEN_CLOSE, Fault.MALFORMED_RESPONSE_CHUNK]
"""Faults after which the server closes the connection."""
FIRST_BYTES = {Fault.EMPTY_RESPONSE: b"", Fault.RANDOM_DATA_THEN_CLOSE: GARBAGE}

USER = b'{"name": "Ada", "email": "ada@example.com"}'
CREATE = ("POST /api/users HTTP/1.1", "Content-Type: application/json", f"Content-Length: {len(USER)}")
CHAT = ("x-api-key: dev-api-key", "x-user-id: anonymous-user", "Unique-Reference-Code: wire-1")
QUESTION = b'{"message": "Hello"}'
ASK_STREAM = (
    "POST /chats-service/api/v1/chats/test-session-1/smart-chat HTTP/1.1",
    *CHAT,
    "Accept: text/event-stream",
    "Content-Type: application/json",
    f"Content-Length: {len(QUESTION)}",
)
WEBSOCKET = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


def read_until_reset(one: Peer) -> bytes:
    """Return what arrives before the connection is reset; fail if it ends in another way."""
    pieces: list[bytes] = []
    with pytest.raises(ConnectionResetError):
        pieces.extend(iter(lambda: one.socket.recv(65536), b""))
    return b"".join(pieces)


def check_fault(fault: Fault, one: Peer) -> None:
    if fault is Fault.CONNECTION_RESET_BY_PEER:
        assert read_until_reset(one) == b""
    elif fault in FIRST_BYTES:
        assert one.rest() == FIRST_BYTES[fault]
    else:
        with pytest.raises((ValueError, ConnectionClosedError)):
            one.read_response()


@pytest.mark.parametrize("fault", [*CLOSING, Fault.CONNECTION_RESET_BY_PEER])
def test_on_a_connection_in_use(wire: Wire, fault: Fault) -> None:
    """The second request of a connection that is kept alive breaks, as a pooled one of a client does."""
    wire.stub({"fault": fault})
    one = wire.send("GET /api/users HTTP/1.1")
    assert one.read_response().status == 200
    check_fault(fault, wire.send(peer=one))


REQUESTS: dict[str, tuple[tuple[str, ...], bytes]] = {
    "HEAD": (("HEAD /x HTTP/1.1",), b""),
    "OPTIONS": (("OPTIONS /x HTTP/1.1",), b""),
    "old": (("GET /x HTTP/1.0",), b""),
    "body": (CREATE, USER),
    "stream": (ASK_STREAM, QUESTION),
    "websocket": (WEBSOCKET, b""),
    "polling": (("GET /socket.io/?EIO=4&transport=polling HTTP/1.1",), b""),
    "polling body": (("POST /socket.io/?EIO=4&transport=polling&sid=x HTTP/1.1", "Content-Length: 2"), b"40"),
}


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("fault", [Fault.EMPTY_RESPONSE, Fault.RANDOM_DATA_THEN_CLOSE, Fault.CONNECTION_RESET_BY_PEER])
def test_every_kind_of_request(wire: Wire, fault: Fault, name: str) -> None:
    wire.stub({"fault": fault}, url=None)
    request, body = REQUESTS[name]
    check_fault(fault, wire.send(*request, body=body))


@pytest.mark.parametrize(("options", "is_chunked"), [((), True), (("Connection: close",), False)])
def test_malformed_chunk(wire: Wire, options: tuple[str, ...], is_chunked: bool) -> None:
    """As WireMock's: the body is chunked only on a connection that is kept alive."""
    wire.stub({"fault": "MALFORMED_RESPONSE_CHUNK", "status": 418, "body": "ignored"})
    one = wire.send("GET /x HTTP/1.1", *options)
    response_head = one.until(b"\r\n\r\n")
    assert response_head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert (b"\r\nTransfer-Encoding: chunked\r\n" in response_head) == is_chunked
    assert one.rest() == GARBAGE


def test_reset_is_no_clean_end(wire: Wire) -> None:
    """An end without a reset is what most mocks send in its place."""
    wire.stub({"fault": "EMPTY_RESPONSE"}, url="/end")
    wire.stub({"fault": "CONNECTION_RESET_BY_PEER"}, url="/reset")
    assert wire.send("GET /end HTTP/1.1").socket.recv(100) == b""
    assert read_until_reset(wire.send("GET /reset HTTP/1.1")) == b""


@pytest.mark.parametrize("size", [0, 1, 2, 1001])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_truncated_body(wire: Wire, size: int, method: str) -> None:
    wire.stub({"fault": "TRUNCATED_BODY", "status": 201, "body": "x" * size})
    one = wire.send(f"{method} /x HTTP/1.1")
    response_head = one.until(b"\r\n\r\n")
    assert response_head.startswith(b"HTTP/1.1 201 ")
    assert b"\r\nContent-Length: %d\r\n" % max(size, 1) in response_head
    assert one.rest() == (b"" if method == "HEAD" else b"x" * (size // 2))


def test_truncated_own_response(wire: Wire) -> None:
    """The operation is done; the client does not get all of its response."""
    wire.stub({"fault": "TRUNCATED_BODY", "passThrough": True}, url="/api/users")
    one = wire.send(*CREATE, body=USER)
    assert one.until(b"\r\n\r\n").startswith(b"HTTP/1.1 201 Created\r\n")
    assert one.rest().startswith(b'{"id":')
    wire.control("DELETE /mappings")
    assert wire.count() == 3


def test_truncated_stream(wire: Wire) -> None:
    """The first piece arrives, and the connection ends without the end of the chunks."""
    wire.stub({"fault": "TRUNCATED_BODY", "passThrough": True}, url=None)
    one = wire.send(*ASK_STREAM, body=QUESTION)
    assert b"\r\nTransfer-Encoding: chunked\r\n" in one.until(b"\r\n\r\n")
    size = int(one.until(b"\r\n"), 16)
    rest = one.rest()
    assert rest.startswith(b"event: message.delta\n")
    assert len(rest) == size + len(b"\r\n")


BODIES: list[Any] = [{"a": [1, "b"]}, [], 5, "x", None, 12345]


@pytest.mark.parametrize("body", BODIES, ids=str)
def test_malformed_json(wire: Wire, body: Any) -> None:
    wire.stub({"fault": "MALFORMED_JSON", "jsonBody": body})
    one = wire.send()
    for _ in range(2):  # the connection goes on: the response is whole
        response = one.read_response()
        assert (response.status, response.headers["content-type"]) == (200, "application/json")
        with pytest.raises(strict_json.StrictJSONError):
            strict_json.loads(response.body)
        wire.send(peer=one)


def test_malformed_own_json(wire: Wire) -> None:
    wire.stub({"fault": "MALFORMED_JSON", "passThrough": True}, url="/api/users")
    response = wire.ask("GET /api/users HTTP/1.1")
    assert (response.status, response.headers["content-type"]) == (200, "application/json")
    assert response.body.startswith(b'{"users":[')
    with pytest.raises(json.JSONDecodeError):
        json.loads(response.body)


@pytest.mark.parametrize("fault", [one for one in Fault if not one.keeps_response and one is not Fault.HANG])
@pytest.mark.parametrize("is_done", [False, True])
def test_lost_response(wire: Wire, fault: Fault, is_done: bool) -> None:
    """With passThrough the operation is done and its response lost; without, it is not done."""
    wire.stub({"fault": fault, "passThrough": is_done}, url="/api/users", times=1)
    check_fault(fault, wire.send(*CREATE, body=USER))
    assert wire.count() == (3 if is_done else 2)


@pytest.mark.parametrize("fault", Fault)
def test_fault_of_one_request(wire: Wire, fault: Fault) -> None:
    one = wire.send("GET /api/users HTTP/1.1", f"Prefer: fault={fault}")
    if fault is Fault.HANG:
        one.close()
    elif not fault.keeps_response:
        check_fault(fault, one)
    else:
        assert b"\r\nPreference-Applied: fault=" in one.until(b"\r\n\r\n")
    assert wire.ask("GET /api/users HTTP/1.1").status == 200


def count_descriptors() -> int:
    gc.collect()
    return int(psutil.Process().num_fds())


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.MALFORMED_JSON])
@pytest.mark.parametrize("name", ["body", "websocket"])
@pytest.mark.slow
def test_no_descriptor_is_left(fault: Fault, name: str) -> None:
    """The mock closes its side of a connection that breaks, without waiting for the client; if it hangs, after it."""
    request, body = REQUESTS[name]
    with MockServer() as server, Wire(server, "default") as wire:
        wire.stub({"fault": fault}, url=None)
        before = count_descriptors()
        peers = [wire.send(*request, body=body) for _ in range(10)]
        if fault is not Fault.HANG:
            assert eventually(lambda: count_descriptors() <= before + len(peers))
        for one in peers:
            one.close()
        assert eventually(lambda: count_descriptors() <= before)


def test_hang_blocks_no_request(wire: Wire) -> None:
    wire.stub({"fault": "HANG"})
    hanging = [wire.send() for _ in range(5)]
    assert wire.ask("GET /api/users HTTP/1.1").status == 200
    for one in hanging:
        one.socket.settimeout(0.01)
        with pytest.raises(TimeoutError):
            one.socket.recv(1)


def count_recorded(wire: Wire) -> int:
    return int(wire.control("GET /requests").json["meta"]["total"])


def test_hang_ends_with_the_mock() -> None:
    with MockServer() as server, Wire(server, "default") as wire:
        wire.stub({"fault": "HANG"})
        one = wire.send()
        assert eventually(lambda: count_recorded(wire) == 1)
        server.stop()
        assert one.rest() == b""


def test_request_that_left_is_recorded(wire: Wire) -> None:
    """A client that gave up is what one wants to find in the journal."""
    wire.stub({"fixedDelayMilliseconds": 10**9})
    wire.send().close()
    assert eventually(lambda: count_recorded(wire) == 1)


def test_fault_in_front_of_a_pipeline(wire: Wire) -> None:
    """Requests behind the one that breaks are not served."""
    wire.stub({"fault": "EMPTY_RESPONSE"})
    one = wire.send()
    one.try_send(b"GET /api/users HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b"HTTP" not in one.rest()


def test_without_our_server(mock: SteeredMock) -> None:
    """Under another server, or in a test client, the application ends as if the client had left."""
    for fault in (*CLOSING, Fault.CONNECTION_RESET_BY_PEER, Fault.TRUNCATED_BODY):
        mock.stub({"fault": str(fault), "body": "x"})
        with pytest.raises(ConnectionResetError):
            mock.get("/x")


def test_next_server_is_untouched(server: MockServer, wire: Wire) -> None:
    """A fault of one namespace breaks nothing in another."""
    wire.stub({"fault": "CONNECTION_RESET_BY_PEER"}, url=None)
    with peer(server.port) as other:
        other.send(b"GET /api/users HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert other.read_response().status == 200
