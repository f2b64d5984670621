"""Requests and responses on a bare socket, faults included."""

from __future__ import annotations

import re
import socket
import time
from dataclasses import dataclass
from http import HTTPStatus

from tests.wiremock.cases import Admin, Headers, Send

TIMEOUT = 30.0
"""Seconds after which a test gives up."""

HEAD_END = b"\r\n\r\n"

STATUS_LINE = re.compile(rb"HTTP/1\.1 [0-9]{3}( |\r|$)")


@dataclass(frozen=True)
class Received:
    """What came back on the socket.

    Args:
        status: the status, or None if what came is not a whole response.
        reason: the reason phrase.
        headers: the headers in their order, as they were spelled.
        body: the body, without its framing.
        raw: every byte.
        ending: `complete`, or what cut the response off: `closed`, `reset`.
        milliseconds: how long it took.
    """

    status: int | None
    reason: str
    headers: Headers
    body: bytes
    raw: bytes
    ending: str
    milliseconds: float

    def get_header(self, name: str) -> str | None:
        """Return a header's first value, or None."""
        return next((value for key, value in self.headers if key.lower() == name), None)


def send(port: int, request: bytes, *, is_head: bool = False) -> Received:
    """Send a request over a connection of its own, and return what comes back."""
    started = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(request)
        raw, ending = _receive(connection, is_head)
    return _parse(raw, ending, is_head, (time.perf_counter() - started) * 1000)


def encode(step: Send | Admin, port: int) -> bytes:
    """Return the bytes of a step's request."""
    url, headers, body = _describe(step)
    length = [("Content-Length", str(len(body)))] if body or step.method not in ("GET", "HEAD", "DELETE") else []
    lines = [f"{step.method} {url} HTTP/1.1", f"Host: localhost:{port}"]
    lines += [f"{name}: {value}" for name, value in [*headers, *length]]
    return "\r\n".join(lines).encode() + HEAD_END + body


def _describe(step: Send | Admin) -> tuple[str, Headers, bytes]:
    if isinstance(step, Admin):
        return f"/__admin{step.path}", (), step.encode()
    headers = step.headers + ((("Connection", "close"),) if step.close else ())
    return step.url, headers, step.body.encode() if isinstance(step.body, str) else step.body


def _receive(connection: socket.socket, is_head: bool) -> tuple[bytes, str]:
    raw = b""
    while not _is_complete(raw, is_head):
        try:
            piece = connection.recv(65536)
        except ConnectionResetError:
            return raw, "reset"
        if not piece:
            return raw, "complete" if _ends_by_closing(raw) else "closed"
        raw += piece
    return raw, "complete"


def _split(raw: bytes) -> tuple[int, str, Headers, bytes] | None:
    head, separator, body = raw.partition(HEAD_END)
    if not separator or not STATUS_LINE.match(head):
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    _, status, reason = [*first.split(" ", 2), ""][:3]
    pairs = (line.partition(":") for line in lines)
    return int(status), reason, tuple((name, value.strip()) for name, _, value in pairs), body


def _framing(headers: Headers) -> tuple[bool, int | None]:
    values = {name.lower(): value for name, value in headers}
    length = values.get("content-length")
    return values.get("transfer-encoding") == "chunked", int(length) if length is not None else None


def _has_no_body(status: int, is_head: bool) -> bool:
    return is_head or status < HTTPStatus.OK or status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


def _is_complete(raw: bytes, is_head: bool) -> bool:
    split = _split(raw)
    if split is None:
        return False
    status, _, headers, body = split
    if _has_no_body(status, is_head):
        return True
    chunked, length = _framing(headers)
    if chunked:
        return body == b"0" + HEAD_END or body.endswith(b"\r\n0" + HEAD_END)
    return length is not None and len(body) >= length


def _ends_by_closing(raw: bytes) -> bool:
    split = _split(raw)
    return split is not None and _framing(split[2]) == (False, None)


def _parse(raw: bytes, ending: str, is_head: bool, milliseconds: float) -> Received:
    split = _split(raw)
    if split is None or ending != "complete":
        return Received(None, "", (), b"", raw, ending, milliseconds)
    status, reason, headers, body = split
    if _has_no_body(status, is_head):
        body = b""
    elif _framing(headers)[0]:
        body = _join_chunks(body)
    return Received(status, reason, headers, body, raw, ending, milliseconds)


def _join_chunks(body: bytes) -> bytes:
    joined = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        joined, body = joined + body[:length], body[length + 2 :]
    return joined
