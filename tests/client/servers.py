"""A server on a real socket that follows a script, also one that no correct server would follow."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

Act = Callable[[socket.socket], bool]
"""Does something to a connection; returns whether it can be used for another request."""


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    connection: int

    @property
    def json(self) -> object:
        return json.loads(self.body)


def respond(
    status: int = 200,
    body: object = None,
    *,
    raw: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Act:
    """An ordinary response, with a JSON body or a raw one."""
    content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
    fields = {"Content-Type": "application/json", **(headers or {})}
    if status != 204:
        fields.setdefault("Content-Length", str(len(content)))
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return send(f"HTTP/1.1 {status} Because\r\n{head}\r\n".encode() + content, keep=True)


def send(data: bytes | Iterable[bytes], *, keep: bool = False) -> Act:
    """Send bytes as they are, then close the connection or keep it."""

    def act(connection: socket.socket) -> bool:
        for piece in [data] if isinstance(data, bytes) else data:
            connection.sendall(piece)
        return keep

    return act


def reset(connection: socket.socket) -> bool:
    """Break the connection off with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    return False


def hang_up(connection: socket.socket) -> bool:
    """Close without a word."""
    return False


def silence(connection: socket.socket) -> bool:
    """Say nothing until the client gives up."""
    connection.recv(1)
    return False


class ScriptedServer:
    """Performs the next act of its script for each request; the last one is repeated.

    Args:
        script: what to do.
        greeting: sent as soon as a client connects, before any request.
        handler: returns the act for a request, instead of the script.
        tls: how to speak TLS, if at all.
    """

    def __init__(
        self,
        *script: Act,
        greeting: bytes = b"",
        handler: Callable[[Received], Act] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.tls = tls
        self.script = list(script) or [respond()]
        self.handler = handler
        self.greeting = greeting
        self.received: list[Received] = []
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads = [other for other in self._threads if other.is_alive()]  # one that is kept keeps its stack
        self._threads.append(thread)
        thread.start()

    def _start_tls(self, connection: socket.socket) -> socket.socket:
        if self.tls is None:
            return connection
        try:
            connection.settimeout(10)
            secured: socket.socket = self.tls.wrap_socket(connection, server_side=True)
        except OSError:
            connection.close()
            raise
        with self._lock:
            self._open.add(secured)
        return secured

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(connection)
                self.connections += 1
                number = self.connections
            self._start(lambda c=connection, n=number: self._serve(c, n))  # type: ignore[misc]

    def _serve(self, connection: socket.socket, number: int) -> None:
        with (
            suppress(OSError, ValueError),
            self._start_tls(connection) as connection,
            connection.makefile("rb") as stream,
        ):
            connection.sendall(self.greeting)
            while (request := _read(stream, number)) is not None:
                with self._lock:
                    act = self.script[min(len(self.received), len(self.script) - 1)]
                    self.received.append(request)
                if self.handler:
                    act = self.handler(request)
                if not act(connection):
                    break
        with self._lock:
            self._open.discard(connection)


def _read(stream: object, number: int) -> Received | None:
    line = stream.readline()  # type: ignore[attr-defined]
    if not line:
        return None
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while (line := stream.readline().strip()) != b"":  # type: ignore[attr-defined]
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", 0)))  # type: ignore[attr-defined]
    return Received(method, target, headers, body, number)
