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
        id: the last `id` the stream has set.
    """

    name: str
    data: str
    id: str = ""


def read_events(chunks: Iterable[bytes]) -> Iterator[ServerSentEvent]:
    """Yield the events in a stream of bytes; how the bytes are cut does not matter. An unfinished last one is dropped.

    Raises:
        DecodeError: an event is longer than `MAX_EVENT`.
    """
    event = _EventInTheMaking()
    for line in _lines(_text(chunks)):
        if line:
            event.take(line)
            continue
        finished = event.finish()
        if finished:
            yield finished


def _text(chunks: Iterable[bytes]) -> Iterator[str]:
    """Decode UTF-8 over the cuts; a byte order mark at the beginning is dropped, what is invalid is replaced."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    first = True
    for piece in chunks:
        text = decoder.decode(piece)
        if first and text:
            text, first = text.removeprefix("\ufeff"), False
        if text:
            yield text


def _lines(texts: Iterable[str]) -> Iterator[str]:
    """Yield finished lines; CR, LF and CRLF end one, even when a cut falls between CR and LF."""
    waiting: list[str] = []
    after_cr = False
    for text in texts:
        if after_cr:
            text = text.removeprefix("\n")
        after_cr = text.endswith("\r") if text else after_cr
        *finished, rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for line in finished:
            yield "".join([*waiting, line])
            waiting = []
        waiting.append(rest)
        if sum(map(len, waiting)) > MAX_EVENT:
            raise DecodingError("A server-sent event is too long")


class _EventInTheMaking:
    def __init__(self) -> None:
        self._name = ""
        self._data: list[str] = []
        self._id = ""
        self._size = 0

    def take(self, line: str) -> None:
        """Take one line that is not empty."""
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._name = value
        elif field == "data":
            self._add(value)
        elif field == "id" and "\0" not in value:
            self._id = value

    def _add(self, value: str) -> None:
        self._size += len(value) + 1
        if self._size > MAX_EVENT:
            raise DecodingError("A server-sent event is too long")
        self._data.append(value)

    def finish(self) -> ServerSentEvent | None:
        """End the event; one without data is none."""
        name, data = self._name or "message", self._data
        self._name, self._data, self._size = "", [], 0
        return ServerSentEvent(name, "\n".join(data), self._id) if data and data != [""] else None
