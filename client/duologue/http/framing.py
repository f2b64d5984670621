"""Where a response begins and ends, as strictly as RFC 9112 says.

http.client and urllib3 take much for a whole response that is not one: a head that ends with the connection, a last
chunk without its end, `0x5`, `+5` or `5_0` as the size of a chunk, a length that is no number. A response that was cut
off would then be a result, and a `Location` that was cut off leads to another resource. Here all of that is an error.
"""

from __future__ import annotations

import email.errors
import http.client
import re
import socket
from typing import Any, BinaryIO

from duologue.http.error_mapping import FramingError

MAX_LINE = 65_536
"""Bytes of the longest line of a head, or of the line with a chunk's size."""

MAX_TRAILERS = 100

MAX_INTERIM_RESPONSES = 100
"""Responses of status 1xx that are skipped before the final one (RFC 9110, section 15.2)."""

_MAX_HEAD_LINES = 10_500
"""Lines of all heads before a body; http.client accepts 100 for each, but urllib3 any number from a proxy."""

_STATUS_LINE = re.compile(rb"(HTTP/[0-9]\.[0-9]) +([1-9][0-9]{2})(?: ([^\r\n]*))?\r?\n")
_LENGTH = re.compile(r"[0-9]{1,4000}")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:[ \t]*;[^\r\n]*)?\r\n")

_BODY_DEFECTS = (email.errors.StartBoundaryNotFoundDefect, email.errors.MultipartInvariantViolationDefect)
"""What the parser of mail headers misses in a `multipart` response, because it does not see the body."""


class StrictResponse(http.client.HTTPResponse):
    """A response whose head is whole and valid, and whose chunks are.

    Raises, while it is read, `IncompleteRead` for what was cut off and `FramingError` for what is not HTTP.
    """

    fp: Any

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self._stream = self.fp
        self.fp = _HeadReader(self.fp)

    def _read_status(self) -> tuple[str, int, str]:
        """Return version, status and reason of the final response; http.client skips only `100 Continue`."""
        for _ in range(MAX_INTERIM_RESPONSES + 1):
            line = self.fp.readline(MAX_LINE + 1)
            if not line:
                raise http.client.RemoteDisconnected("closed without a response")
            match = _STATUS_LINE.fullmatch(line)
            if match is None:
                raise FramingError("it does not begin with a status line")
            version, status, reason = match[1].decode("ascii"), int(match[2]), (match[3] or b"").decode("latin-1")
            if status >= 200:
                return version, status, reason
            if status == 101:
                raise FramingError("another protocol, which was not asked for")
            http.client._read_headers(self.fp)  # type: ignore[attr-defined]  # a private function, bounded as ours must be
        raise FramingError("too many interim responses")

    def begin(self) -> None:
        """Read the head."""
        super().begin()
        self.fp = self._stream
        if not all(isinstance(defect, _BODY_DEFECTS) for defect in self.headers.defects):
            raise FramingError("malformed headers")  # http.client drops those it cannot parse
        lengths, codings = self.headers.get_all("content-length"), self.headers.get_all("transfer-encoding")
        if lengths:
            _check_lengths(lengths)
        if codings:
            self._begin_chunks(codings, has_length=bool(lengths))

    def _begin_chunks(self, codings: list[str], *, has_length: bool) -> None:
        if [coding.strip().lower() for coding in codings] != ["chunked"]:
            raise FramingError("a transfer coding that was not asked for")
        if has_length:  # the chunks count, but a proxy may see it otherwise: no other response on this connection
            del self.headers["content-length"]
            self.will_close = True
        if self.length == 0:  # a status, or a method, without a body has no chunks either
            del self.headers["transfer-encoding"]
            self.chunked = False
        else:
            self.fp = _ChunkChecker(self._stream)


def _check_lengths(values: list[str]) -> None:
    """Raise if `Content-Length` is not one number; the same one repeated is (RFC 9112, section 6.3)."""
    lengths = {text.strip(" \t") for value in values for text in value.split(",")}
    if len(lengths) != 1 or not _LENGTH.fullmatch(lengths.pop()):
        raise FramingError("an invalid Content-Length")


class _Reader:
    """A stream between http.client and a socket."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _HeadReader(_Reader):
    """Reads the lines of a head, up to the empty line that ends it."""

    _lines = 0

    def readline(self, limit: int) -> bytes:
        line = self._stream.readline(limit)
        self._lines += 1
        if self._lines > _MAX_HEAD_LINES:
            raise FramingError("a head without end")
        if not line.endswith(b"\n"):
            if len(line) < limit and (self._lines > 1 or (line and b"HTTP/".startswith(line[:5]))):
                raise http.client.IncompleteRead(line)
        elif line.find(b"\r", 0, -2) >= 0 or b"\0" in line:  # some parsers end a line there
            raise FramingError("a control character in the head")
        return line


class _ChunkChecker(_Reader):
    """Reads chunks as they are; http.client and urllib3 decode them, and each accepts what the other does not."""

    _left = 0
    _trailers: int | None = None

    def readline(self, limit: int = -1) -> bytes:
        """Return the line with a chunk's size, or a trailer."""
        line = self._stream.readline(MAX_LINE + 1)
        if not line.endswith(b"\n") and len(line) <= MAX_LINE:
            raise http.client.IncompleteRead(line)
        if self._trailers is not None:
            self._trailers += 1
            if self._trailers > MAX_TRAILERS or not line.endswith(b"\r\n"):
                raise FramingError("invalid trailers")
            return line
        match = _CHUNK_SIZE.fullmatch(line)
        if match is None:
            raise FramingError("an invalid size of a chunk")
        self._left = int(match[1], 16)
        if self._left == 0:
            self._trailers = 0
        return line

    def read(self, amount: int = -1) -> bytes:
        return self._count(self._stream.read(amount))

    def read1(self, amount: int = -1) -> bytes:
        return self._count(self._stream.read1(amount))  # type: ignore[attr-defined]  # a BufferedReader has it

    def readinto(self, buffer: Any) -> int:
        size: int = self._stream.readinto(buffer)  # type: ignore[attr-defined]  # a BufferedReader has it
        self._count(bytes(memoryview(buffer)[:size]))
        return size

    def _count(self, data: bytes) -> bytes:
        if self._left:
            self._left -= len(data)
        elif not b"\r\n".startswith(data):
            raise FramingError("a chunk is longer than its size")
        return data
