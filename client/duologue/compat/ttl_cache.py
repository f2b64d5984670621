"""A cache whose items expire: the Smart Chat API specification's `APICache`."""

from __future__ import annotations

import fnmatch
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
    """Keeps items for a time; safe to share between threads.

        cache = TTLCache()
        cache.set("sessions", api.chats.list())
        sessions = cache.get("sessions")

    Args:
        ttl: seconds for which items are kept, unless `set` has its own; 300 by default.
        max_items: how many items to keep; above that the least recently used ones go. None: no limit.
        clock: the time; tests pass their own.
    """

    def __init__(self, *, ttl: float = DEFAULT_TTL, max_items: int | None = None, clock: Clock | None = None) -> None:
        self._ttl = ttl
        self._max_items = max_items
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._items: OrderedDict[str, tuple[float, T]] = OrderedDict()
        self._expiry_heap: list[tuple[float, str]] = []

    def set(self, key: str, data: T, ttl: float | None = None) -> None:
        """Set an item.

        Args:
            key: its key.
            data: its value.
            ttl: seconds for which to keep it; None: the cache's `ttl`.
        """
        with self._lock:
            expires_at = self._clock.monotonic() + (self._ttl if ttl is None else ttl)
            self._items[key] = (expires_at, data)
            self._items.move_to_end(key)
            heapq.heappush(self._expiry_heap, (expires_at, key))
            self._evict()

    @overload
    def get(self, key: str) -> T | None: ...
    @overload
    def get(self, key: str, default: D) -> T | D: ...
    def get(self, key: str, default: object = None) -> object:
        """Return an item, the default if there is none or it has expired."""
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
        """Remove items, and return how many.

        Args:
            pattern: a glob, in which `*` matches any characters and `?` one; None removes all items. (The specification
                takes a regular expression; some of those run without end.)
        """
        glob = None if pattern is None else pattern.replace("[", "[[]")  # a bracket stands for itself
        with self._lock:
            keys = [key for key in self._items if glob is None or fnmatch.fnmatchcase(key, glob)]
            for key in keys:
                del self._items[key]
            return len(keys)

    def __len__(self) -> int:
        with self._lock:
            now = self._clock.monotonic()
            return sum(expires_at > now for expires_at, _ in self._items.values())

    def __contains__(self, key: object) -> bool:
        missing = object()
        return self.get(cast(str, key), missing) is not missing

    def _evict(self) -> None:
        now = self._clock.monotonic()
        while self._expiry_heap and (
            self._expiry_heap[0][0] <= now or len(self._expiry_heap) > 2 * len(self._items) + 100
        ):
            expires_at, key = heapq.heappop(self._expiry_heap)
            if expires_at <= now and key in self._items and self._items[key][0] <= now:
                del self._items[key]
        while self._max_items is not None and len(self._items) > self._max_items:
            self._items.popitem(last=False)
