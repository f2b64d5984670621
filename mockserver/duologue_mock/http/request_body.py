"""Reading a request's body within the server's time limit."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import gevent
from gevent.pywsgi import Input

from duologue_mock.errors import HTTPError
from duologue_mock.http.request_head import MalformedRequestError

if TYPE_CHECKING:
    import socket

LINGER_TIMEOUT = 2.0
"""Seconds for which the body of a request that was refused is still read."""
MAX_LINGER_SIZE = 64 * 1024 * 1024
"""Bytes of such a body that are read at most."""


class RequestTimeoutError(HTTPError):
    """The body did not arrive in time."""

    def __init__(self) -> None:
        super().__init__(408, "The request took too long to arrive", headers=[("Connection", "close")])


class MalformedBodyError(HTTPError):
    """The body ended early, or its chunks are malformed."""

    def __init__(self) -> None:
        super().__init__(400, "The body is not as its headers say", headers=[("Connection", "close")])


class RequestBody(Input):  # type: ignore[misc]  # gevent is not typed
    """A request's body as WSGI's `wsgi.input`, which has to arrive within the read timeout.

    Args:
        stream: the connection's buffered stream.
        content_length: the declared length in bytes; None if there is none or the body is chunked.
        chunked: whether it has the transfer coding `chunked`.
        buffered: how many bytes of it have arrived together with the head.
        read_timeout: seconds for the whole of it to arrive.
        continue_socket: where to send `100 Continue` before the first read; None if the client expects none.
    """

    def __init__(
        self,
        stream: Any,
        content_length: int | None,
        *,
        chunked: bool,
        buffered: int,
        read_timeout: float,
        continue_socket: socket.socket | None,
    ) -> None:
        super().__init__(stream, content_length, socket=continue_socket, chunked_input=chunked)
        self._buffered = buffered
        self._read_timeout = read_timeout
        self._failed = False
        self.keep_alive = True
        """Whether another request follows on the connection; the handler sets it with the response."""

    def read(self, length: int | None = None) -> bytes:
        """Read the body, or `length` bytes of it.

        Raises:
            RequestTimeoutError: it did not arrive in time.
            MalformedBodyError: it ended early, or its chunks are malformed.
        """
        if length and length == self.content_length and length <= self._buffered:
            self.position = length
            body: bytes = self.rfile.read(length)
            return body
        try:
            with gevent.Timeout(self._read_timeout, RequestTimeoutError()):
                data: bytes = super().read(length)
                return data
        except ConnectionError:
            raise
        except (OSError, RequestTimeoutError) as error:
            self._failed = True
            raise error if isinstance(error, RequestTimeoutError) else MalformedBodyError() from None

    def _discard(self) -> None:
        """Read what the application left unread.

        All of it, where the connection is kept alive: the next request follows it. Otherwise what arrives within
        `LINGER_TIMEOUT`: closing a socket with unread data resets the connection, and the client might never see the
        response. After a body that failed nothing more is read.
        """
        if self._failed or not (self.chunked_input or (self.position or 0) < (self.content_length or 0)):
            return
        self.send_100_continue_enabled = False  # the response has been sent
        if self.keep_alive:
            super()._discard()
            return
        with gevent.Timeout(LINGER_TIMEOUT, False), contextlib.suppress(OSError):
            remaining = MAX_LINGER_SIZE
            while remaining > 0 and (data := super().read(65536)):
                remaining -= len(data)


def parse_body_framing(environ: dict[str, Any]) -> tuple[int | None, bool]:
    """Return the declared length of a request's body, and whether it is chunked (RFC 9112, section 6).

    Raises:
        MalformedRequestError: the transfer coding is not `chunked`, or the length is not a number.
    """
    coding = environ.get("HTTP_TRANSFER_ENCODING")
    if coding is not None and coding.lower() != "chunked":
        raise MalformedRequestError(400, "The only transfer coding spoken here is chunked.")
    length = environ.get("CONTENT_LENGTH")
    if length is not None and not (length.isascii() and length.isdigit() and len(length) < 19):
        raise MalformedRequestError(400, "Content-Length must be a number.")
    return (None if length is None or coding is not None else int(length)), coding is not None
