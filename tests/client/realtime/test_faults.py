"""Whatever a server sends: `connect()` raises an error of ours, in time, and no thread or socket is left."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable

import pytest

from duologue import APIError, AuthenticationError, Client, ConnectError, ConnectTimeout
from tests.client.realtime.fakes import get_threads
from tests.client.realtime.raw_server import (
    Act,
    drip,
    frame,
    open_packet,
    poll,
    respond,
    send,
    serve,
    speak,
    upgrade,
)

pytestmark = pytest.mark.slow

TOKEN = "a-secret-access-token"
LIMIT = 15.0
"""Seconds: far more than an attempt takes, far less than a server that drips."""

DEEP = "[" * 50_000
PACKETS = {
    "empty": "",
    "text": "hello",
    "letter": "x",
    "no data": "0",
    "no fields": "0{}",
    "list": "0[]",
    "null": "0null",
    "string": '0"x"',
    "number": "0" + "9" * 5000,
    "other types": open_packet(sid={}, upgrades=5, pingInterval="abc", pingTimeout=[]),
    "nulls": open_packet(sid=None, upgrades=None, pingInterval=None, pingTimeout=None),
    "NaN": open_packet(pingInterval=float("nan")),
    "infinite": open_packet(pingInterval=float("inf")),
    "huge": open_packet(pingInterval=1e300),
    "negative": open_packet(pingInterval=-9e9, pingTimeout=-9e9),
    "nested": "0" + DEEP,
    "close": "1",
    "ping": "2",
    "pong": "3probe",
    "message": "4",
    "upgrade": "5",
    "noop": "6",
    "unknown type": "9",
    "not ASCII": "é",
    "surrogate": "\ud800",
    "base64": "b!!!!",
    "binary": "bAAAA",
    "JSONP": "d=x",
    "JSONP, empty": "d",
    "separators": "\x1e\x1e",
}
"""What is not Engine.IO's first packet."""

MESSAGES = {
    "empty": "4",
    "letter": "4x",
    "unknown type": "49",
    "disconnect": "41",
    "event": '42["a"]',
    "no event": "42",
    "event without name": "42[]",
    "event of an object": "42{}",
    "unhashable event": '42[["x"]]',
    "acknowledgement": '431["a"]',
    "acknowledgement without number": "43[]",
    "binary": '451-["a",{"_placeholder":true,"num":0}]',
    "binary of nothing": "45-[]",
    "many attachments": "4599999999-[]",
    "binary acknowledgement": "461-[1]",
    "other namespace": "40/admin,{}",
    "refused namespace": "44/admin,{}",
    "nested": "40" + DEEP,
    "nested event": "42" + DEEP,
    "long number": "42" + "9" * 5000,
    "refused": "44",
    "refused by text": '44"no"',
    "refused by null": "44null",
    "refused by a list": "44[1,2]",
    "refused by types": '44{"message":5,"data":7}',
    "refused, nested": "44" + DEEP,
    "Engine.IO close": "1",
    "Engine.IO unknown": "9",
    "base64": "b!!!!",
}
"""What is not Socket.IO's acceptance of a connection."""

