"""The cache: finds and stores queries, sets and invalidates their data, and collects what is unused.

One lock guards it. No function of the user runs under it: no query function, no updater, no callback. What they compute
is stored only if nothing else has changed meanwhile, else it is computed again.
"""

from __future__ import annotations

import heapq
import itertools
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from duologue.concurrency.clock import Clock
from duologue.concurrency.notify import NotifyManager
from duologue.errors import ClientClosedError
from duologue.query.keys import KeyIndex, QueryHash
from duologue.query.optimistic import Patch, apply_patches, keep_pending, merge_committed
from duologue.query.options import QuerySpec
from duologue.query.query import CachedQuery, Fetch, StateListener
from duologue.query.state import (
    MISSING,
    Action,
    InvalidateAction,
    PatchAction,
    QueryState,
    ResetAction,
    RevertAction,
    SuccessAction,
)
from duologue.query.structural_sharing import replace_equal_deep

Patches: TypeAlias = tuple[Patch, ...]


class QueryCache:
    """Queries by key; see `QueryClient` for what can be done with them.

    Args:
        clock: the time.
        max_entries: how many queries to keep.
    """

    def __init__(self, *, clock: Clock, max_entries: int) -> None:
        self.clock = clock
        self.lock = threading.Lock()
        self.notify_manager = NotifyManager()
        self.closed = False
        self.sequence = itertools.count(1)
        """Orders queries by their creation, and fetches and commits by when they happened."""
        self._max_entries = max_entries
        self._queries: OrderedDict[QueryHash, CachedQuery] = OrderedDict()
        self._index: KeyIndex[CachedQuery] = KeyIndex()
        self._gc_heap: list[tuple[float, int, QueryHash]] = []

    # ---- finding -------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        with self.lock:
            self._collect_garbage()
            return len(self._queries)

    def get_fresh_data(self, spec: QuerySpec[Any]) -> object:
        """Return data that need not be fetched, else `MISSING`."""
        with self.lock:
            query = self._queries.get(spec.query_hash)
            if query is None:
                return MISSING
            now, state = self.clock.monotonic(), query.state
            too_old = now - state.fresh_from >= spec.settings.stale_time or query.gc_at <= now
            if too_old or state.is_invalidated:  # `is_stale` inlined: most calls end here
                return MISSING
            self._queries.move_to_end(spec.query_hash)
            return state.data

    def get_state(self, query_hash: QueryHash) -> QueryState | None:
        """Return the state of a query, None if it is not in the cache."""
        with self.lock:
            self._collect_garbage()
            query = self._queries.get(query_hash)
            if query is None:
                return None
            self._queries.move_to_end(query_hash)
            return query.state

    def find_all(self, prefix: QueryHash, *, exact: bool = False) -> list[CachedQuery]:
        """Return the queries that match a filter, in the order of their creation."""
        with self.lock:
            return self._find_all(prefix, exact)

    def _find_all(self, prefix: QueryHash, exact: bool) -> list[CachedQuery]:
        self._collect_garbage()
        if exact:
            query = self._queries.get(prefix)
            return [] if query is None else [query]
        return sorted(self._index.match(prefix), key=lambda query: query.serial)

    def build(self, spec: QuerySpec[Any]) -> CachedQuery:
        """Return the query of a specification, created if it is not in the cache. The lock is held."""
        if self.closed:
            raise ClientClosedError
        self._collect_garbage()
        query = self._queries.get(spec.query_hash)
        if query is not None and not query.removed:
            self._queries.move_to_end(spec.query_hash)
            return query
        query = CachedQuery(spec, next(self.sequence))
        self._index.add(spec.query_hash, query)
        self._queries[spec.query_hash] = query
        self.schedule_gc(query)
        self._evict(query)
        return query

    # ---- data ----------------------------------------------------------------------------------------------------

    def compare_and_set(
        self,
        query: CachedQuery,
        compute: Callable[[object, Patches], tuple[object, Patches] | None],
        store: Callable[[object, object, Patches], None],
        fetch: Fetch | None = None,
    ) -> bool:
        """Change the data of a query: compute without the lock, and store unless something else has changed meanwhile.

        Args:
            query: the query.
            compute: returns the new base and patches, given the current ones; None changes nothing. It may be called
                several times.
            store: stores base, visible data and patches; called once, with the lock held.
            fetch: if given, nothing is stored when this is no longer the query's current fetch.

        Returns:
            False if the query was removed, or `fetch` is no longer its current fetch.
        """
        while True:
            with self.lock:
                version, base, patches, data = query.version, query.base, query.patches, query.state.data
            computed = compute(base, patches)
            if computed is None:
                return True
            base, patches = computed
            visible = base if not patches else replace_equal_deep(data, apply_patches(base, patches))
            with self.lock:
                if query.removed or (fetch is not None and query.fetch is not fetch):
                    return False
                if query.version == version:
                    store(base, visible, patches)
                    return True

    def set_data(
        self, spec: QuerySpec[Any], update: Callable[[object], object], *, updated_at: datetime | None, create: bool
    ) -> object:
        """Set data by hand, and return the data that is visible then; `MISSING` if nothing was set.

        Args:
            spec: the query.
            update: returns the new data, given the current data without optimistic updates; `MISSING` sets nothing.
            updated_at: how old the data is; None: it is new.
            create: whether to create the query if it is not in the cache.
        """
        data: object = MISSING

        def compute(base: object, patches: Patches) -> tuple[object, Patches] | None:
            new = update(base)
            if new is MISSING:
                return None
            return (replace_equal_deep(base, new) if spec.settings.structural_sharing else new), keep_pending(patches)

        def store(base: object, visible: object, patches: Patches) -> None:
            nonlocal data
            data, now = visible, self.clock.now()
            age = 0.0 if updated_at is None else (now - updated_at) / timedelta(seconds=1)
            query.set_data(base, patches)
            query.dispatch(SuccessAction(visible, updated_at or now, self.clock.monotonic() - age, manual=True))

        while create or self.get_state(spec.query_hash) is not None:
            with self.lock:
                query = self.build(spec)
            if self.compare_and_set(query, compute, store):
                self.notify_manager.flush()
                break
        return data

    def edit_data(self, query: CachedQuery, update: Callable[[Any], object]) -> None:
        """Change a part of the data. The rest is as old, or as out of date, as before, and so the data is.

        Args:
            query: the query; nothing happens if it has no data.
            update: returns the new data, or the same object if nothing changes.
        """

        def compute(base: object, patches: Patches) -> tuple[object, Patches] | None:
            new = base if base is MISSING else update(base)
            return None if new is base else (new, patches)

        self._set_patches(query, compute)

    def add_patch(self, query: CachedQuery, patch: Patch) -> None:
        """Apply an optimistic change."""
        self._set_patches(query, lambda base, patches: (base, (*patches, patch)))

    def remove_patch(self, query: CachedQuery, patch: Patch) -> None:
        """Roll back an optimistic change; the others stay."""
        self._set_patches(query, lambda base, patches: (base, tuple(other for other in patches if other is not patch)))

    def commit_patch(self, query: CachedQuery, patch: Patch) -> None:
        """Make an optimistic change part of the data: the server has made it."""
        patch.committed_at = next(self.sequence)

        def compute(base: object, patches: Patches) -> tuple[object, Patches]:
            is_fetching = query.fetch is not None  # its data may have been read before the change
            return (base, patches) if is_fetching else merge_committed(base, patches)

        self._set_patches(query, compute)

    def _set_patches(
        self, query: CachedQuery, compute: Callable[[object, Patches], tuple[object, Patches] | None]
    ) -> None:
        def store(base: object, visible: object, patches: Patches) -> None:
            query.set_data(base, patches)
            query.dispatch(PatchAction(visible))

        self.compare_and_set(query, compute, store)
        self.notify_manager.flush()

    def invalidate(self, prefix: QueryHash, *, exact: bool) -> list[CachedQuery]:
        """Mark data as out of date, and return the queries that matched."""
        with self.lock:
            queries = self._find_all(prefix, exact)
            for query in queries:
                query.dispatch(InvalidateAction())
                if query.fetch is not None:  # the server may have read its data before
                    query.fetch.invalidated = True
        self.notify_manager.flush()
        return queries

    # ---- ending fetches, removing, resetting ---------------------------------------------------------------------

    def get_fetches(self, queries: Iterable[CachedQuery]) -> list[Fetch]:
        """Return the current fetches of queries."""
        with self.lock:
            return [query.fetch for query in queries if query.fetch is not None]

    def end_fetch(self, fetch: Fetch, action: Action) -> None:
        """Change the state of a query at the end of its current fetch. The lock is held."""
        fetch.query.fetch = None
        fetch.query.dispatch(action)
        self.schedule_gc(fetch.query)

    def cancel(self, fetches: Iterable[Fetch]) -> None:
        """Cancel fetches: waiting threads get `QueryCancelledError`, and the states are reverted to those before."""
        with self.lock:
            for fetch in fetches:
                if fetch.query.fetch is fetch:
                    self.end_fetch(fetch, RevertAction(fetch.revert_state))
                    fetch.cancel()
        self.notify_manager.flush()

    def remove(self, queries: Iterable[CachedQuery]) -> None:
        """Remove queries and cancel their fetches; observers keep the last result."""
        with self.lock:
            for query in queries:
                self._remove(query)
        self.notify_manager.flush()

    def reset(self, queries: Iterable[CachedQuery]) -> None:
        """Return queries to the state before any data, and notify their observers."""
        with self.lock:
            for query in queries:
                self._reset(query)
        self.notify_manager.flush()

    def clear(self) -> None:
        """Remove all queries without observers, and reset the rest; the caller flushes the notifications."""
        with self.lock:
            for query in list(self._queries.values()):
                if query.observers:
                    self._reset(query)
                else:
                    self._remove(query)

    def close(self) -> None:
        """Remove everything, and refuse later calls."""
        with self.lock:
            self.closed = True
            for query in list(self._queries.values()):
                self._remove(query)
                query.observers.clear()

    def after_fork(self) -> None:
        """Make the cache whole in a forked process: a thread of the parent may have been changing it just then."""
        self.lock = threading.Lock()
        self._index, self._gc_heap = KeyIndex(), []
        for query_hash, query in list(self._queries.items()):
            if query.removed:
                del self._queries[query_hash]
                continue
            self._index.add(query_hash, query)
            query.after_fork()
            query.gc_scheduled = False
            if query.is_unused and query.gc_at == math.inf:
                self.schedule_gc(query)
            else:
                self._push_gc(query)

    def _reset(self, query: CachedQuery) -> None:
        fetch, query.fetch = query.fetch, None
        if fetch is not None:
            fetch.cancel()
        query.set_data(MISSING, ())
        query.dispatch(ResetAction())
        self.schedule_gc(query)

    def _remove(self, query: CachedQuery) -> None:
        if query.removed:
            return
        query.removed = True
        fetch, query.fetch = query.fetch, None
        if fetch is not None:
            query.dispatch(RevertAction(fetch.revert_state))
            fetch.cancel()
        del self._queries[query.query_hash]
        self._index.discard(query.query_hash)

    # ---- observers; the lock is held -----------------------------------------------------------------------------

    def add_observer(self, observer: StateListener, spec: QuerySpec[Any]) -> CachedQuery:
        """Add an observer to a query, and return the query."""
        query = self.build(spec)
        query.observers[observer] = None
        query.gc_at = math.inf
        return query

    def remove_observer(self, observer: StateListener, query: CachedQuery) -> None:
        """Remove an observer from a query. A fetch that nothing else waits for is not retried."""
        if observer not in query.observers:
            return
        del query.observers[observer]
        if not query.observers:
            if query.fetch is not None and not query.fetch.waiters:
                query.fetch.retry_cancelled = True
            self.schedule_gc(query)

    # ---- garbage collection; the lock is held --------------------------------------------------------------------

    def schedule_gc(self, query: CachedQuery) -> None:
        """Let an unused query be collected after its cache time."""
        if query.is_unused and not query.removed:
            query.gc_at = self.clock.monotonic() + query.cache_time
            self._push_gc(query)

    def _push_gc(self, query: CachedQuery) -> None:
        """Add a query to the heap; it is there once, however often its time changes."""
        if not query.gc_scheduled and query.gc_at < math.inf:
            query.gc_scheduled = True
            heapq.heappush(self._gc_heap, (query.gc_at, query.serial, query.query_hash))

    def _collect_garbage(self) -> None:
        """Remove queries that were unused for their cache time. There is no timer: every access collects first."""
        if not self._gc_heap or self._gc_heap[0][0] > self.clock.monotonic():
            return
        now = self.clock.monotonic()
        while self._gc_heap and self._gc_heap[0][0] <= now:
            _, serial, query_hash = heapq.heappop(self._gc_heap)
            query = self._queries.get(query_hash)
            if query is None or query.serial != serial:
                continue
            query.gc_scheduled = False
            if not query.is_unused:
                continue  # it is scheduled again when it is unused
            if query.gc_at <= now:
                self._remove(query)
            else:
                self._push_gc(query)

    def _evict(self, new: CachedQuery) -> None:
        """Remove the least recently used queries above the limit. Those with observers or a fetch stay."""
        for _ in range(len(self._queries)):
            if len(self._queries) <= self._max_entries:
                return
            oldest = next(iter(self._queries.values()))
            if oldest.is_unused and oldest is not new:
                self._remove(oldest)
            else:
                self._queries.move_to_end(oldest.query_hash)
