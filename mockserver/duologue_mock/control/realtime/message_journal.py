"""The journal of a namespace's messages, bounded by number and by bytes as that of its requests is."""

from __future__ import annotations

import os
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from duologue_mock.realtime.messages import Message
from duologue_mock.store.clock import Clock

MAX_ENTRIES = 1000
MAX_SIZE = 16 * 1024 * 1024
"""Bytes that all entries may take together."""
MAX_PAYLOAD = 64 * 1024
"""Characters of the largest packet whose payload is stored."""

_OVERHEAD = 512
_CHANNEL_SIZE = 16
_SEQUENCE_BITS = 62
"""Of an entry's id, what says which one it is; the rest is the journal's own, and what makes it a UUID."""

Listener = Callable[["MessageEntry"], None]


@dataclass(frozen=True, slots=True)
class MessageEntry:
    """A message in the journal."""

    id: uuid.UUID
    sequence: int
    """Its place among all events of the namespace."""
    message: Message
    """It, without its payload if that is too large."""
    logged_at: datetime
    """By the clock of the namespace."""

    @property
    def is_cut(self) -> bool:
        """Whether its payload was too large to be stored."""
        return self.message.size > MAX_PAYLOAD

    @property
    def size(self) -> int:
        """Bytes that it takes, roughly: JSON values take a multiple of their text."""
        message = self.message
        payload = 0 if self.is_cut else 4 * message.size
        return _OVERHEAD + payload + _CHANNEL_SIZE * len(message.channels) + len(message.event or "")


class MessageJournal:
    """The last messages of one namespace.

    Args:
        clock: the time of the namespace.
        next_sequence: returns the number of the namespace's next event.
        max_entries: how many messages are stored; 0 for none.
        max_size: how many bytes they may take together.
    """

    def __init__(
        self,
        clock: Clock,
        next_sequence: Callable[[], int],
        *,
        max_entries: int = MAX_ENTRIES,
        max_size: int = MAX_SIZE,
    ) -> None:
        self.max_entries = max_entries
        self.dropped = 0
        """Entries that were dropped for newer ones since the journal was cleared."""
        self._clock = clock
        self._max_size = max_size
        self._next_sequence = next_sequence
        self._entries: deque[MessageEntry] = deque()
        self._size = 0
        self._prefix = int.from_bytes(os.urandom(8), "big") << 64
        self._listeners: list[Listener] = []

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[MessageEntry]:
        """Iterate over the entries of this moment, the oldest first."""
        return iter(list(self._entries))

    @property
    def is_enabled(self) -> bool:
        """Whether messages are recorded."""
        return self.max_entries > 0

    @property
    def size(self) -> int:
        """Bytes that the entries take, roughly."""
        return self._size

    def record(self, message: Message) -> MessageEntry | None:
        """Record a message, tell the listeners, and return its entry; None if the journal is off."""
        if not self.max_entries:
            return None
        sequence = self._next_sequence()
        id = uuid.UUID(int=self._prefix | sequence, version=4)
        if message.size > MAX_PAYLOAD:
            message = replace(message, payload=None)
        entry = MessageEntry(id, sequence, message, self._clock.now())
        self._entries.append(entry)
        self._size += entry.size
        while len(self._entries) > self.max_entries or self._size > self._max_size:
            self._size -= self._entries.popleft().size
            self.dropped += 1
        for listener in self._listeners:
            listener(entry)
        return entry

    def get(self, id: uuid.UUID) -> MessageEntry | None:
        """Return the entry of this id; None if there is none, or no more."""
        return next((entry for entry in self._entries if entry.id == id), None)

    def list_after(self, sequence: int) -> list[MessageEntry]:
        """Return the entries with a greater number, the oldest first."""
        return [entry for entry in self._entries if entry.sequence > sequence]

    def clear(self) -> None:
        """Remove all entries."""
        self._entries.clear()
        self._size = self.dropped = 0

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call a function with each entry that is recorded; return a function that ends that."""
        self._listeners = [*self._listeners, listener]

        def stop() -> None:
            self._listeners = [one for one in self._listeners if one is not listener]

        return stop
