"""Faults as acts of a `ScriptedServer`: what it does to a connection once it has read a request."""

from __future__ import annotations

import gzip
import itertools
import socket
import threading
import zlib
from collections.abc import Iterable

from tests.client.servers import Act, hang_up, reset, respond, send, silence

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

BOMB = gzip.compress(b" " * 50_000_000)
"""50 kB that unpack to 50 MB."""


def promise(length: int, body: bytes) -> bytes:
    """A response that promises a longer body than it has."""
    return HEAD + b"Content-Length: %d\r\n\r\n" % length + body


def then_reset(data: bytes) -> Act:
    """Send something, then break the connection off."""

    def act(connection: socket.socket) -> bool:
        connection.sendall(data)
        return reset(connection)

    return act


def then_silence(data: bytes) -> Act:
    """Send something, then nothing more."""

    def act(connection: socket.socket) -> bool:
        connection.sendall(data)
        return silence(connection)

    return act


def drip(head: bytes, drops: Iterable[bytes], every: float) -> Act:
    """Send a head, then a little every now and then, until the client goes away."""
    wait = threading.Event()

    def act(connection: socket.socket) -> bool:
        connection.sendall(head)
        for drop in drops:
            wait.wait(every)
            connection.sendall(drop)
        return False

    return act


def endless(head: bytes, piece: bytes) -> Act:
    """Send the same piece again and again, as fast as it goes, until the client goes away."""
    return send(itertools.chain([head], itertools.repeat(piece)))


def closing(act: Act) -> Act:
    """Do something and then close the connection, though its headers say that it stays open."""

    def close_after(connection: socket.socket) -> bool:
        act(connection)
        return False

    return close_after


def compress(data: bytes, encoding: str = "gzip", **headers: str) -> Act:
    return respond(200, raw=data, headers={"Content-Encoding": encoding, **headers})


CUT_OFF: dict[str, Act] = {
    "by length": send(promise(99, b'{"id": "1"')),
    "by length, at once": send(promise(99, b"")),
    "by length, reset": then_reset(promise(99, b'{"id": "1"')),
    "between chunks": send(CHUNKED + b'5\r\n{"id"\r\n'),
    "inside a chunk": send(CHUNKED + b'ff\r\n{"id"'),
    "inside a chunk, reset": then_reset(CHUNKED + b'ff\r\n{"id"'),
    "no chunk at all": send(CHUNKED),
    "a chunk's size is no number": send(CHUNKED + b"xyz\r\n{}\r\n0\r\n\r\n"),
    "a chunk's size has no end": send(CHUNKED + b"1" * 100_000),
    "a chunk's size is negative": send(CHUNKED + b"-5\r\n{}\r\n0\r\n\r\n"),
    "packed": send(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 999\r\n\r\n" + gzip.compress(b"{}")),
}
"""Bodies that end too early, or are framed badly."""

NOT_HTTP: dict[str, Act] = {
    "another protocol": send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    "binary": send(bytes(range(256)) * 4),
    "an endless first line": endless(b"HTTP/1.1 200 ", b"x" * 4096),
    "headers without end": endless(b"HTTP/1.1 200 OK\r\n", b"X-Flood: " + b"y" * 4096 + b"\r\n"),
    "one header without end": endless(b"HTTP/1.1 200 OK\r\nX-Flood: ", b"y" * 4096),
    "a header that is none": send(b"HTTP/1.1 200 OK\r\nthis is no header\r\nContent-Length: 2\r\n\r\n{}"),
    "a folded first header": send(b"HTTP/1.1 200 OK\r\n folded: yes\r\nContent-Length: 2\r\n\r\n{}"),
    "a status that is no number": send(b"HTTP/1.1 abc OK\r\n\r\n"),
    "a status out of bounds": send(b"HTTP/1.1 99999 OK\r\n\r\n"),
    "two lengths": send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}"),
    "another version": send(b"HTTP/7.5 200 OK\r\n\r\n"),
    "HTML before HTTP": send(b"<html><body>HTTP/1.1 200 OK</body></html>\r\n\r\n"),
}
"""What no HTTP client can read."""

UNREADABLE: dict[str, Act] = {
    "HTML": respond(200, raw=b"<!doctype html><title>Welcome</title>", headers={"Content-Type": "text/html"}),
    "HTML that says it is JSON": respond(200, raw=b"<!doctype html><title>Welcome</title>"),
    "JSON that says it is text": respond(200, {"id": "1"}, headers={"Content-Type": "text/plain"}),
    "nothing": respond(200),
    "white space": respond(200, raw=b"  \r\n "),
    "invalid UTF-8": respond(200, raw=b'{"id": "\xff\xfe"}'),
    "UTF-16": respond(200, raw='{"id": "1"}'.encode("utf-16")),
    "half a surrogate": respond(200, raw=b'{"id": "\\ud800"}'),
    "half a text": respond(200, raw=b'{"id": "1'),
    "two texts": respond(200, raw=b"{}{}"),
    "a key twice": respond(200, raw=b'{"id": "1", "id": "2"}'),
    "NaN": respond(200, raw=b'{"id": NaN}'),
    "absurd nesting": respond(200, raw=b"[" * 100_000),
    "absurd nesting that ends": respond(200, raw=b"[" * 5_000 + b"]" * 5_000),
    "absurd digits": respond(200, raw=b'{"id": ' + b"1" * 10_000 + b"}"),
    "not packed": compress(b"plain text"),
    "packed badly": compress(gzip.compress(b'{"id": "1"}')[:-6] + b"xxxxxx"),
    "packed half": compress(gzip.compress(b'{"id": "1"}' * 100)[:30]),
    "packed six times": compress(b"x", "gzip, gzip, gzip, gzip, gzip, gzip"),
    "compressed with an unknown encoding": compress(zlib.compress(b"{}"), "br"),
}
"""HTTP whose body is not JSON."""

__all__ = [
    "BOMB",
    "CHUNKED",
    "CUT_OFF",
    "HEAD",
    "NOT_HTTP",
    "UNREADABLE",
    "closing",
    "compress",
    "drip",
    "endless",
    "hang_up",
    "promise",
    "reset",
    "respond",
    "send",
    "silence",
    "then_reset",
    "then_silence",
]
