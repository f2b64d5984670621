"""Reading a request's body within the server's time limit."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import gevent

from duologue_mock.errors import HTTPError
from duologue_mock.http.request_head import MAX_HEADERS, MalformedRequestError

if TYPE_CHECKING:
    import socket

MAX_CHUNK_LINE = 4096
"""The longest line with a chunk's size, and the longest trailer, in bytes."""
MAX_EXTENSIONS_SIZE = 16 * 1024
"""The most bytes of chunk extensions in one body."""
CHUNKS_PER_TURN = 256
"""After this many chunks other connections have a turn: reading what has arrived never waits by itself."""

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_QUOTED = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*+"'
_CHUNK_LINE = re.compile(
    rb"([0-9A-Fa-f]{1,16})(?:[ \t]*+;[ \t]*+%b(?:[ \t]*+=[ \t]*+(?:%b|%b))?+)*+\r\n" % (_TOKEN, _TOKEN, _QUOTED)
)
"""A chunk's size and extensions (RFC 9112, section 7.1.1)."""
_TRAILER = re.compile(rb"%b:[\t -~\x80-\xff]*+\r\n" % _TOKEN)
"""A trailer is like a header (RFC 9112, section 7.1.2)."""


class RequestTimeoutError(HTTPError):
    """The body did not arrive in time."""

    def __init__(self) -> None:
        super().__init__(408, "The request took too long to arrive", headers=[("Connection", "close")])


class MalformedBodyError(HTTPError):
    """The body ended early, or its chunks are malformed."""

    def __init__(self) -> None:
        super().__init__(400, "The body is not as its headers say", headers=[("Connection", "close")])


class RequestBody:
    """A request's body as WSGI's `wsgi.input`, which has to arrive within the read timeout.

    It has `read` only: `WSGIApp` reads it, and gives other applications what it has read.

    Args:
        stream: the connection's buffered stream.
        content_length: the declared length in bytes, 0 if none is declared or the body is chunked.
        chunked: whether it has the transfer coding `chunked`.
        buffered: how many bytes of it have arrived together with the head.
        read_timeout: seconds for each read, so for the whole of it if it is read at once.
        continue_socket: where to send `100 Continue` before the first read; None if the client expects none.
    """

    __slots__ = (
        "_buffered",
        "_chunked",
        "_continue_socket",
        "_extensions_size",
        "_left",
        "_read_timeout",
        "_stream",
        "_turns",
    )

    def __init__(
        self,
        stream: Any,
        content_length: int,
        *,
        chunked: bool,
        buffered: int,
        read_timeout: float,
        continue_socket: socket.socket | None,
    ) -> None:
        self._stream = stream
        self._chunked = chunked
        self._left = content_length  # of the body, or of the current chunk
        self._buffered = buffered
        self._read_timeout = read_timeout
        self._continue_socket = continue_socket
        self._extensions_size = 0
        self._turns = 0

    @property
    def complete(self) -> bool:
        """Whether all of it has been read, so that the next request follows on the connection."""
        return not self._left and not self._chunked

    def read(self, size: int | None = -1) -> bytes:
        """Read the body, or `size` bytes of it.

        Raises:
            RequestTimeoutError: it did not arrive in time.
            MalformedBodyError: it ended early, or its chunks are malformed.
        """
        wanted = sys.maxsize if size is None or size < 0 else size
        if not self._chunked and (length := min(wanted, self._left)) <= self._buffered:
            self._left -= length
            self._buffered -= length
            data: bytes = self._stream.read(length)
            return data
        if self._continue_socket is not None:
            self._continue_socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._continue_socket = None
        with gevent.Timeout(self._read_timeout, RequestTimeoutError()):
            return self._read_chunks(wanted) if self._chunked else self._read_exactly(length)

    def _read_exactly(self, length: int) -> bytes:
        data: bytes = self._stream.read(length)
        if len(data) < length:
            raise MalformedBodyError
        self._left -= length
        self._buffered = 0
        return data

    def _read_chunks(self, wanted: int) -> bytes:
        pieces = bytearray()
        while wanted and self._chunked:
            if not self._left:
                self._start_chunk()
            else:
                piece = self._read_exactly(min(wanted, self._left))
                pieces += piece
                wanted -= len(piece)
                if not self._left and self._stream.read(2) != b"\r\n":
                    raise MalformedBodyError
        return bytes(pieces)

    def _start_chunk(self) -> None:
        """Read a chunk's size; after that of the last one, which is 0, the trailers."""
        self._turns += 1
        if self._turns % CHUNKS_PER_TURN == 0:
            gevent.sleep(0)
        line = self._stream.readline(MAX_CHUNK_LINE)
        match = _CHUNK_LINE.fullmatch(line)
        if match is None:
            raise MalformedBodyError
        self._extensions_size += len(line) - match.end(1) - 2
        if self._extensions_size > MAX_EXTENSIONS_SIZE:
            raise MalformedBodyError
        self._left = int(match[1], 16)
        if not self._left:
            for _ in range(MAX_HEADERS):
                line = self._stream.readline(MAX_CHUNK_LINE)
                if line == b"\r\n":
                    self._chunked = False
                    return
                if not _TRAILER.fullmatch(line):
                    break
            raise MalformedBodyError

    def _discard(self) -> None:
        """Nothing, where gevent's own would read what the application has not: then the connection is closed."""


def parse_body_framing(environ: dict[str, Any]) -> tuple[int, bool]:
    """Return the declared length of a request's body, and whether it is chunked (RFC 9112, section 6).

    Raises:
        MalformedRequestError: the transfer coding is not `chunked` or not allowed, or the length is not a number.
    """
    coding = environ.get("HTTP_TRANSFER_ENCODING")
    if coding is not None:
        if coding.lower() != "chunked":
            raise MalformedRequestError(400, "The only transfer coding spoken here is chunked.")
        if environ["SERVER_PROTOCOL"] == "HTTP/1.0":
            raise MalformedRequestError(400, "HTTP/1.0 has no transfer codings.")
        if "CONTENT_LENGTH" in environ:
            raise MalformedRequestError(400, "A request has either Content-Length or Transfer-Encoding.")
        return 0, True
    length = environ.get("CONTENT_LENGTH")
    if length is None:
        return 0, False
    if not (length.isascii() and length.isdigit() and len(length) < 19):
        raise MalformedRequestError(400, "Content-Length must be a number.")
    return int(length), False
