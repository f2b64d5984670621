"""Faults: what a client sees of a network, a proxy or a server that breaks. Each is real on its connection."""

from __future__ import annotations

import errno
import math
import socket
import struct
from collections.abc import Callable, Generator, Iterable
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NoReturn

from duologue_mock.control.responses.waiting import Waiter
from duologue_mock.http.messages import CONNECTION_KEY, JSON, Deliver, Response

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Headers = list[tuple[str, str]]

GARBAGE = b"lskdu018973t09sylgasjkfg1][]'./.sdlv"
"""What is sent where HTTP is expected; the same bytes as WireMock's."""


class Fault(StrEnum):
    """What breaks, in WireMock's words; the last three are this mock's own."""

    EMPTY_RESPONSE = "EMPTY_RESPONSE"
    """The connection is closed without a byte."""
    MALFORMED_RESPONSE_CHUNK = "MALFORMED_RESPONSE_CHUNK"
    """Status 200, then a body that is not chunked as its header says, and the connection is closed."""
    RANDOM_DATA_THEN_CLOSE = "RANDOM_DATA_THEN_CLOSE"
    """Bytes that are not HTTP, and the connection is closed."""
    CONNECTION_RESET_BY_PEER = "CONNECTION_RESET_BY_PEER"
    """The connection is reset."""
    HANG = "HANG"
    """Nothing is sent, until the client leaves or the mock stops."""
    TRUNCATED_BODY = "TRUNCATED_BODY"
    """The connection is closed in the middle of the body."""
    MALFORMED_JSON = "MALFORMED_JSON"
    """A whole response whose body stops in the middle of its JSON."""

    @property
    def keeps_response(self) -> bool:
        """Whether a response is sent, of which only the body is broken."""
        return self in (Fault.TRUNCATED_BODY, Fault.MALFORMED_JSON)


class ConnectionFaultError(ConnectionResetError):
    """Ends a connection without another byte. The server takes it for a client that is gone, and closes the socket."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.ECONNRESET, reason)


def break_connection(fault: Fault, waiter: Waiter, defined: Response) -> Response:
    """Return what breaks the connection in place of a response.

    Args:
        fault: one that keeps no response.
        waiter: waits for the client to leave.
        defined: the response that the client does not get; it is what is recorded.
    """
    response = Response(defined.status, defined.headers, defined.body)
    response.is_stub = True
    response.deliver = _hang(waiter) if fault is Fault.HANG else _DELIVERIES[fault]
    return response


def abandon() -> Response:
    """Return what closes the connection of a client that no longer waits."""
    response = Response(200, [])
    response.is_stub = True
    response.deliver = _close
    return response


def break_body(fault: Fault, response: Response) -> Response:
    """Return a response with a broken body.

    Args:
        fault: one that keeps the response.
        response: the whole response.
    """
    if fault is Fault.TRUNCATED_BODY:
        response.deliver = _truncate(response.body, response.stream)
        response.stream = None
        return response
    body = b"".join(response.stream) if response.stream is not None else response.body
    response.stream = None
    # No JSON ends with an opening brace, wherever it was cut.
    response.body = body[: len(body) // 2] + b"{"
    if all(name.lower() != "content-type" for name, _ in response.headers):
        response.headers.append(("Content-Type", JSON))
    return response


def _truncate(body: bytes, stream: Iterable[bytes] | None) -> Deliver:
    """Return what closes the connection after half of the body, or after the first piece of a stream."""

    def deliver(environ: Environ, start_response: StartResponse, status_line: str, headers: Headers) -> Iterable[bytes]:
        part = body[: len(body) // 2]
        if stream is None:
            length = ("Content-Length", str(max(len(body), 1)))
            headers = [*(header for header in headers if header[0].lower() != "content-length"), length]
        else:
            part = next((piece for piece in stream if piece), b"")
            close_stream(stream)
        write = start_response(status_line, headers)
        write(b"" if environ["REQUEST_METHOD"] == "HEAD" else part)
        raise ConnectionFaultError(f"The response ends here: {Fault.TRUNCATED_BODY}")

    return deliver


def close_stream(stream: Iterable[bytes]) -> None:
    """End a stream that is not sent to its end."""
    if isinstance(stream, Generator):
        stream.close()


def _close(environ: Environ, *_: Any) -> NoReturn:
    raise ConnectionFaultError(f"No response: {Fault.EMPTY_RESPONSE}")


def _reset(environ: Environ, *_: Any) -> NoReturn:
    if CONNECTION_KEY in environ:
        stream, sock = environ[CONNECTION_KEY]
        # A socket that does not linger is reset as it is closed, and it is closed with the last that refers to it.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stream.close()
        sock.close()
    raise ConnectionFaultError(f"No response: {Fault.CONNECTION_RESET_BY_PEER}")


def _hang(waiter: Waiter) -> Deliver:
    def deliver(environ: Environ, *_: Any) -> NoReturn:
        waiter.wait(environ, math.inf)
        raise ConnectionFaultError(f"No response: {Fault.HANG}")

    return deliver


def _send_garbage(environ: Environ, *_: Any) -> NoReturn:
    _send(environ, GARBAGE)
    raise ConnectionFaultError(f"No response: {Fault.RANDOM_DATA_THEN_CLOSE}")


def _send_malformed_chunk(
    environ: Environ, start_response: StartResponse, status_line: str, headers: Headers
) -> NoReturn:
    framing = ("Transfer-Encoding", "chunked") if _keeps_alive(environ) else ("Connection", "close")
    lines = ["HTTP/1.1 200 OK", *(f"{name}: {value}" for name, value in (*headers, framing)), "", ""]
    _send(environ, "\r\n".join(lines).encode("latin-1") + GARBAGE)
    raise ConnectionFaultError(f"The response ends here: {Fault.MALFORMED_RESPONSE_CHUNK}")


def _send(environ: Environ, data: bytes) -> None:
    if CONNECTION_KEY in environ:
        environ[CONNECTION_KEY][1].sendall(data)


def _keeps_alive(environ: Environ) -> bool:
    """Return whether the client would send another request: only then is the body chunked, as WireMock's."""
    options = environ.get("HTTP_CONNECTION", "").lower().split(",")
    return environ.get("SERVER_PROTOCOL") == "HTTP/1.1" and "close" not in (option.strip() for option in options)


_DELIVERIES: MappingProxyType[Fault, Deliver] = MappingProxyType(
    {
        Fault.EMPTY_RESPONSE: _close,
        Fault.CONNECTION_RESET_BY_PEER: _reset,
        Fault.RANDOM_DATA_THEN_CLOSE: _send_garbage,
        Fault.MALFORMED_RESPONSE_CHUNK: _send_malformed_chunk,
    }
)
