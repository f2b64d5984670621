"""What the journals of a namespace have in common: their last entries, bounded by number and by bytes."""

from __future__ import annotations

import os
import uuid
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from duologue_mock.control.journal.budget import Budget

MAX_ENTRIES = 1000
MAX_SIZE = 16 * 1024 * 1024
"""Bytes that all entries of a journal may take together."""

_SEQUENCE_BITS = 62
"""Of an entry's id, what says which one it is; the rest is the journal's own, and what makes it a UUID."""


class LoggedEntry(Protocol):
    """An entry of a journal."""

    @property
    def sequence(self) -> int:
        """Its place among all events of the namespace."""

    @property
    def size(self) -> int:
        """Bytes that it takes, roughly."""


E = TypeVar("E", bound=LoggedEntry)


class BoundedLog(Generic[E]):
    """The last entries of one kind, of one namespace.

    Args:
        max_entries: how many are stored; 0 for none.
        max_size: how many bytes they may take together.
        budget: how many bytes the journals of all namespaces may take together; None for one of its own.
    """

    def __init__(
        self, *, max_entries: int = MAX_ENTRIES, max_size: int = MAX_SIZE, budget: Budget | None = None
    ) -> None:
        self.max_entries = max_entries
        self.dropped = 0
        """Entries that were dropped for newer ones since the journal was cleared."""
        self.used_at = 0.0
        """When it was last recorded in, as `time.perf_counter` has it."""
        self._max_size = max_size
        self._entries: deque[E] = deque()
        self._size = 0
        self._shared: dict[int, int] = {}
        """How many entries refer to each thing, by its id, that counts once."""
        self._prefix = int.from_bytes(os.urandom(8), "big") << 64
        self._listeners: list[Callable[[E], None]] = []
        self._budget = budget or Budget()
        self._budget.join(self)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[E]:
        """Iterate over the entries of this moment, the oldest first."""
        return iter(list(self._entries))

    @property
    def is_enabled(self) -> bool:
        """Whether entries are stored."""
        return self.max_entries > 0

    @property
    def size(self) -> int:
        """Bytes that the entries take, roughly."""
        return self._size

    @property
    def budget(self) -> Budget:
        """How many bytes it and other journals may take together."""
        return self._budget

    def get_id(self, entry: E) -> uuid.UUID:
        """Return the id of an entry."""
        return uuid.UUID(int=self._prefix | entry.sequence, version=4)

    def get(self, id: uuid.UUID) -> E | None:
        """Return the entry of this id; None if there is none, or no more."""
        sequence = id.int & (1 << _SEQUENCE_BITS) - 1
        entry = next((entry for entry in self._entries if entry.sequence == sequence), None)
        return entry if entry is not None and self.get_id(entry) == id else None

    def list_after(self, sequence: int) -> list[E]:
        """Return the entries with a greater number, the oldest first."""
        newer: list[E] = []
        for entry in reversed(self._entries):
            if entry.sequence <= sequence:
                break
            newer.append(entry)
        return newer[::-1]

    def remove(self, entries: Sequence[E]) -> None:
        """Remove entries."""
        sequences: Container[int] = {entry.sequence for entry in entries}
        self._replace(entry for entry in self._entries if entry.sequence not in sequences)

    def clear(self) -> None:
        """Remove all entries."""
        self._replace(())
        self.dropped = 0

    def drop_all(self) -> None:
        """Drop all entries, for those of other journals."""
        self.dropped += len(self._entries)
        self._replace(())

    def close(self) -> None:
        """Give back the memory: the journal is not used any more."""
        self._budget.leave(self)
        self._budget = Budget()  # of what a request that is in flight still records

    def listen(self, listener: Callable[[E], None]) -> Callable[[], None]:
        """Call a function with each entry that is recorded; return a function that ends that."""
        self._listeners = [*self._listeners, listener]

        def stop() -> None:
            self._listeners = [one for one in self._listeners if one is not listener]

        return stop

    def _replace(self, entries: Iterable[E]) -> None:
        self._entries = deque(entries)
        size = sum(entry.size for entry in self._entries)
        self._budget.size += size - self._size
        self._size = size

    def _add(self, size: int) -> None:
        """Count bytes, and drop the oldest entries where there are too many now."""
        entries, budget = self._entries, self._budget
        total = self._size + size
        while (len(entries) > self.max_entries or total > self._max_size) and entries:
            oldest = entries.popleft()
            total -= self._release(oldest) if self._shared else oldest.size
            self.dropped += 1
        budget.size += total - self._size
        self._size = total
        if budget.size > budget.limit:
            budget.make_room(self)

    def _release(self, entry: E) -> int:
        """Return the bytes of an entry that is dropped."""
        return entry.size
