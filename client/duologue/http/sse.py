"""Server-sent events, read as the WHATWG HTML standard says (section 9.2.6, "Interpreting an event stream")."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from duologue.errors import DecodingError

MAX_EVENT = 1_048_576
"""The longest event, in characters: a stream that never ends its line must not fill the memory."""


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event of a stream.

    Args:
        name: its `event` field, `message` if it has none.
        data: its `data` lines, joined by line feeds.
        id: the last `id` of the stream.
    """

    name: str
    data: str
    id: str = ""


def read_events(chunks: Iterable[bytes]) -> Iterator[ServerSentEvent]:
    """Yield the events of a stream of bytes, however it is split into chunks. An incomplete last event is dropped.

    Raises:
        DecodingError: an event is longer than `MAX_EVENT`.
    """
    event = _EventBuilder()
    for line in _split_lines(_decode(chunks)):
        if line:
            event.add_line(line)
            continue
        finished = event.finish()
        if finished:
            yield finished


def _decode(chunks: Iterable[bytes]) -> Iterator[str]:
    """Decode UTF-8 across chunks; a byte order mark at the start is dropped, invalid bytes are replaced."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    first = True
    for chunk in chunks:
        text = decoder.decode(chunk)
        if first and text:
            text, first = text.removeprefix("\ufeff"), False
        if text:
            yield text


def _split_lines(texts: Iterable[str]) -> Iterator[str]:
    """Yield complete lines; CR, LF and CRLF end one, even where a chunk ends between CR and LF."""
    pending: list[str] = []
    size = 0
    after_cr = False
    for text in texts:
        if after_cr:
            text = text.removeprefix("\n")
        after_cr = text.endswith("\r")
        *complete, rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for line in complete:
            yield "".join([*pending, line])
            pending, size = [], 0
        pending.append(rest)
        size += len(rest)
        if size > MAX_EVENT:
            raise DecodingError(f"A server-sent event is longer than {MAX_EVENT:,} characters")


class _EventBuilder:
    def __init__(self) -> None:
        self._name = ""
        self._data: list[str] = []
        self._id = ""
        self._size = 0

    def add_line(self, line: str) -> None:
        """Add a line that is not empty."""
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._name = value
        elif field == "data":
            self._add_data(value)
        elif field == "id" and "\0" not in value:
            self._id = value

    def _add_data(self, value: str) -> None:
        self._size += len(value) + 1
        if self._size > MAX_EVENT:
            raise DecodingError(f"A server-sent event is longer than {MAX_EVENT:,} characters")
        self._data.append(value)

    def finish(self) -> ServerSentEvent | None:
        """Return the event and start the next; None if it has no `data` line, as one of comments only."""
        name, data = self._name or "message", self._data
        self._name, self._data, self._size = "", [], 0
        return ServerSentEvent(name, "\n".join(data), self._id) if data else None
