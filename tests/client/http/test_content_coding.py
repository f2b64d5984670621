"""Compressed bodies: whole, in pieces of any size, and with nothing missing or added."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue import DecodingError
from duologue.http.content_coding import decode


def deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "X-GZIP": gzip.compress,
    "deflate": zlib.compress,
    " deflate ": deflate,
    "gzip, deflate": lambda data: zlib.compress(gzip.compress(data)),
    "identity": bytes,
}


def split(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


@pytest.mark.parametrize("coding", CODINGS)
@given(data=st.binary(max_size=300), size=st.integers(1, 50))
def test_round_trip(coding: str, data: bytes, size: int) -> None:
    assert b"".join(decode(split(CODINGS[coding](data), size), coding)) == data


@pytest.mark.parametrize("coding", ["gzip", "deflate", "gzip, deflate"])
@given(data=st.binary(max_size=100), size=st.integers(1, 50))
def test_each_cut(coding: str, data: bytes, size: int) -> None:
    packed = CODINGS[coding](data)
    for end in range(1, len(packed)):
        with pytest.raises(DecodingError, match=r"not valid|The response"):
            b"".join(decode(split(packed[:end], size), coding))


@pytest.mark.parametrize("coding", ["gzip", "deflate", " deflate "])
@given(rest=st.binary(min_size=1, max_size=20), size=st.integers(1, 50))
def test_garbage_behind_it(coding: str, rest: bytes, size: int) -> None:
    with pytest.raises(DecodingError, match="not valid"):
        b"".join(decode(split(CODINGS[coding](b"{}") + rest, size), coding))


def test_several_members() -> None:
    packed = gzip.compress(b"{") + gzip.compress(b"") + gzip.compress(b"}")
    for size in (1, 7, len(packed)):
        assert b"".join(decode(split(packed, size), "gzip")) == b"{}"


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_pieces_are_small(coding: str) -> None:
    packed = CODINGS[coding](b" " * 5_000_000)
    assert max(map(len, decode([packed], coding))) <= 65_536
    assert sum(map(len, decode([packed], coding))) == 5_000_000


@pytest.mark.parametrize("coding", [*CODINGS, "", ","])
def test_empty_body(coding: str) -> None:
    assert list(decode([], coding)) == []


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, br", ", ".join(["gzip"] * 6)])
def test_unknown_coding(coding: str) -> None:
    with pytest.raises(DecodingError):
        decode([b"x"], coding)
