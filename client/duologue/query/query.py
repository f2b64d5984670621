"""A query in the cache, its one way to change state, and a fetch of it (TanStack Query's `query.ts`)."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any, Protocol

from duologue.concurrency.clock import Clock
from duologue.errors import QueryCancelledError
from duologue.query.keys import Key, QueryHash
from duologue.query.optimistic import Patch
from duologue.query.options import QuerySpec, Settings
from duologue.query.result import QueryResult
from duologue.query.single_flight import Flight
from duologue.query.state import (
    MISSING,
    Action,
    InvalidateAction,
    PatchAction,
    QueryState,
    RevertAction,
    SuccessAction,
    reduce,
)


class StateListener(Protocol):
    """What a query notifies: a `QueryObserver`."""

    @property
    def spec(self) -> QuerySpec[Any]:
        """What it observes."""
        ...

    @property
    def enabled(self) -> bool:
        """Whether it fetches by itself."""
        ...

    def on_query_update(self, state: QueryState) -> None:
        """Receive a new state. The cache's lock is held: it may only be queued."""
        ...


class CachedQuery:
    """One query of the cache. It is read and changed under the cache's lock only; its states are immutable.

    Args:
        spec: what it was created for.
        serial: queries that are created later have greater ones.
    """

    __slots__ = (
        "base",
        "cache_time",
        "fetch",
        "gc_at",
        "gc_scheduled",
        "key",
        "observers",
        "patches",
        "query_hash",
        "removed",
        "result",
        "serial",
        "spec",
        "state",
        "version",
    )

    def __init__(self, spec: QuerySpec[Any], serial: int) -> None:
        self.key: Key = spec.key
        self.query_hash: QueryHash = spec.query_hash
        self.spec = spec
        self.serial = serial
        self.state = QueryState()
        self.base: object = MISSING
        self.patches: tuple[Patch, ...] = ()
        self.version = 0
        self.fetch: Fetch | None = None
        self.observers: dict[StateListener, None] = {}
        self.cache_time = spec.settings.cache_time
        self.gc_at = math.inf
        self.gc_scheduled = False
        self.removed = False
        self.result: tuple[QueryState, float, QueryResult[Any]] | None = None
        """The last result that observers built of it, with the state and stale time it was built from."""

    @property
    def is_active(self) -> bool:
        """Whether it has an observer that is enabled (`isActive`)."""
        return any(observer.enabled for observer in self.observers)

    @property
    def is_disabled(self) -> bool:
        """Whether it has observers, and none of them is enabled (`isDisabled`)."""
        return bool(self.observers) and not self.is_active

    @property
    def is_unused(self) -> bool:
        """Whether it has no observer and no fetch in progress, so that it may be collected."""
        return not self.observers and self.fetch is None

    def set_spec(self, spec: QuerySpec[Any]) -> None:
        """Use the function and settings of the latest fetch; the longest of the cache times counts (`setOptions`)."""
        self.spec = spec
        self.cache_time = max(self.cache_time, spec.settings.cache_time)

    def find_function(self) -> None:
        """If there is no function, use that of the first observer that has one.

        So it is when the data was set before the query was observed, as after a login (`query.ts`, `fetch`).
        """
        if self.spec.function is None:
            spec = next((observer.spec for observer in self.observers if observer.spec.function is not None), None)
            if spec is not None:
                self.set_spec(spec)

    def set_data(self, base: object, patches: tuple[Patch, ...]) -> None:
        """Set the data without optimistic updates, and the optimistic updates that apply to it."""
        self.base, self.patches = base, patches
        self.version += 1

    def dispatch(self, action: Action) -> None:
        """Change the state and notify the observers: the only place where a state changes.

        What is not part of a fetch, as data that is set by hand, outlasts the cancellation of the current one.
        """
        if self.fetch is not None and isinstance(action, (SuccessAction, PatchAction, InvalidateAction)):
            self.fetch.revert_state = reduce(self.fetch.revert_state, action)
        previous, self.state = self.state, reduce(self.state, action)
        if self.state is not previous and not self.removed:
            for observer in self.observers:
                observer.on_query_update(self.state)

    def end_interrupted_fetch(self) -> None:
        """Become idle after the end of a fetch was interrupted before it was in the state."""
        if self.fetch is None and self.state.fetch_status == "fetching":
            self.dispatch(RevertAction(self.state))

    def after_fork(self) -> None:
        """Drop the fetch of a thread that a forked process does not have, and the optimistic updates.

        Whether those have reached the server is for the parent to know, so the data is out of date.
        """
        fetch = self.fetch
        if fetch is not None and fetch.leader != threading.get_ident():
            self.fetch = None
            self.dispatch(RevertAction(fetch.revert_state))
        self.end_interrupted_fetch()
        if any(patch.thread != threading.get_ident() for patch in self.patches):
            self.set_data(self.base, ())
            self.dispatch(PatchAction(self.base))
            self.dispatch(InvalidateAction())


class Fetch(Flight[Any]):
    """One fetch of a query, retries included.

    Args:
        query: the query.
        function: fetches the data.
        settings: how failures are retried.
        started_at: its place in the cache's sequence of fetches and commits.
        revert_state: the state to return to when it is cancelled.
        run: see `Flight`.
        on_idle: see `Flight`.
        on_end: called when it is cancelled and its function is not running, with the cache's lock held.
        clock: waits.
        waiting: see `Flight`.
    """

    def __init__(
        self,
        query: CachedQuery,
        function: Callable[[], object],
        settings: Settings,
        *,
        started_at: int,
        revert_state: QueryState,
        run: Callable[[Flight[Any]], None],
        on_idle: Callable[[Fetch], None],
        on_end: Callable[[Fetch], None],
        clock: Clock,
        waiting: dict[int, Flight[Any]],
    ) -> None:
        super().__init__(run, clock, waiting, on_idle)
        self.query = query
        self.function = function
        self.settings = settings
        self.started_at = started_at
        self.revert_state = revert_state
        self.failure_count = 0
        self.started_by = threading.get_ident()
        self.in_background = False
        self.invalidated = False
        self.refetch_if_invalidated = False
        self.retry_cancelled = False
        self.replaced_by: Fetch | None = None
        self.ended = threading.Event()
        self._on_end = on_end

    def cancel(self) -> None:
        """Settle it with `QueryCancelledError`. A function that is running goes on, but its result is dropped."""
        self.settle(error=QueryCancelledError())
        if self.leader is None:
            self._on_end(self)