WEBSOCKET: dict[str, Act] = {
    "HTML": send(respond("<html>", headers="Content-Type: text/html\r\n")),
    "nothing": send(b""),
    "garbage": send(b"\0\1\2\r\n\r\n"),
    "no status": send(b"HTTP/1.1\r\n\r\n"),
    "status of letters": send(b"HTTP/1.1 abc OK\r\n\r\n"),
    "101 without key": send(b"HTTP/1.1 101 X\r\n\r\n" + b"\0" * 50),
    "invalid header": send(b"HTTP/1.1 101 X\r\nno colon\r\n\r\n"),
    "not UTF-8": send(b"HTTP/1.1 101 X\r\nA: \xff\xfe\r\n\r\n"),
    "invalid length": send(b"HTTP/1.1 400 X\r\nContent-Length: abc\r\n\r\nx"),
    "negative length": send(b"HTTP/1.1 400 X\r\nContent-Length: -5\r\n\r\nx"),
    "many headers": send(b"HTTP/1.1 101 X\r\n" + b"a: b\r\n" * 50_000),
    "long header": send(b"HTTP/1.1 101 X\r\nA: " + b"a" * 1_000_000),
    "wrong version": send(respond('{"code":5,"message":"Unsupported protocol version"}', 400)),
    "accepted and closed": speak(),
    "garbage frames": speak(b"\xff" * 50),
    "not text": speak(frame(b"\xff\xfe")),
    "bytes": speak(frame(b"\0\1", 2)),
    "reserved bits": speak(bytes([0xF1, 1, 65])),
    "reserved opcode": speak(frame("x", 3)),
    "masked": speak(bytes([0x81, 0x81, 1, 2, 3, 4, 5])),
    "truncated": speak(bytes([0x81, 100]) + b"abc"),
    "held back": speak(bytes([0x81, 100]) + b"abc", hold=True),
    "huge frame": speak(bytes([0x81, 127]) + (2**62).to_bytes(8, "big") + b"abc", hold=True),
    "too large": speak(frame("0" + "x" * 20_000)),
    "continuation": speak(frame("x", 0)),
    "silence": speak(hold=True),
    "silence after the first packet": speak(frame(open_packet()), hold=True),
    "close frame after it": speak(frame(open_packet()), frame(b"", 8), hold=True),
    "end after it": speak(frame(open_packet())),
    "drips a head": drip(b"A: bbbbbbbb\r\n", after=b"HTTP/1.1 101 X\r\n"),
    "drips a frame": drip(b"a", after=bytes([0x81, 127]) + (10**6).to_bytes(8, "big"), websocket=True),
    "drips pings": drip(frame(b"", 9), websocket=True),
    "drips packets": drip(frame("2"), after=frame(open_packet()), websocket=True),
    **{f"status {code}": send(respond('{"message":"no"}', code)) for code in (100, 204, 302, 400, 403, 426, 503, 999)},
    **{
        f"close frame {code}": speak(frame(b"" if code is None else code.to_bytes(2, "big") + b"reason", 8))
        for code in (None, 0, 1000, 1001, 1002, 1006, 1008, 1009, 1011, 4000, 65535)
    },
    "close frame of a byte": speak(frame(b"\3", 8)),
    **{f"packet: {name}": speak(frame(text)) for name, text in PACKETS.items()},
    **{f"packet and silence: {name}": speak(frame(text), hold=True) for name, text in PACKETS.items()},
    **{f"message: {name}": speak(frame(open_packet()), frame(text)) for name, text in MESSAGES.items()},
    **{
        f"message and silence: {name}": speak(frame(open_packet()), frame(text), hold=True)
        for name, text in MESSAGES.items()
    },
}

