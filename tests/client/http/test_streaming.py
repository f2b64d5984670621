"""A reply that is read while it is written, over a real socket."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable

import pytest

from duologue import (
    APIError,
    AuthenticationError,
    Client,
    ConnectionLostError,
    DecodingError,
    NotFoundError,
    RequestTimeout,
    ResponseTooLargeError,
    ResponseValidationError,
    ServerError,
)
from tests.client.fakes import MESSAGE, FakeClock
from tests.client.servers import Act, ScriptedServer, reset, respond, send

Clients = Callable[..., Client]

REPLY = {**MESSAGE, "sender": "assistant", "content": "Grüße, Welt"}
HEAD = b"HTTP/1.1 201 Created\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"


def event(name: str, data: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def stream(*events: bytes, end: bool = True) -> Act:
    return send([HEAD, *map(chunk, events), *([chunk(b"")] if end else [])], keep=end)


DELTAS = [event("message.delta", {"id": "m", "delta": text}) for text in ("Grü", "ße, ", "Welt")]
COMPLETED = event("message.completed", REPLY)


def client(clients: Clients, server: ScriptedServer, **options: object) -> Client:
    return clients(**{"chat_base_url": server.origin, "clock": FakeClock(), "timeout": 5, **options})


def test_deltas_then_message(clients: Clients) -> None:
    with ScriptedServer(stream(*DELTAS, COMPLETED)) as server:
        reply = client(clients, server).smart_chat.stream("s", message="Grüße?", context="German")
        with reply:
            assert list(reply) == ["Grü", "ße, ", "Welt"]
            assert list(reply) == []
        assert reply.message.content == "Grüße, Welt"
        assert reply.message.sender == "assistant"
    (sent,) = server.received
    assert sent.json == {"message": "Grüße?", "context": "German"}
    assert sent.headers["accept"] == "text/event-stream"
    assert sent.headers["accept-encoding"] == "identity"
    assert "idempotency-key" in sent.headers


@pytest.mark.parametrize("framed", [True, False], ids=["chunked", "until close"])
def test_delta_arrives_at_once(clients: Clients, framed: bool) -> None:
    taken = threading.Event()
    in_time: list[bool] = []
    frame = chunk if framed else bytes

    def one_at_a_time(connection: socket.socket) -> bool:
        connection.sendall(HEAD if framed else HEAD.replace(b"Transfer-Encoding: chunked\r\n", b""))
        for piece in DELTAS:
            taken.clear()
            connection.sendall(frame(piece))
            in_time.append(taken.wait(5))
        connection.sendall(frame(COMPLETED) + (chunk(b"") if framed else b""))
        return False

    with ScriptedServer(one_at_a_time) as server, client(clients, server).smart_chat.stream("s", message="m") as reply:
        for _ in reply:
            taken.set()
        assert reply.message.content == "Grüße, Welt"
    assert in_time == [True] * 3


def test_chunks_inside_character(clients: Clients) -> None:
    whole = b"".join([*DELTAS, COMPLETED])
    act = stream(*(whole[at : at + 1] for at in range(len(whole))))
    with ScriptedServer(act) as server:
        assert client(clients, server).smart_chat.stream("s", message="m").read().content == "Grüße, Welt"


def test_complete_reply_ends_stream(clients: Clients) -> None:
    gone = threading.Event()

    def never_ending(connection: socket.socket) -> bool:
        connection.sendall(HEAD + chunk(DELTAS[0]) + chunk(COMPLETED))
        connection.recv(1)  # returns when the client closes
        gone.set()
        return False

    with ScriptedServer(never_ending) as server:
        assert client(clients, server, timeout=60).smart_chat.stream("s", message="m").read().content == "Grüße, Welt"
        assert gone.wait(5)


def test_leave_early(clients: Clients) -> None:
    closed = threading.Event()

    def endless(connection: socket.socket) -> bool:
        connection.sendall(HEAD + chunk(DELTAS[0]))
        connection.recv(1)  # returns when the client closes
        closed.set()
        return False

    with ScriptedServer(endless) as server:
        with client(clients, server).smart_chat.stream("s", message="m") as reply:
            assert next(iter(reply)) == "Grü"
        assert closed.wait(5)
        assert list(reply) == []
    with pytest.raises(RuntimeError, match="not complete"):
        _ = reply.message


def test_unread_stream(clients: Clients) -> None:
    gone = threading.Event()

    def waiting(connection: socket.socket) -> bool:
        connection.sendall(HEAD)
        connection.recv(1)  # returns when the client closes
        gone.set()
        return False

    with ScriptedServer(waiting) as server:
        reply = client(clients, server).smart_chat.stream("s", message="m")
        reply.close()
        assert gone.wait(5)
        assert list(reply) == []


@pytest.mark.parametrize(
    ("code", "kind", "status"),
    [
        ("SERVER_ERROR", ServerError, 500),
        ("TIMEOUT_ERROR", RequestTimeout, 408),
        ("NOT_FOUND_ERROR", NotFoundError, 404),
        ("SOMETHING_NEW", ServerError, 500),
    ],
)
def test_error_event(clients: Clients, code: str, kind: type[APIError], status: int) -> None:
    failure = event("error", {"message": "The model is down", "code": code, "details": {"message": "down"}})
    with ScriptedServer(stream(DELTAS[0], failure)) as server:
        reply = client(clients, server).smart_chat.stream("s", message="m")
        assert next(reply) == "Grü"
        with pytest.raises(kind, match="The model is down") as caught:
            next(reply)
    assert (caught.value.status, caught.value.code) == (status, code)
    assert (caught.value.method, caught.value.path) == ("POST", "/chats/s/smart-chat")
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        (stream(*DELTAS), ConnectionLostError),
        (stream(*DELTAS, end=False), ConnectionLostError),
        (stream(event("message.delta", {"id": 1})), ResponseValidationError),
        (stream(event("message.completed", {})), ResponseValidationError),
        (stream(b"event: message.delta\ndata: <html>\n\n"), DecodingError),
    ],
    ids=["no end", "cut off", "bad delta", "bad message", "no JSON"],
)
def test_broken_reply(clients: Clients, act: Act, kind: type[APIError]) -> None:
    with ScriptedServer(act) as server:
        reply = client(clients, server).smart_chat.stream("s", message="m")
        with pytest.raises(kind) as caught:
            reply.read()
    assert caught.value.path == "/chats/s/smart-chat"
    assert len(server.received) == 1  # deltas were used: no retry


def test_retry_before_start(clients: Clients) -> None:
    with ScriptedServer(reset, respond(503, {"message": "busy"}), stream(*DELTAS, COMPLETED)) as server:
        assert client(clients, server).smart_chat.stream("s", message="m").read().content == "Grüße, Welt"
    assert len(server.received) == 3
    assert len({request.headers["idempotency-key"] for request in server.received}) == 1


def test_error_status(clients: Clients) -> None:
    with ScriptedServer(respond(401, {"message": "Unknown key"})) as server:
        api = client(clients, server)
        with pytest.raises(AuthenticationError, match="Unknown key"):
            api.smart_chat.stream("s", message="m")
        assert server.connections == 1


def test_server_without_streaming(clients: Clients) -> None:
    body = {"data": REPLY, "message": "done"}
    with ScriptedServer(respond(201, body)) as server:
        reply = client(clients, server).smart_chat.stream("s", message="m")
        assert list(reply) == ["Grüße, Welt"]
        assert reply.message.id == REPLY["_id"]


@pytest.mark.parametrize("length", [True, False], ids=["length", "until close"])
def test_large_reply_at_once(clients: Clients, length: bool) -> None:
    head = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
    head += b"Content-Length: 5000000\r\n\r\n" if length else b"\r\n"
    with ScriptedServer(send(head + b" " * 5_000_000)) as server:
        api = client(clients, server, max_response_size=1_000_000)
        with pytest.raises(ResponseTooLargeError, match="larger than 1,000,000 bytes") as caught:
            api.smart_chat.stream("s", message="m").read()
    assert caught.value.path == "/chats/s/smart-chat"


def test_empty_data(clients: Clients) -> None:
    """An event whose data is empty is an event, and no valid one of ours."""
    with ScriptedServer(stream(b"data:\n\n", b"event: message.delta\ndata:\n\n", COMPLETED)) as server:
        reply = client(clients, server).smart_chat.stream("s", message="m")
        with pytest.raises(DecodingError, match="empty"):
            reply.read()
