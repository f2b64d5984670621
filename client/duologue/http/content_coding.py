"""Decompressing a body piece by piece (RFC 9110, section 8.4), whole or not at all.

urllib3 takes compressed data without its end, and so without its checksum, and with anything behind it.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterable, Iterator

from duologue.errors import DecodingError

MAX_CODINGS = 5
"""How often a body may be compressed; the client asks for it to be done once."""

_PIECE = 65_536
"""Bytes of the largest piece, so that little of a body that unpacks to much more is in memory."""

_GZIP, _ZLIB, _RAW_DEFLATE = 31, 15, -15  # zlib's `wbits`


def decode(pieces: Iterable[bytes], content_encoding: str) -> Iterable[bytes]:
    """Return the pieces of a decompressed body; an empty body stays empty.

    Args:
        pieces: the body as it arrives.
        content_encoding: the header, as `gzip`.

    Raises:
        DecodingError: a coding that is unknown; and, while the pieces are read, data that is not in its coding, that
            ends early, or that something follows.
    """
    codings = [coding for coding in (text.strip().lower() for text in content_encoding.split(",")) if coding]
    if len(codings) > MAX_CODINGS:
        raise DecodingError(f"The response is compressed {len(codings)} times; at most {MAX_CODINGS} are supported")
    for coding in reversed(codings):
        if coding in ("gzip", "x-gzip"):
            pieces = _decompress(pieces, _GZIP, coding)
        elif coding == "deflate":
            pieces = _inflate(pieces)
        elif coding != "identity":
            raise DecodingError("The response has a content coding that is not supported")
    return pieces


def _inflate(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what `deflate` holds: the zlib format, or without its two bytes at the start, as some servers send it."""
    rest, start = iter(pieces), b""
    for piece in rest:
        start += piece
        if len(start) >= 2:
            break
    has_header = len(start) >= 2 and start[0] & 0x0F == 8 and int.from_bytes(start[:2], "big") % 31 == 0
    yield from _decompress(itertools.chain([start], rest), _ZLIB if has_header else _RAW_DEFLATE, "deflate")


def _decompress(pieces: Iterable[bytes], wbits: int, coding: str) -> Iterator[bytes]:
    stream = None
    for piece in pieces:
        output = b""
        while piece or len(output) == _PIECE:  # in the second case there may be more to come of what was read before
            if stream is None:
                stream = zlib.decompressobj(wbits)
            damaged = False
            try:
                output = stream.decompress(piece, _PIECE)
            except zlib.error:
                damaged = True
            if damaged or (stream.eof and stream.unused_data and wbits != _GZIP):
                raise DecodingError(f"The response is not valid {coding}", details={"reason": "the data is damaged"})
            if output:
                yield output
            if stream.eof:  # gzip may go on with another member (RFC 1952, section 2.2)
                piece, stream, output = stream.unused_data, None, b""
            else:
                piece = stream.unconsumed_tail
    if stream is not None:
        raise DecodingError(f"The response is not valid {coding}", details={"reason": "the data ends early"})
