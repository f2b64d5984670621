"""A cache whose items grow old: the chat document's `APICache`."""

from __future__ import annotations

import heapq
import threading
from collections import OrderedDict
from typing import Final, Generic, TypeVar, cast, overload

from duologue.concurrency.clock import Clock

T = TypeVar("T")
D = TypeVar("D")

DEFAULT_TTL: Final = 300.0
"""Seconds for which an item is kept: five minutes."""


class TTLCache(Generic[T]):
    """Keeps things by name for a time; safe to share between threads.

        cache = TTLCache()
        cache.set("sessions", api.chats.list())
        sessions = cache.get("sessions")

    Args:
        ttl: seconds for which things are kept, unless `set` says otherwise; five minutes by default.
        max_items: how many to keep; beyond that the longest unused go. None: no bound.
        clock: the time; tests pass their own.
    """

    def __init__(self, *, ttl: float = DEFAULT_TTL, max_items: int | None = None, clock: Clock | None = None) -> None:
        self._ttl = ttl
        self._max_items = max_items
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._items: OrderedDict[str, tuple[float, T]] = OrderedDict()
        self._ends: list[tuple[float, str]] = []

    def set(self, key: str, data: T, ttl: float | None = None) -> None:
        """Keep something.

        Args:
            key: its name.
            data: the thing.
            ttl: seconds for which to keep it.
        """
        with self._lock:
            ends = self._clock.monotonic() + (self._ttl if ttl is None else ttl)
            self._items[key] = (ends, data)
            self._items.move_to_end(key)
            heapq.heappush(self._ends, (ends, key))
            self._make_room()

    @overload
    def get(self, key: str) -> T | None: ...
    @overload
    def get(self, key: str, default: D) -> T | D: ...
    def get(self, key: str, default: object = None) -> object:
        """Return a thing, the default if it is not there or too old."""
        with self._lock:
            item = self._items.get(key)
            if item is None:
                return default
            if item[0] <= self._clock.monotonic():
                del self._items[key]
                return default
            self._items.move_to_end(key)
            return item[1]

    def invalidate(self, pattern: str | None = None) -> int:
        """Forget things, and return how many.

        Args:
            pattern: a glob, in which `*` stands for any characters and `?` for one; None forgets everything. The
                document takes a regular expression, and some of those never come to an end.
        """
        with self._lock:
            gone = [key for key in self._items if pattern is None or matches(pattern, key)]
            for key in gone:
                del self._items[key]
            return len(gone)

    def __len__(self) -> int:
        with self._lock:
            now = self._clock.monotonic()
            return sum(ends > now for ends, _ in self._items.values())

    def __contains__(self, key: object) -> bool:
        nothing = object()
        return self.get(cast(str, key), nothing) is not nothing

    def _make_room(self) -> None:
        now = self._clock.monotonic()
        while self._ends and (self._ends[0][0] <= now or len(self._ends) > 2 * len(self._items) + 100):
            ends, key = heapq.heappop(self._ends)
            if ends <= now and key in self._items and self._items[key][0] <= now:
                del self._items[key]
        while self._max_items is not None and len(self._items) > self._max_items:
            self._items.popitem(last=False)


def matches(pattern: str, text: str) -> bool:
    """Tell whether a glob matches a text, in time that grows with the product of their lengths at most.

    `fnmatch` makes a regular expression of the pattern, and `*a*a*a*a` a slow one; this goes back to the last `*` only.
    """
    at, star, resume = 0, -1, 0
    place = 0
    while place < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, resume, at = at, place, at + 1
        elif at < len(pattern) and pattern[at] in ("?", text[place]):
            at, place = at + 1, place + 1
        elif star >= 0:
            resume += 1
            at, place = star + 1, resume
        else:
            return False
    return all(char == "*" for char in pattern[at:])
