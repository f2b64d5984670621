"""The live stream of one namespace: what happens, as server-sent events (the HTML standard, section 9.2).

Every event has a number. Requests and messages have theirs from the journals, which is where a reader that comes back
gets those that it missed; of the other kinds, the last ones are stored here. While there are no readers,
nothing is built.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import merge
from itertools import count, islice
from typing import Any

from duologue_mock.control.cooperation import Signal, Sleep
from duologue_mock.http.messages import json_bytes

KINDS = frozenset({"request", "message", "channel", "stub", "state", "clock"})
MAX_READERS = 32
HEARTBEAT = 15.0
"""Seconds without an event after which a comment is sent: it finds out that a reader is gone."""
MAX_QUEUE = 512
"""Events that wait for a slow reader; of more, the oldest are dropped, and an event `dropped` says how many."""
MAX_QUEUE_SIZE = 1024 * 1024
"""Bytes that they may take."""
MAX_STORED = 256
"""Events besides requests and messages that are stored for readers that come back."""
MAX_STORED_SIZE = 256 * 1024

_BATCH = 32
"""Events that are built at once, before others have their turn."""

Event = tuple[int, str, bytes]
"""Number, kind, and data as JSON."""
Source = Callable[[int], Iterable[tuple[int, Mapping[str, Any]]]]
"""Returns the stored events of one kind after a number, in order; an event's data is built as it is taken."""


class TooManyReadersError(Exception):
    """As many read the stream as may."""


class EventStream:
    """What happens in one namespace.

    Args:
        redact: returns data without secrets.
        create_signal: creates what a reader waits for.
        sleep: waits a number of seconds without blocking other requests.
    """

    def __init__(
        self,
        redact: Callable[[Any], Any],
        create_signal: Callable[[], Signal],
        sleep: Sleep,
    ) -> None:
        self.next_number: Callable[[], int] = count(1).__next__
        """Returns the number of the next event, which is taken by that."""
        self._redact = redact
        self._create_signal = create_signal
        self._sleep = sleep
        self._sources: dict[str, Source] = {}
        self._stored: deque[Event] = deque()
        self._stored_size = 0
        self.readers: tuple[EventReader, ...] = ()
        """Who reads the stream."""

    def publish(self, kind: str, data: Mapping[str, Any]) -> None:
        """Publish an event of a kind that has no journal: it is stored here for readers that come back.

        Args:
            kind: one of `KINDS`.
            data: what happened, as JSON values.
        """
        event = (self.next_number(), kind, json_bytes(self._redact(data)))
        self._store(event)
        self._send(event)

    def announce(self, kind: str, number: int, build: Callable[[], Mapping[str, Any]]) -> None:
        """Send an event that a journal has stored; nothing is built if there are no readers.

        Args:
            kind: one of `KINDS`, with a source.
            number: the event's, from `next_number`.
            build: returns what happened, as JSON values without secrets.
        """
        if self.readers:
            self._send((number, kind, json_bytes(build())))

    def add_source(self, kind: str, source: Source) -> None:
        """Say where the stored events of a kind are.

        Args:
            kind: one of `KINDS`.
            source: called with a number, returns the events after it, oldest first, as numbers and data.
        """
        self._sources[kind] = source

    def open(self, after: int | None = None) -> EventReader:
        """Return what a new reader reads.

        Args:
            after: the number of the last event that it has; None for new events only.

        Raises:
            TooManyReadersError: there are `MAX_READERS` already.
        """
        if len(self.readers) >= MAX_READERS:
            raise TooManyReadersError
        return EventReader(self, after, self._create_signal(), self._sleep)

    def close(self) -> None:
        """End the streams of all readers; new ones may come."""
        for reader in self.readers:
            reader.end()

    def add_reader(self, reader: EventReader) -> None:
        """Send events to a reader from now on; it calls this itself."""
        self.readers = (*self.readers, reader)

    def remove_reader(self, reader: EventReader) -> None:
        """Send no more events to a reader; it calls this itself."""
        self.readers = tuple(one for one in self.readers if one is not reader)

    def replay(self, after: int, before: int) -> Iterator[Event]:
        """Yield the stored events with numbers in a range, in order.

        Args:
            after: the number before the first.
            before: the number after the last.
        """
        stored = [event for event in self._stored if event[0] > after]
        sources = [_build_events(kind, source(after)) for kind, source in self._sources.items()]
        for event in merge(stored, *sources, key=_get_number):
            if event[0] > before:
                return
            yield event

    def _store(self, event: Event) -> None:
        self._stored.append(event)
        self._stored_size += len(event[2])
        while len(self._stored) > MAX_STORED or self._stored_size > MAX_STORED_SIZE:
            self._stored_size -= len(self._stored.popleft()[2])

    def _send(self, event: Event) -> None:
        for reader in self.readers:
            reader.put(event)


class EventReader:
    """One reader's stream: the iterable of a response.

    It counts as a reader from the first piece that is taken until `close`: a `HEAD` takes none.

    Args:
        stream: what it reads.
        after: the number of the last event that it has; None for new events only.
        signal: what it waits for.
        sleep: waits a number of seconds without blocking other requests.
    """

    def __init__(self, stream: EventStream, after: int | None, signal: Signal, sleep: Sleep) -> None:
        self._stream = stream
        self._after = after
        self._signal = signal
        self._sleep = sleep
        self._queue: deque[Event] = deque()
        self._size = 0
        self._dropped = 0
        self._ended = False
        self._pieces = self._read()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)

    def put(self, event: Event) -> None:
        """Add an event to what is to be sent."""
        self._queue.append(event)
        self._size += len(event[2])
        while len(self._queue) > 1 and (len(self._queue) > MAX_QUEUE or self._size > MAX_QUEUE_SIZE):
            self._size -= len(self._queue.popleft()[2])
            self._dropped += 1
        self._signal.set()

    def end(self) -> None:
        """End the stream after what is to be sent."""
        self._ended = True
        self._signal.set()

    def close(self) -> None:
        """End the stream at once: the server calls this however the response ends (PEP 3333)."""
        self._stream.remove_reader(self)
        self._pieces.close()  # type: ignore[attr-defined]  # of the generator

    def _read(self) -> Iterator[bytes]:
        self._stream.add_reader(self)
        now = self._stream.next_number() if self._after is not None else 0  # what comes from here on is sent live
        yield b": what happens in this namespace\n\n"
        if self._after is not None:
            events = self._stream.replay(self._after if self._after < now else 0, now)
            while batch := b"".join(map(_format, islice(events, _BATCH))):
                yield batch
                self._sleep(0)
        while True:
            if pieces := self._take_all():
                yield pieces
            elif self._ended:
                return
            elif not self._wait():
                yield b": still here\n\n"

    def _take_all(self) -> bytes:
        events, self._queue = self._queue, deque()
        dropped, self._dropped, self._size = self._dropped, 0, 0
        first = b'event: dropped\ndata: {"count": %d}\n\n' % dropped if dropped else b""
        return first + b"".join(map(_format, events))

    def _wait(self) -> bool:
        self._signal.clear()
        return bool(self._queue) or self._ended or self._signal.wait(HEARTBEAT)


def _build_events(kind: str, events: Iterable[tuple[int, Mapping[str, Any]]]) -> Iterator[Event]:
    return ((number, kind, json_bytes(data)) for number, data in events)


def _get_number(event: Event) -> int:
    return event[0]


def _format(event: Event) -> bytes:
    number, kind, data = event
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (number, kind.encode(), data)
