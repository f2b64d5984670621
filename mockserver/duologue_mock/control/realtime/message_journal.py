"""The journal of a namespace's messages, bounded as that of its requests is, and by the memory that both share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from duologue_mock.control.journal.bounded_log import MAX_ENTRIES, MAX_SIZE, BoundedLog
from duologue_mock.control.journal.budget import Budget
from duologue_mock.realtime.messages import Message
from duologue_mock.store.clock import Clock

MAX_PAYLOAD = 64 * 1024
"""Characters of the largest packet whose payload is stored."""

_OVERHEAD = 512
_CHANNEL_SIZE = 16


@dataclass(frozen=True, slots=True)
class MessageEntry:
    """A message in the journal."""

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


class MessageJournal(BoundedLog[MessageEntry]):
    """The last messages of one namespace.

    Args:
        clock: the time of the namespace.
        next_sequence: returns the number of the namespace's next event.
        max_entries: how many messages are stored; 0 for none.
        max_size: how many bytes they may take together.
        budget: how many bytes the journals of all namespaces may take together; None for one of its own.
    """

    def __init__(
        self,
        clock: Clock,
        next_sequence: Callable[[], int],
        *,
        max_entries: int = MAX_ENTRIES,
        max_size: int = MAX_SIZE,
        budget: Budget | None = None,
    ) -> None:
        super().__init__(max_entries=max_entries, max_size=max_size, budget=budget)
        self._clock = clock
        self._next_sequence = next_sequence

    def record(self, message: Message) -> MessageEntry | None:
        """Record a message, notify the listeners, and return its entry; None if the journal is off."""
        if not self.max_entries:
            return None
        if message.size > MAX_PAYLOAD:
            message = replace(message, payload=None)
        entry = MessageEntry(self._next_sequence(), message, self._clock.now())
        self.used_at = time.perf_counter()
        self._entries.append(entry)
        self._add(entry.size)
        for listener in self._listeners:
            listener(entry)
        return entry
