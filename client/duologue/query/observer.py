"""Observers: see a query, and have it fetched when it is stale (TanStack Query's `queryObserver.ts`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Generic, Literal, Protocol, Self, TypeVar, cast

from duologue.concurrency.notify import ListenerQueue
from duologue.query.fetcher import Fetcher
from duologue.query.options import QuerySpec
from duologue.query.query import CachedQuery, Fetch
from duologue.query.result import QueryResult, build_result, is_same_result
from duologue.query.state import MISSING, Direction, QueryState
from duologue.query.structural_sharing import replace_equal_deep

T = TypeVar("T")

RefetchOnMount = Literal["stale", "always", "never"]


class HasSpec(Protocol):
    """A `BoundQuery`, or anything else with a query specification."""

    @property
    def spec(self) -> QuerySpec[Any]:
        """The specification."""
        ...


class QueryObserver(Generic[T]):
    """Sees a query for as long as it is open, and has it fetched in the background when it is stale.

        with api.queries.users().observe(lambda result: print(result.status)) as observer:
            observer.refetch()

    The callback gets one result after the other, in order and with no lock held. There is no timer: data that has
    become stale shows in `current` when it is read, and in the next result.

    Args:
        fetcher: fetches the query.
        spec: what is observed.
        callback: called with each new result.
        select: returns the part of the data that the results show (`select`).
        refetch_on_mount: whether to fetch data that is there already: if it is `stale`, `always` or `never`.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        spec: QuerySpec[Any],
        callback: Callable[[QueryResult[T]], object] | None = None,
        *,
        select: Callable[[Any], T] | None = None,
        refetch_on_mount: RefetchOnMount = "stale",
    ) -> None:
        self._fetcher = fetcher
        self._cache = fetcher.cache
        self._spec = spec
        self._callback = callback
        self._select = select
        self._selection: tuple[object, Any] | None = None
        self._queue: ListenerQueue[tuple[CachedQuery, QueryState]] = ListenerQueue(self._notify)
        self._last: QueryResult[T] | None = None
        self._previous: QueryResult[T] | None = None
        self.closed = False
        with self._cache.lock:
            self._query = self._cache.add_observer(self, spec)
            state = self._query.state
            fetch = self._start_if_needed(refetch_on_mount)
        self._last = self._build_result(self._query, state)
        self._run_in_background(fetch)

    @property
    def spec(self) -> QuerySpec[Any]:
        """What is observed."""
        return self._spec

    @property
    def enabled(self) -> bool:
        """Whether it fetches by itself."""
        return self._spec.settings.enabled

    @property
    def current(self) -> QueryResult[T]:
        """The result at this moment (`getCurrentResult`)."""
        return self._build_result(self._query, self._query.state)

    @property
    def data(self) -> T | None:
        """The data at this moment."""
        return self.current.data

    def refetch(self, *, timeout: float | None = None, cancel_refetch: bool = True) -> QueryResult[T]:
        """Fetch on this thread, fresh or not, and return the result; an error is in it, not raised.

        Args:
            timeout: seconds to wait for another thread that is fetching already.
            cancel_refetch: replace a fetch in progress instead of joining it (`cancelRefetch`).

        Raises:
            QueryTimeout: it took longer.
        """
        return self._fetch(timeout, cancel_refetch)

    def fetch_next_page(self, *, timeout: float | None = None) -> QueryResult[T]:
        """Fetch the next page of an infinite query on this thread; see `refetch`."""
        return self._fetch(timeout, direction="forward")

    def fetch_previous_page(self, *, timeout: float | None = None) -> QueryResult[T]:
        """Fetch the previous page of an infinite query on this thread; see `refetch`."""
        return self._fetch(timeout, direction="backward")

    def set_query(self, query: QuerySpec[Any] | HasSpec) -> None:
        """Observe another query from now on, as a hook does whose key changes (`setOptions`).

        Args:
            query: what `QueryClient.query` returns, or its specification.
        """
        spec = query if isinstance(query, QuerySpec) else query.spec
        last = self.current
        with self._cache.lock:
            changed = spec.query_hash != self._spec.query_hash
            was_enabled, self._spec = self.enabled, spec
            if changed:
                self._cache.remove_observer(self, self._query)
                self._query = self._cache.add_observer(self, spec)
            fetch = self._start_if_needed("stale") if changed or not was_enabled else None
            state = self._query.state
        if changed:
            self._previous = last if last.is_success else None
        self.on_query_update(state)
        self._run_in_background(fetch)

    def close(self) -> None:
        """Stop observing. A query without observers is collected after its `cache_time`."""
        with self._cache.lock:
            self.closed = True
            self._cache.remove_observer(self, self._query)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<QueryObserver {self._spec.key!r} {self._query.state.status}>"

    def on_query_update(self, state: QueryState) -> None:
        """Queue a state of the query for the callback; the cache calls this."""
        self._cache.notify_manager.schedule(self._queue, (self._query, state))

    # ---- fetching ------------------------------------------------------------------------------------------------

    def _start_if_needed(self, refetch: RefetchOnMount) -> Fetch | None:
        """Start the fetch that this observer needs. The lock is held."""
        state = self._query.state
        stale = state.is_stale(self._spec.settings.stale_time, self._cache.clock.monotonic())
        needed = state.data is MISSING or refetch == "always" or (stale and refetch == "stale")
        if not (self.enabled and needed and self._spec.function is not None):
            return None
        return self._fetcher.start_locked(self._query, self._spec)

    def _run_in_background(self, fetch: Fetch | None) -> None:
        self._cache.notify_manager.flush()
        if fetch is not None:
            self._fetcher.run_in_background(fetch)

    def _fetch(
        self, timeout: float | None, cancel_refetch: bool = True, direction: Direction | None = None
    ) -> QueryResult[T]:
        with self._cache.lock:
            if self._query.removed and not self.closed:
                self._query = self._cache.add_observer(self, self._spec)
        try:
            fetch = self._fetcher.start(self._spec, cancel_refetch=cancel_refetch, direction=direction)
            self._fetcher.wait(fetch, timeout)
        except BaseException as error:
            self._fetcher.cancel_abandoned(error)
            raise
        return self.current

    # ---- results -------------------------------------------------------------------------------------------------

    def _notify(self, update: tuple[CachedQuery, QueryState]) -> None:
        query, state = update
        if self.closed or query is not self._query:
            return
        result = self._build_result(query, state)
        if self._last is not None and is_same_result(result, self._last):
            return
        self._last = result
        if self._callback is not None:
            self._callback(result)

    def _build_result(self, query: CachedQuery, state: QueryState) -> QueryResult[T]:
        stale_time, now = self._spec.settings.stale_time, self._cache.clock.monotonic()
        shared = query.result
        if shared is not None and shared[0] is state and shared[1] == stale_time and self._is_shared(state):
            result = shared[2]
            if result.is_stale == state.is_stale(stale_time, now):
                return result
        result = build_result(state, stale_time, now)
        if self._is_shared(state):
            query.result = (state, stale_time, result)
            return result
        return self._customize(state, result)

    def _is_shared(self, state: QueryState) -> bool:
        """Return whether all observers of the query with the same stale time see the same result."""
        keeps_previous = state.data is MISSING and self._spec.settings.keep_previous_data
        return self._select is None and self._spec.infinite_behavior is None and not keeps_previous

    def _customize(self, state: QueryState, result: QueryResult[Any]) -> QueryResult[T]:
        """Add what only this observer sees: the data of the previous key, a selection, pages."""
        previous = self._previous
        keeps_previous = state.data is MISSING and self._spec.settings.keep_previous_data and state.status != "error"
        if keeps_previous and previous is not None:
            return replace(
                result,
                data=previous.data,
                updated_at=previous.updated_at,
                status=previous.status,
                is_previous_data=True,
            )
        if self._select is not None and state.data is not MISSING:
            return self._apply_select(self._select, state.data, result)
        return replace(result, _infinite_behavior=self._spec.infinite_behavior)

    def _apply_select(self, select: Callable[[Any], T], data: object, result: QueryResult[Any]) -> QueryResult[T]:
        selection = self._selection
        if selection is None or selection[0] is not data:
            try:
                selected = select(data)
            except Exception as error:  # TanStack Query's `selectError`
                last = None if selection is None else selection[1]
                return replace(result, status="error", error=error, data=last)
            shared = selected if selection is None else replace_equal_deep(selection[1], selected)
            selection = self._selection = (data, shared)
        return cast("QueryResult[T]", replace(result, data=selection[1]))
