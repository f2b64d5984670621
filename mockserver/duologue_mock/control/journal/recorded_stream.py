"""A response's stream, of which the journal stores the first pieces as they are sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from duologue_mock.control.journal.entry import MAX_BODY, Entry


class RecordedStream:
    """Passes on the pieces of a stream.

    Args:
        stream: the stream.
        entry: the entry whose response it is.
        grow: called with the entry and the bytes that it stores more.
    """

    def __init__(self, stream: Iterable[bytes], entry: Entry, grow: Callable[[Entry, int], None]) -> None:
        self._stream = stream
        self._pieces = iter(stream)
        self._entry = entry
        self._grow = grow

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = next(self._pieces)
        entry = self._entry
        entry.response_size += len(piece)
        stored = piece[: MAX_BODY - len(entry.response_body)]
        if stored:
            entry.response_body += stored
            self._grow(entry, len(stored))
        return piece

    def close(self) -> None:
        """End the stream: the server calls this however the response ends (PEP 3333)."""
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()
