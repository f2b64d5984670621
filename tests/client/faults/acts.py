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

    def act(connection: socket.socket) -> bool:
        return send(itertools.chain([head], itertools.repeat(piece)))(connection)

    return act


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
    "packed": send(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 999\r\n\r\n" + gzip.compress(b"{}")),
}
"""Bodies that end too early."""

BADLY_CHUNKED: dict[str, Act] = {
    "a chunk's size has no end": send(CHUNKED + b"1" * 100_000),
    "a chunk is longer than its size": send(CHUNKED + b"1\r\n{}\r\n0\r\n\r\n"),
    "a size ends with a line feed": send(CHUNKED + b"2\n{}\r\n0\r\n\r\n"),
    "trailers without end": endless(CHUNKED + b"2\r\n{}\r\n0\r\n", b"X-Flood: y\r\n"),
    **{
        f"the size is {size!r}": send(CHUNKED + size + b"\r\n" + b" " * 80 + b"\r\n0\r\n\r\n")
        for size in (b"", b"xyz", b"-5", b"0x5", b"0X50", b"+5", b" 5", b"5_0", b"5 ", b"5,", b"\xb2", b"1" * 17, b";a")
    },
}
"""Bodies whose chunks are not framed as RFC 9112 says."""

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
    **{
        f"the length is {length!r}": send(HEAD + b"Content-Length: " + length + b"\r\n\r\n{}")
        for length in (b"-1", b"-2", b"+2", b"0x2", b"2_0", b"2.0", b"", b"2, 5", b"2;", b"2 2", b"\xb2", b"9" * 5000)
    },
    "another coding": send(HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
    "chunked twice": send(HEAD + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n2\r\n{}\r\n0\r\n\r\n"),
    "another protocol from now on": send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
    "interim responses without end": endless(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    "a status with a sign": send(b"HTTP/1.1 +20 OK\r\nContent-Length: 2\r\n\r\n{}"),
    "a status with an underscore": send(b"HTTP/1.1 2_0 OK\r\nContent-Length: 2\r\n\r\n{}"),
    "a carriage return in a header": send(HEAD + b"X: a\rContent-Length: 2\r\n\r\n{}"),
    "NUL in a header": send(HEAD + b"X: a\0b\r\nContent-Length: 2\r\n\r\n{}"),
    "garbage without a line": send(b"\0" * 100),
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
    "packed without its checksum": compress(gzip.compress(b'{"id": "1"}')[:-8]),
    "packed with garbage behind it": compress(gzip.compress(b'{"id": "1"}') + b"garbage"),
    "packed with zeros behind it": compress(gzip.compress(b'{"id": "1"}') + b"\0" * 8),
    "deflated half": compress(zlib.compress(b'{"id": "1"}')[:-4], "deflate"),
    "deflated with garbage behind it": compress(zlib.compress(b'{"id": "1"}') + b"garbage", "deflate"),
    "packed six times": compress(b"x", "gzip, gzip, gzip, gzip, gzip, gzip"),
    "compressed with an unknown encoding": compress(zlib.compress(b"{}"), "br"),
}
"""HTTP whose body is not JSON."""

__all__ = [
    "BADLY_CHUNKED",
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
