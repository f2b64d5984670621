"""The malformed requests of the contract tests, at every byte: a run of them has time for some bytes only."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from duologue.conformance.http.test_malformed_requests import (
    CHUNKED,
    CHUNKS,
    GET,
    INSERTED,
    OLD_GET,
    check_chunks,
    check_heads,
    check_truncated,
)
from duologue.conformance.target.server import Server

pytestmark = pytest.mark.slow

MORE = {"two LF": b"\n\n", "minus": b"-", "digit": b"0", "x": b"x", "slash": b"/", "hash": b"#"}

each_insertion = pytest.mark.parametrize("inserted", [*INSERTED.values(), *MORE.values()], ids=[*INSERTED, *MORE])


def mutate(valid: bytes, inserted: bytes) -> Iterator[bytes]:
    """Put `inserted` before each byte, and in its place."""
    for index in range(len(valid)):
        yield valid[:index] + inserted + valid[index + 1 :]
        if inserted:
            yield valid[:index] + inserted + valid[index:]


@each_insertion
@pytest.mark.parametrize("valid", [GET, OLD_GET], ids=["GET", "absolute target, HTTP/1.0"])
def test_heads(serve: Callable[..., Server], valid: bytes, inserted: bytes) -> None:
    check_heads(serve(), mutate(valid, inserted))


@each_insertion
def test_chunks(serve: Callable[..., Server], inserted: bytes) -> None:
    check_chunks(serve(), mutate(CHUNKS, inserted))


def test_truncated(serve: Callable[..., Server]) -> None:
    check_truncated(serve(), range(len(CHUNKED + CHUNKS)))
