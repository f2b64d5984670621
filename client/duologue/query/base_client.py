"""The part of `QueryClient` that works on what is in the cache; queries, mutations and realtime sync build on it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, Literal, Self, TypeVar, Unpack, cast

from duologue.concurrency import fork_safety
from duologue.concurrency.clock import Clock
from duologue.concurrency.worker_pool import WorkerPool
from duologue.query.cache import QueryCache
from duologue.query.fetcher import Fetcher
from duologue.query.keys import Key, hash_key
from duologue.query.optimistic import OptimisticUpdate, Patch
from duologue.query.options import QueryOptions, QuerySpec, Settings
from duologue.query.query import CachedQuery
from duologue.query.result import QueryResult, build_result
from duologue.query.state import MISSING, Missing

T = TypeVar("T")

RefetchType = Literal["active", "all", "none"]

MAX_ENTRIES: Final = 10_000
"""How many queries are kept; above that the least recently used ones without observers go. (TanStack has no limit.)"""

MAX_WORKERS: Final = 4
"""How many background fetches run at a time."""


class BaseQueryClient:
    """Data, invalidation, cancellation and removal, by key; see `QueryClient`."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        executor: Executor | None = None,
        max_entries: int = MAX_ENTRIES,
        **options: Unpack[QueryOptions],
    ) -> None:
        self.clock = clock or Clock()
        self.closing = threading.Event()
        self.default_options = Settings().merge(options)
        self._pool = None if executor else WorkerPool(MAX_WORKERS, "duologue-query")
        self._executor = executor or cast(Executor, self._pool)
        self.cache = QueryCache(clock=self.clock, max_entries=max_entries)
        self.fetcher = Fetcher(self.cache, self._executor)
        self.generation = 0
        """How often the cache was cleared because another user logged in."""
        self._clearing = 0
        fork_safety.watch_locks(self, "closing")
        fork_safety.watch(self)

    # ---- data ----------------------------------------------------------------------------------------------------

    def get_data(self, key: Key, default: Any = None) -> Any:
        """Return the data in the cache, fresh or not, without fetching (`getQueryData`).

        Args:
            key: the query's key.
            default: returned if there is no data.
        """
        state = self.cache.get_state(hash_key(key))
        return default if state is None or state.data is MISSING else state.data

    def get_state(self, key: Key) -> QueryResult[Any] | None:
        """Return the state of a query, None if it is not in the cache (`getQueryState`)."""
        state = self.cache.get_state(hash_key(key))
        return None if state is None else build_result(state, self.default_options.stale_time, self.clock.monotonic())

    def get_queries_data(self, prefix: Key = ()) -> list[tuple[Key, Any]]:
        """Return key and data of all queries that match a prefix and have data (`getQueriesData`)."""
        data = [(query.key, query.state.data) for query in self._find_all(prefix)]
        return [(key, value) for key, value in data if value is not MISSING]

    def set_data(self, key: Key, data: T, *, updated_at: datetime | None = None) -> T:
        """Set data as if it had just been fetched (`setQueryData`), and return the data in the cache.

        Args:
            key: the query's key; the query is created if it is not in the cache.
            data: the data. Pending optimistic updates are applied to it.
            updated_at: when the data was current; None: now.
        """
        return cast(T, self.cache.set_data(self._spec(key), lambda _: data, updated_at=updated_at, create=True))

    def update_data(self, key: Key, updater: Callable[[T], T | Missing], *, default: T | Missing = MISSING) -> T | None:
        """Replace data by the result of a function (`setQueryData` with a function), and return the data in the cache.

        Args:
            key: the query's key.
            updater: gets the data and returns the new data; `MISSING` leaves it. It must not modify what it gets, and
                is called again if another thread has changed the data meanwhile.
            default: what it gets if there is no data; without a default, nothing happens then.
        """

        def update(base: object) -> object:
            current = default if base is MISSING else base
            return MISSING if current is MISSING else updater(cast(T, current))

        create = default is not MISSING
        data = self.cache.set_data(self._spec(key), update, updated_at=None, create=create)
        return cast("T | None", self.get_data(key) if data is MISSING else data)

    def set_queries_data(self, prefix: Key, updater: Callable[[Any], Any]) -> None:
        """Replace the data of all queries that match a prefix and have data (`setQueriesData`); see `update_data`."""
        for query in self._find_all(prefix):
            self.update_data(query.key, updater)

    def edit_queries_data(self, prefix: Key, updater: Callable[[Any], Any]) -> None:
        """Change a part of the data of all queries that match a prefix, without making it any fresher.

        `set_queries_data` says that the data is new; this is for changes after which the rest is as old as before.

        Args:
            prefix: see `invalidate`.
            updater: gets the data and returns the changed data, or the same object if nothing changes.
        """
        for query in self._find_all(prefix):
            self.cache.edit_data(query, updater)

    def optimistic_update(self, key: Key, update: Callable[[T], T]) -> OptimisticUpdate:
        """Change data before the server has; commit or roll back the change when the server has responded.

        Fetches in progress are cancelled, since they would show the state before. If there is no data, nothing is
        changed.

        Args:
            key: the query's key.
            update: returns the changed data; it is called again on newer data, and must not modify what it gets.
        """
        queries = self._find_all(key, exact=True)
        self.cache.cancel(self.cache.get_fetches(queries))
        patch = Patch(update)
        for query in queries:
            self.cache.add_patch(query, patch)

        def commit() -> None:
            for query in queries:
                self.cache.commit_patch(query, patch)

        def rollback() -> None:
            for query in queries:
                self.cache.remove_patch(query, patch)

        return OptimisticUpdate(commit, rollback)

    # ---- many queries --------------------------------------------------------------------------------------------

    def invalidate(self, prefix: Key = (), *, exact: bool = False, refetch_type: RefetchType = "active") -> None:
        """Mark data as out of date, so that the next fetch requests it again (`invalidateQueries`).

        Queries with observers are fetched again in the background at once. Data that is being fetched is out of date
        when it arrives: an invalidation is never lost.

        Args:
            prefix: the first elements of the keys; a dictionary in it matches any that has at least its items. `()`
                matches all queries.
            exact: match only the query with exactly this key.
            refetch_type: which queries to fetch again: `active` (observed and enabled), `all` or `none`.
        """
        queries = self.cache.invalidate(hash_key(prefix), exact=exact)
        if refetch_type == "active":
            self.fetcher.refetch([query for query in queries if query.is_active])
        elif refetch_type == "all":
            self.fetcher.refetch([query for query in queries if not query.is_disabled])

    def refetch(self, prefix: Key = (), *, exact: bool = False, timeout: float | None = None) -> None:
        """Fetch again, fresh or not, and wait (`refetchQueries`). Errors are in the states, not raised.

        Args:
            prefix: see `invalidate`; queries whose observers are all disabled are not fetched.
            exact: match only the query with exactly this key.
            timeout: seconds to wait for fetches of other threads.

        Raises:
            QueryTimeout: it took longer.
        """
        queries = [query for query in self._find_all(prefix, exact=exact) if not query.is_disabled]
        self.fetcher.refetch(queries)
        for fetch in self.cache.get_fetches(queries):
            self.fetcher.wait(fetch, timeout)

    def cancel(self, prefix: Key = (), *, exact: bool = False) -> None:
        """Cancel fetches (`cancelQueries`): states return to what they were before.

        A running function cannot be interrupted, but its result is dropped, and between two attempts it ends at once.
        Threads that wait for the fetch get `QueryCancelledError`.
        """
        self.cache.cancel(self.cache.get_fetches(self._find_all(prefix, exact=exact)))

    def remove(self, prefix: Key = (), *, exact: bool = False) -> None:
        """Remove queries and cancel their fetches (`removeQueries`)."""
        self.cache.remove(self._find_all(prefix, exact=exact))

    def remove_inactive(self, prefix: Key = ()) -> None:
        """Remove queries that have no observers (`removeQueries({type: "inactive"})`)."""
        self.cache.remove([query for query in self._find_all(prefix) if not query.observers])

    def reset(self, prefix: Key = (), *, exact: bool = False) -> None:
        """Return queries to the state before any data, and fetch the active ones (`resetQueries`)."""
        queries = self._find_all(prefix, exact=exact)
        self.cache.reset(queries)
        self.fetcher.refetch([query for query in queries if query.is_active])

    def clear(self) -> None:
        """Remove all queries (`clear`)."""
        self.cache.remove(self._find_all(()))

    def clear_user_data(self) -> None:
        """Remove all data because another user has logged in, or the user has logged out.

        Queries with observers are emptied, their observers are notified by a background thread, and nothing is fetched.
        Data of the previous user cannot return: fetches are cancelled, optimistic updates dropped.
        """
        self.generation += 1
        self._clearing += 1
        self.cache.clear()
        self._clearing -= 1
        with suppress(RuntimeError):  # closed: there are no observers
            self._executor.submit(self.cache.notify_manager.flush)

    def is_fetching(self, prefix: Key = ()) -> int:
        """Return how many queries are being fetched (`isFetching`)."""
        return len(self.cache.get_fetches(self._find_all(prefix)))

    def wait_idle(self, *, timeout: float | None = None) -> bool:
        """Wait until no fetch is in progress; False if the timeout elapsed before.

        Args:
            timeout: seconds of the system's clock; None waits without limit.
        """
        return self.fetcher.wait_idle(timeout)

    # ---- lifecycle -----------------------------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self.closing.is_set()

    def close(self) -> None:
        """Remove everything, and return when no background fetch is running; later calls raise `ClientClosedError`.

        Threads that wait for a fetch get `QueryCancelledError`.
        """
        self.closing.set()
        self.cache.close()
        if self._pool is not None:
            self._pool.close()

    def after_fork(self) -> None:
        """Repair the cache in a forked process; see `QueryClient`."""
        self.cache.after_fork()
        self.fetcher.after_fork()
        if self._clearing:  # a thread of the parent had not removed all of the previous user's data yet
            self._clearing = 0
            self.cache.clear()

    def __len__(self) -> int:
        return len(self.cache)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {len(self)} queries{' closed' if self.closed else ''}>"

    def _find_all(self, prefix: Key, *, exact: bool = False) -> list[CachedQuery]:
        return self.cache.find_all(hash_key(prefix), exact=exact)

    def _spec(self, key: Key) -> QuerySpec[Any]:
        return QuerySpec(key, None, self.default_options)
