"""Requests and responses over a bare TCP connection."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

PATIENCE = 10.0
"""Seconds after which a test gives up: far more than anything here takes."""


class ConnectionClosedError(ConnectionError):
    """The server closed the connection in the middle of a response, or instead of one."""


@dataclass
class RawResponse:
    """One HTTP response, and how it was framed."""

    status: int
    headers: dict[str, str]
    body: bytes
    interim: list[int] = field(default_factory=list)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Peer:
    """One TCP connection to a server.

    Args:
        port: the server's port.
        host: its address.
        timeout: seconds to wait for anything before the test fails.
    """

    def __init__(self, port: int, host: str = "127.0.0.1", timeout: float = PATIENCE) -> None:
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def try_send(self, data: bytes) -> bool:
        """Send, and return whether all of it went: a server may hang up on what it does not want."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def read_response(self, *, to: str = "GET") -> RawResponse:
        """Read one response, with its interim ones (1xx) before it."""
        interim: list[int] = []
        while True:
            status, headers = self._head()
            if status < 200 and status != 101:
                interim.append(status)
                continue
            return RawResponse(status, headers, self._body(status, headers, to), interim)

    def rest(self) -> bytes:
        """Read until the server closes the connection."""
        while piece := self._receive():
            self._buffer += piece
        received, self._buffer = self._buffer, b""
        return received

    def is_closed(self) -> bool:
        """Return whether the server closes the connection without another byte."""
        return self.rest() == b""

    def until(self, text: bytes) -> bytes:
        """Read up to and including a text."""
        while text not in self._buffer:
            piece = self._receive()
            if not piece:
                raise ConnectionClosedError(f"before {text!r}: {self._buffer!r}")
            self._buffer += piece
        before, _, self._buffer = self._buffer.partition(text)
        return before + text

    def close(self) -> None:
        self.socket.close()

    def _head(self) -> tuple[int, dict[str, str]]:
        status_line, *lines = self.until(b"\r\n\r\n").decode("latin-1").rstrip("\r\n").split("\r\n")
        version, status, phrase = status_line.split(" ", 2)
        assert version == "HTTP/1.1", status_line
        assert phrase, status_line
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(": ")
            assert name.lower() not in headers, f"{name} is there twice"
            headers[name.lower()] = value
        return int(status), headers

    def _body(self, status: int, headers: dict[str, str], method: str) -> bytes:
        if method == "HEAD" or status in (101, 204, 304):
            return b""
        if headers.get("transfer-encoding") == "chunked":
            return b"".join(self._chunks())
        if "content-length" in headers:
            return self._exactly(int(headers["content-length"]))
        return self.rest()

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.until(b"\r\n"), 16):
            yield self._exactly(size)
            assert self._exactly(2) == b"\r\n"
        assert self.until(b"\r\n") == b"\r\n"

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            piece = self._receive()
            if not piece:
                raise ConnectionClosedError(f"{size - len(self._buffer)} bytes early: {self._buffer!r}")
            self._buffer += piece
        received, self._buffer = self._buffer[:size], self._buffer[size:]
        return received

    def read_up_to(self, size: int) -> bytes:
        """Read so many bytes, or fewer if the server closes the connection."""
        while len(self._buffer) < size and (piece := self._receive()):
            self._buffer += piece
        received, self._buffer = self._buffer[:size], self._buffer[size:]
        return received

    def _receive(self) -> bytes:
        try:
            return self.socket.recv(65536)
        except ConnectionResetError:
            return b""


@contextmanager
def peer(port: int, host: str = "127.0.0.1", timeout: float = PATIENCE) -> Iterator[Peer]:
    """Connect, and close at the end."""
    connection = Peer(port, host, timeout)
    try:
        yield connection
    finally:
        connection.close()


def head(line: str, *headers: str, host: str | None = "localhost") -> bytes:
    """Return the head of a request: `head("GET / HTTP/1.1", "Accept: */*")`."""
    lines = [line, *([f"Host: {host}"] if host is not None else []), *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def ask(port: int, line: str, *headers: str, body: bytes = b"", host: str | None = "localhost") -> RawResponse:
    """Send one request over a connection of its own and return the response."""
    with peer(port) as one:
        one.send(head(line, *headers, "Connection: close", host=host) + body)
        return one.read_response(to=line.split(" ", 1)[0])