POLLING: dict[str, Act] = {
    "HTML": poll("<html>"),
    "nothing": poll(b""),
    "garbage": poll(b"\0\1\r\n\r\n"),
    "invalid header": poll(b"HTTP/1.1 200 X\r\nno colon\r\n\r\n"),
    "not UTF-8": poll(respond(b"\xff\xfe")),
    "not gzip": poll(respond("garbage", headers="Content-Encoding: gzip\r\n")),
    "cut off": poll(b"HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n0"),
    "bad chunks": poll(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "too large": poll("x" * 20_000),
    "redirect": poll(respond("", 302, "Location: http://127.0.0.1:1/\r\n")),
    "many packets": poll("\x1e".join([open_packet(), *["2"] * 200]), hold=True),
    "empty packet": poll(open_packet() + "\x1e"),
    "silence": poll(hold=True),
    "silence after the first packet": poll(open_packet(), hold=True),
    "drips a head": drip(b"A: b\r\n", after=b"HTTP/1.1 200 X\r\n"),
    "drips a body": drip(b"0", after=b"HTTP/1.1 200 X\r\nContent-Length: 1000000\r\n\r\n"),
    "drips chunks": drip(b"1\r\na\r\n", after=b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n"),
    **{f"post: {code}": poll(open_packet(), post=respond("x", code), hold=True) for code in (302, 400, 500, 999)},
    "post: nothing": poll(open_packet(), post=b"", hold=True),
    "post: garbage": poll(open_packet(), post=b"\0\r\n\r\n", hold=True),
    **{f"packet: {name}": poll(text) for name, text in PACKETS.items()},
    **{f"message: {name}": poll(open_packet(), text, hold=True) for name, text in MESSAGES.items()},
}


def check(clients: Callable[..., Client], act: Act, transports: list[str]) -> APIError:
    """Return the error of connecting to a server, after asserting that it came in time and nothing is left."""
    with serve(act) as server:
        api = clients(realtime_url=server.url, access_token=TOKEN, max_response_size=10_000, max_retries=0)
        started_at = time.monotonic()
        with pytest.raises((ConnectError, ConnectTimeout, AuthenticationError)) as caught:
            api.realtime.connect(timeout=0.3, transports=transports)
        api.close()
        assert time.monotonic() - started_at < LIMIT
        assert get_threads() == []
        assert caught.value.__cause__ is caught.value.__context__ is None
        return caught.value


@pytest.mark.parametrize("act", WEBSOCKET.values(), ids=WEBSOCKET.keys())
def test_websocket_fault(clients: Callable[..., Client], act: Act) -> None:
    check(clients, act, ["websocket"])


@pytest.mark.parametrize("act", POLLING.values(), ids=POLLING.keys())
def test_polling_fault(clients: Callable[..., Client], act: Act) -> None:
    check(clients, act, ["polling"])


@pytest.mark.parametrize("name", ["garbage", "silence", "packet: text", "close frame 1000", "drips a frame"])
def test_upgrade_fault(clients: Callable[..., Client], name: str) -> None:
    """A websocket that an upgrade leads to may be as broken as any other."""
    polled = poll(open_packet(upgrades=["websocket"]), hold=True)

    def act(connection: object, request: bytes) -> None:
        (WEBSOCKET[name] if b"transport=websocket" in request else polled)(connection, request)  # type: ignore[arg-type]

    check(clients, act, ["polling", "websocket"])


def test_redirect_is_refused(clients: Callable[..., Client]) -> None:
    """It could lead to a server that is to get none of our credentials."""
    with serve(speak(frame(open_packet()), frame('40{"sid":"s"}'), hold=True)) as elsewhere:
        location = f"Location: {elsewhere.url.replace('http', 'ws')}/\r\n"
        for transport in ("websocket", "polling"):
            check(clients, send(respond("", 302, location)), [transport])
        assert elsewhere.connections == 0


BODIES = {
    "message": {"message": f"bad token {TOKEN}"},
    "data": {"message": "Unauthorized", "data": {"message": TOKEN, "code": TOKEN, "details": {TOKEN: [TOKEN]}}},
    "text": f"bad token {TOKEN}",
    "errors": {"message": "Unauthorized", "data": {"message": "no", "errors": [TOKEN], "metadata": {"token": TOKEN}}},
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_echoed_secret_refused(clients: Callable[..., Client], transport: str, body: object) -> None:
    text = f"44{json.dumps(body)}"
    act = speak(frame(open_packet()), frame(text)) if transport == "websocket" else poll(open_packet(), text)
    assert_no_secret(check(clients, act, [transport]))


@pytest.mark.parametrize("status", [400, 401, 403, 500])
@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_echoed_secret_status(clients: Callable[..., Client], transport: str, status: int) -> None:
    body = json.dumps({"message": TOKEN, "code": TOKEN, "errors": [TOKEN], "details": {"reason": TOKEN}})
    error = check(clients, send(respond(body, status, f"X-Echo: {TOKEN}\r\n")), [transport])
    assert_no_secret(error)
    assert str(status) in str(error)


def assert_no_secret(error: APIError) -> None:
    shown = "".join(traceback.format_exception(error))
    assert TOKEN not in f"{shown} {error!r} {error.__dict__}"


def test_upgrade_head() -> None:
    """The example of RFC 6455."""
    head = upgrade(b"GET / HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
