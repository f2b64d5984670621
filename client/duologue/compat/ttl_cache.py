"""A cache whose items expire: the Smart Chat API specification's `APICache`."""

from __future__ import annotations

import fnmatch
import heapq
import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final, Generic, TypeVar, overload

from duologue.concurrency import fork_safety
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

    An item that has expired is not there: it is not counted, and any use of the cache frees its memory. Iterating
    yields the keys of that moment, the least recently used first.

    Args:
        ttl: seconds for which items are kept, unless `set` has its own; 300 by default.
        max_items: how many items to keep; above that the least recently used ones go. None: no limit.
        clock: the time; tests pass their own.

    Raises:
        ValueError: `ttl` is not a number, or `max_items` is negative.
    """

    def __init__(self, *, ttl: float = DEFAULT_TTL, max_items: int | None = None, clock: Clock | None = None) -> None:
        if max_items is not None and max_items < 0:
            raise ValueError(f"max_items is {max_items}; pass 0 or more, or None for no limit")
        self._ttl = _check_ttl(ttl)
        self._max_items = max_items
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._items: OrderedDict[str, tuple[float, T]] = OrderedDict()
        self._expiry_heap: list[tuple[float, str]] = []
        fork_safety.watch_locks(self, "_lock")
        fork_safety.watch(self)

    def set(self, key: str, data: T, ttl: float | None = None) -> None:
        """Set an item; one that would expire at once is not kept.

        Args:
            key: its key.
            data: its value.
            ttl: seconds for which to keep it; None: the cache's `ttl`.

        Raises:
            ValueError: `ttl` is not a number.
        """
        seconds = self._ttl if ttl is None else _check_ttl(ttl)
        with self._lock:
            removed = self._remove_expired()  # dropped after the lock is released: user code may run when an item goes
            expires_at = self._clock.monotonic() + seconds
            removed.append(self._items.pop(key, None))
            if seconds > 0:
                self._items[key] = (expires_at, data)
                self._push(expires_at, key)
            if self._max_items is not None and len(self._items) > self._max_items:
                removed.append(self._items.popitem(last=False)[1])

    @overload
    def get(self, key: str) -> T | None: ...
    @overload
    def get(self, key: str, default: D) -> T | D: ...
    def get(self, key: str, default: object = None) -> object:
        """Return an item, the default if there is none or it has expired."""
        with self._lock:
            _removed = self._remove_expired()
            item = self._items.get(key)
            if item is None:
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
            _expired = self._remove_expired()
            keys = [key for key in self._items if glob is None or fnmatch.fnmatchcase(key, glob)]
            _removed = [self._items.pop(key) for key in keys]
            return len(keys)

    def __len__(self) -> int:
        with self._lock:
            _removed = self._remove_expired()
            return len(self._items)

    def __contains__(self, key: object) -> bool:
        with self._lock:
            _removed = self._remove_expired()
            return key in self._items

    def __iter__(self) -> Iterator[str]:
        with self._lock:
            _removed = self._remove_expired()
            return iter(list(self._items))

    def after_fork(self) -> None:
        """Build the heap again in a forked process: a thread of the parent may have been changing it just then."""
        self._build_heap()

    def _remove_expired(self) -> list[object]:
        """Remove the items that have expired, and return them."""
        removed: list[object] = []
        heap = self._expiry_heap
        if not heap or heap[0][0] > (now := self._clock.monotonic()):
            return removed
        while heap and heap[0][0] <= now:
            expires_at, key = heapq.heappop(heap)
            item = self._items.get(key)
            if item is not None and item[0] == expires_at:  # else it was set again
                removed.append(self._items.pop(key))
        return removed

    def _push(self, expires_at: float, key: str) -> None:
        heapq.heappush(self._expiry_heap, (expires_at, key))
        if len(self._expiry_heap) > 2 * len(self._items) + 100:  # most are of items that were set again, or removed
            self._build_heap()

    def _build_heap(self) -> None:
        self._expiry_heap = [(expires_at, key) for key, (expires_at, _) in self._items.items()]
        heapq.heapify(self._expiry_heap)


def _check_ttl(ttl: float) -> float:
    if ttl != ttl:
        raise ValueError("ttl is not a number; pass the seconds for which to keep an item")
    return ttl
