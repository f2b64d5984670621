"""Fetching: start a fetch or join the current one, run and retry its function, settle it (TanStack's `retryer.ts`).

A fetch runs on the first thread that joins it, or on a background thread; all other threads that want the same data
wait for its result.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from typing import Any, cast

from duologue.concurrency import fork_safety
from duologue.errors import QueryCancelledError
from duologue.query.cache import Patches, QueryCache
from duologue.query.infinite import InfiniteQueryBehavior
from duologue.query.optimistic import keep_pending
from duologue.query.options import QuerySpec
from duologue.query.query import CachedQuery, Fetch
from duologue.query.single_flight import Flight
from duologue.query.state import MISSING, Direction, ErrorAction, FailedAction, FetchAction, SuccessAction
from duologue.query.structural_sharing import replace_equal_deep

_log = logging.getLogger("duologue")


class Fetcher:
    """Fetches the queries of a cache.

    Args:
        cache: the queries.
        executor: runs background fetches.
    """

    def __init__(self, cache: QueryCache, executor: Executor) -> None:
        self.cache = cache
        self._executor = executor
        self._clock = cache.clock
        self._fetches: dict[Fetch, None] = {}
        self._waiting: dict[int, Flight[Any]] = {}

    # ---- fetch ---------------------------------------------------------------------------------------------------

    def fetch(
        self, spec: QuerySpec[Any], timeout: float | None, *, cancel_refetch: bool, direction: Direction | None
    ) -> object:
        """Fetch on this thread, or wait for the fetch in progress, and return the data; see `start` and `join`."""
        try:
            return self.join(self.start(spec, cancel_refetch=cancel_refetch, direction=direction), timeout)
        except BaseException as error:
            self.cancel_abandoned(error)
            raise

    def prefetch(self, spec: QuerySpec[Any]) -> None:
        """Fetch in the background, unless a fetch is in progress."""
        try:
            self.run_in_background(self.start(spec))
        except BaseException as error:
            self.cancel_abandoned(error)
            raise

    # ---- start and join ------------------------------------------------------------------------------------------

    def start(self, spec: QuerySpec[Any], *, cancel_refetch: bool = False, direction: Direction | None = None) -> Fetch:
        """Start a fetch, or return the one in progress. Its function is not called yet.

        Args:
            spec: what to fetch.
            cancel_refetch: replace the fetch in progress, unless there is no data (`cancelRefetch`).
            direction: fetch one more page of an infinite query; None: fetch the data.
        """
        with self.cache.lock:
            fetch = self.start_locked(self.cache.build(spec), spec, cancel_refetch, direction)
        self.cache.notify_manager.flush()
        return fetch

    def start_locked(
        self,
        query: CachedQuery,
        spec: QuerySpec[Any],
        cancel_refetch: bool = False,
        direction: Direction | None = None,
    ) -> Fetch:
        """Start a fetch of a query, or return the one in progress; see `start`. The lock is held."""
        current = query.fetch
        if current is not None and not (cancel_refetch and query.state.data is not MISSING):
            current.retry_cancelled = False
            return current
        if spec.function is not None:
            query.set_spec(spec)
        else:
            query.find_function()
        fetch = Fetch(
            query,
            _get_function(query, direction),
            query.spec.settings,
            started_at=next(self.cache.sequence),
            revert_state=query.state if current is None else current.revert_state,
            run=self._run,
            on_idle=self._end,
            on_end=self._discard,
            clock=self._clock,
            waiting=self._waiting,
        )
        self._fetches[fetch] = None
        query.fetch = fetch
        query.gc_at = math.inf
        if current is not None:
            current.replaced_by = fetch
            current.cancel()
        query.dispatch(FetchAction(direction))
        return fetch

    def join(self, fetch: Fetch, timeout: float | None = None) -> object:
        """Run a fetch, or wait for the thread that runs it, and return its data; if it was replaced, the newer one's.

        Args:
            fetch: what `start` returned.
            timeout: seconds to wait for another thread; None waits without limit.

        Raises:
            QueryTimeout: it took longer.
            QueryCancelledError: the fetch was cancelled.
            Exception: what the function raised on the last attempt.
        """
        until = None if timeout is None else self._clock.monotonic() + timeout
        while True:
            try:
                return fetch.join(None if until is None else max(until - self._clock.monotonic(), 0.0))
            except QueryCancelledError:
                if fetch.replaced_by is None:
                    raise
                fetch = fetch.replaced_by

    def wait(self, fetch: Fetch, timeout: float | None = None) -> None:
        """Run a fetch or wait for it, as `join`. Its error is in the query's state, not raised.

        Raises:
            QueryTimeout: it took longer.
        """
        try:
            self.join(fetch, timeout)
        except Exception:
            while fetch.replaced_by is not None:
                fetch = fetch.replaced_by
            if not fetch.settled:
                raise

    # ---- background ----------------------------------------------------------------------------------------------

    def run_in_background(self, fetch: Fetch) -> None:
        """Run a fetch on a background thread, unless another thread runs it first."""
        fetch.in_background = True
        try:
            self._executor.submit(fetch.run_unless_running)
        except RuntimeError:  # the executor is shut down: the first thread that joins the fetch runs it
            _log.debug("No background thread to fetch %r", fetch.query.key)

    def refetch(self, queries: Iterable[CachedQuery]) -> None:
        """Fetch queries again in the background, replacing fetches in progress."""
        for query in queries:
            with self.cache.lock:
                query.find_function()
                if query.removed or self.cache.closed or query.spec.function is None:
                    continue
                fetch = self.start_locked(query, query.spec, cancel_refetch=True)
                fetch.refetch_if_invalidated = True
            self.run_in_background(fetch)
        self.cache.notify_manager.flush()

    def wait_idle(self, timeout: float | None) -> bool:
        """Wait until no function is running and no fetch is in progress; False after `timeout` seconds."""
        until = None if timeout is None else time.monotonic() + timeout
        while fetches := list(self._fetches):
            if not fetches[0].ended.wait(None if until is None else max(until - time.monotonic(), 0)):
                return False
        return True

    # ---- run, retry and settle -----------------------------------------------------------------------------------

    def _run(self, flight: Flight[Any]) -> None:
        """Call the function until the fetch is settled."""
        fetch = cast(Fetch, flight)
        try:
            while not fetch.settled:
                self._attempt(fetch)
        finally:
            self.cache.notify_manager.flush()

    def _attempt(self, fetch: Fetch) -> None:
        try:
            data = fetch.function()
        except Exception as error:
            self._handle_failure(fetch, error)
        else:
            self._settle_data(fetch, data)

    def _handle_failure(self, fetch: Fetch, error: Exception) -> None:
        """Wait for the next attempt, or settle the fetch with the error."""
        retry = fetch.settings.retry
        delay = None if fetch.retry_cancelled else retry.get_delay(fetch.failure_count, error)
        if delay is None:
            self._settle_error(fetch, error)
            return
        with self.cache.lock:
            if fetch.query.fetch is fetch:
                fetch.failure_count += 1
                fetch.query.dispatch(FailedAction(fetch.failure_count, error))
        self.cache.notify_manager.flush()
        self._clock.sleep(delay, fetch.stop)
        if fetch.retry_cancelled:
            self._settle_error(fetch, error)

    def _settle_error(self, fetch: Fetch, error: Exception) -> None:
        with self.cache.lock:
            if fetch.query.fetch is fetch:
                self.cache.end_fetch(fetch, ErrorAction(error, self._clock.now()))
            fetch.settle(error=error)

    def _settle_data(self, fetch: Fetch, data: object) -> None:
        query = fetch.query
        fetch_again = False

        def compute(base: object, patches: Patches) -> tuple[object, Patches]:
            new = replace_equal_deep(base, data) if fetch.settings.structural_sharing else data
            return new, keep_pending(patches, fetch.started_at)

        def store(base: object, visible: object, patches: Patches) -> None:
            nonlocal fetch_again
            query.set_data(base, patches)
            now, fresh_from = self._clock.now(), self._clock.monotonic()
            success = SuccessAction(visible, now, fresh_from, manual=False, is_invalidated=fetch.invalidated)
            self.cache.end_fetch(fetch, success)
            fetch.settle(visible)
            fetch_again = fetch.invalidated and fetch.refetch_if_invalidated and query.is_active

        if not self.cache.compare_and_set(query, compute, store, fetch):
            fetch.settle(data)  # it is settled already, unless its end was interrupted
        self.cache.notify_manager.flush()
        if fetch_again:
            self.refetch([query])

    def cancel_abandoned(self, error: BaseException) -> None:
        """After Ctrl-C between start and join, cancel what this thread has started: no other would run it."""
        if isinstance(error, Exception):
            return
        for fetch in list(self._fetches):
            started_here = fetch.started_by == threading.get_ident() and not fetch.in_background
            if started_here and fetch.leader is None and not fetch.waiters:
                self._end(fetch)

    def _end(self, fetch: Fetch) -> None:
        """Forget a fetch that no thread runs any more; cancel it if it was interrupted, and no other thread waits."""
        query = fetch.query
        if not fetch.settled or (query.fetch is None and query.state.fetch_status == "fetching"):
            self.cache.cancel([fetch])
            with self.cache.lock:
                query.end_interrupted_fetch()
                self.cache.schedule_gc(query)
            fetch.settle(error=QueryCancelledError())
        self._discard(fetch)

    def _discard(self, fetch: Fetch) -> None:
        self._fetches.pop(fetch, None)
        fetch.ended.set()

    def after_fork(self) -> None:
        """Forget the fetches of the parent's threads."""
        self._waiting.clear()
        for fetch in list(self._fetches):
            fork_safety.replace_locks(fetch, "ended")
            if fetch.drop_after_fork():
                self._end(fetch)


def _get_function(query: CachedQuery, direction: Direction | None) -> Callable[[], object]:
    """Return what fetches a query's data, or one more page of it."""
    behavior: InfiniteQueryBehavior[Any, Any] | None = query.spec.infinite_behavior
    if behavior is not None:
        return behavior.refetch(query.base) if direction is None else behavior.fetch_page(query.base, direction)
    if direction is not None:
        raise TypeError(f"{query.spec!r} is not an infinite query: it has no pages")
    if query.spec.function is None:
        raise ValueError(f"{query.spec!r} has no function to fetch its data")
    return query.spec.function
