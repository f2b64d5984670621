"""The cache: every query, what is being fetched, and the one way in which a state changes.

One lock guards it all. Nothing of a user's making runs under it: not the functions that fetch, not updaters, not
callbacks. What they compute is put in place only if nothing else has happened since, else it is computed again.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from duologue.concurrency.clock import Clock
from duologue.concurrency.notify import NotifyManager
from duologue.concurrency.single_flight import Flight
from duologue.errors import ClientClosedError, QueryCancelledError
from duologue.query.index import KeyIndex
from duologue.query.keys import QueryHash
from duologue.query.optimistic import Patch, applied, compacted, unsettled
from duologue.query.options import QuerySpec
from duologue.query.query import CachedQuery, Fetch
from duologue.query.state import (
    MISSING,
    Direction,
    QueryState,
    erred,
    failed,
    fetched,
    fetching,
    invalidated,
    reverted,
)
from duologue.query.structural_sharing import replace_equal_deep

if TYPE_CHECKING:
    from duologue.query.observer import QueryObserver

_log = logging.getLogger("duologue")


class QueryCache:
    """Queries by key; see `QueryClient` for what can be done with them.

    Args:
        clock: the time, and waiting.
        run: has a function called on another thread.
        max_entries: how many queries to keep.
    """

    def __init__(self, *, clock: Clock, run: Callable[[Callable[[], None]], object], max_entries: int) -> None:
        self.clock = clock
        self.lock = threading.Lock()
        self.notify_manager = NotifyManager()
        self.closed = False
        self._run = run
        self._max_entries = max_entries
        self._entries: OrderedDict[QueryHash, CachedQuery] = OrderedDict()
        self._index: KeyIndex[CachedQuery] = KeyIndex()
        self._fetches: dict[Fetch, threading.Event] = {}
        self._to_collect: list[tuple[float, int, QueryHash]] = []
        self._count = itertools.count(1)
        self._waits: dict[int, Flight[Any]] = {}

    # ---- finding -------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        with self.lock:
            self._collect()
            return len(self._entries)

    def fresh(self, query: QuerySpec[Any]) -> object:
        """Return data that need not be fetched, else `MISSING`."""
        with self.lock:
            entry = self._entries.get(query.frozen)
            if entry is None:
                return MISSING
            now, state = self.clock.monotonic(), entry.state
            too_old = now - state.fresh_from >= query.settings.stale_time or entry.collect_at <= now
            if too_old or state.is_invalidated:  # `is_stale`, written out: this is the way most calls go
                return MISSING
            self._entries.move_to_end(query.frozen)
            return state.data

    def state(self, frozen: QueryHash) -> QueryState | None:
        """Return what is known of a query, None if nothing is."""
        with self.lock:
            self._collect()
            entry = self._entries.get(frozen)
            if entry is None:
                return None
            self._entries.move_to_end(frozen)
            return entry.state

    def matching(self, prefix: QueryHash, *, exact: bool = False) -> list[CachedQuery]:
        """Return the queries that a filter matches, in the order they were made."""
        with self.lock:
            return self._matching(prefix, exact)

    def _matching(self, prefix: QueryHash, exact: bool) -> list[CachedQuery]:
        self._collect()
        if exact:
            found = self._entries.get(prefix)
            return [] if found is None else [found]
        return sorted(self._index.match(prefix), key=lambda entry: entry.serial)

    def build(self, query: QuerySpec[Any]) -> CachedQuery:
        """Return the entry of a query, made if need be; the lock is held."""
        if self.closed:
            raise ClientClosedError
        self._collect()
        known = self._entries.get(query.frozen)
        if known is not None:
            self._entries.move_to_end(query.frozen)
            return known
        made = self._entries[query.frozen] = CachedQuery(query, next(self._count))
        self._index.add(query.frozen, made)
        self._keep_for_now(made)
        self._make_room(made)
        return made

    # ---- fetching ------------------------------------------------------------------------------------------------

    def start(
        self,
        query: QuerySpec[Any],
        *,
        anew: bool = False,
        direction: Direction | None = None,
        work: Callable[[object], Callable[[], object]] | None = None,
    ) -> Fetch:
        """Begin a fetch, or return the one that is under way; nobody flies it yet.

        Args:
            query: what to fetch.
            anew: do not settle for the one that is under way, unless there is no data (`cancelRefetch`).
            direction: which way an infinite query grows.
            work: makes the function from the data there is; by default, what the query says.
        """
        with self.lock:
            fetch = self.start_locked(self.build(query), query, anew, direction, work)
        self.notify_manager.flush()
        return fetch

    def start_locked(
        self,
        entry: CachedQuery,
        query: QuerySpec[Any],
        anew: bool = False,
        direction: Direction | None = None,
        work: Callable[[object], Callable[[], object]] | None = None,
    ) -> Fetch:
        """The same, for an entry; the lock is held."""
        under_way = entry.fetch
        if under_way is not None and not (anew and entry.state.data is not MISSING):
            under_way.retry_stopped = False
            return under_way
        if query.function is not None:
            entry.adopt(query)
        fetch = Fetch(
            entry,
            (work or _work(entry.query))(entry.base),
            entry.query.settings,
            begun=next(self._count),
            revert_to=entry.state if under_way is None else under_way.revert_to,
            run=self._run_fetch,
            clock=self.clock,
            waits=self._waits,
        )
        self._fetches[fetch] = threading.Event()
        entry.fetch = fetch
        entry.collect_at = math.inf
        if under_way is not None:
            under_way.next = fetch
            self._cancel(under_way)
        self._set(entry, fetching(entry.state, direction))
        return fetch

    def in_background(self, fetch: Fetch) -> None:
        """Have a fetch made on another thread, unless somebody makes it before."""

        def fly() -> None:
            if fetch.acquire():
                fetch.run()

        try:
            self._run(fly)
        except RuntimeError:  # the executor is shut down: whoever joins the fetch makes it
            _log.debug("No thread for %r", fetch.entry.key)

    def join(self, fetch: Fetch, timeout: float | None = None) -> object:
        """Make a fetch, or wait for it, and return its data; where a newer one took its place, the newer one's."""
        until = None if timeout is None else self.clock.monotonic() + timeout
        while True:
            try:
                return fetch.join(None if until is None else max(until - self.clock.monotonic(), 0.0))
            except QueryCancelledError:
                if fetch.next is None:
                    raise
                fetch = fetch.next

    def _run_fetch(self, flight: Flight[Any]) -> None:
        fetch = cast(Fetch, flight)
        try:
            while not fetch.settled:
                self._try(fetch)
        except BaseException:
            if fetch.waiters < 2:  # nobody else is there to make it
                self.cancel([fetch])
            raise
        finally:
            self.notify_manager.flush()
            if fetch.settled:
                self._landed(fetch)

    def _try(self, fetch: Fetch) -> None:
        try:
            data = fetch.work()
        except Exception as error:
            self._failed(fetch, error)
        else:
            self._arrived(fetch, data)

    def _failed(self, fetch: Fetch, error: Exception) -> None:
        wait = None if fetch.retry_stopped else fetch.settings.retry.get_delay(fetch.failures, error)
        if wait is None:
            self._give_up(fetch, error)
            return
        with self.lock:
            if fetch.entry.fetch is fetch:
                fetch.failures += 1
                self._set(fetch.entry, failed(fetch.entry.state, fetch.failures, error))
        self.notify_manager.flush()
        self.clock.sleep(wait, fetch.stop)
        if fetch.retry_stopped:
            self._give_up(fetch, error)

    def _give_up(self, fetch: Fetch, error: Exception) -> None:
        with self.lock:
            if fetch.entry.fetch is fetch:
                self._end(fetch, erred(fetch.entry.state, error, self.clock.now()))
                fetch.settle(error=error)

    def _arrived(self, fetch: Fetch, data: object) -> None:
        entry = fetch.entry
        again = False

        def plan(base: object, patches: tuple[Patch, ...]) -> tuple[object, tuple[Patch, ...]]:
            known = replace_equal_deep(base, data) if fetch.settings.structural_sharing else data
            return known, unsettled(patches, fetch.begun)

        def put(base: object, visible: object, patches: tuple[Patch, ...]) -> None:
            nonlocal again
            entry.put(base, visible, patches, self.clock.now(), self.clock.monotonic())
            done = fetched(entry.state)
            again = fetch.invalidated and fetch.wanted_again and entry.active
            self._end(fetch, invalidated(done) if fetch.invalidated else done)
            fetch.settle(visible)

        self._compare_and_set(entry, plan, put, fetch)
        self.notify_manager.flush()
        if again:
            self.refetch([entry])

    def _end(self, fetch: Fetch, state: QueryState) -> None:
        fetch.entry.fetch = None
        self._set(fetch.entry, state)
        self._keep_for_now(fetch.entry)

    def _landed(self, fetch: Fetch) -> None:
        with self.lock:
            landed = self._fetches.pop(fetch, None)
        if landed is not None:
            landed.set()

    # ---- changing ------------------------------------------------------------------------------------------------

    def _set(self, entry: CachedQuery, state: QueryState) -> None:
        """The one place where observers learn of a state; the lock is held."""
        entry.state = state
        for observer in entry.observers:
            observer.post(state)

    def _compare_and_set(
        self,
        entry: CachedQuery,
        plan: Callable[[object, tuple[Patch, ...]], tuple[object, tuple[Patch, ...]]],
        put: Callable[[object, object, tuple[Patch, ...]], None],
        fetch: Fetch | None = None,
    ) -> bool:
        """Change the data of an entry: compute without the lock, and put it in place if nothing happened meanwhile.

        Args:
            entry: the query.
            plan: computes base and patches from those there are; it may be called several times.
            put: takes base, visible data and patches; called once, under the lock.
            fetch: give up when this is no longer the fetch that is under way.
        """
        while True:
            with self.lock:
                version, base, patches, before = entry.version, entry.base, entry.patches, entry.state.data
            base, patches = plan(base, patches)
            visible = base if not patches else replace_equal_deep(before, applied(patches, base))
            with self.lock:
                if entry.removed or (fetch is not None and entry.fetch is not fetch):
                    return False
                if entry.version == version:
                    put(base, visible, patches)
                    return True

    def put(
        self, query: QuerySpec[Any], update: Callable[[object], object], *, at: datetime | None, make: bool
    ) -> object:
        """Set data by hand, and return what is then to be seen; `MISSING` if nothing was set.

        Args:
            query: whose data.
            update: returns the new data, given what there is, optimistic changes left out; `MISSING` sets nothing.
            at: how old the data is; None if it is of this moment.
            make: whether to make an entry where there is none.
        """
        while True:
            if not make and self.state(query.frozen) is None:
                return MISSING
            with self.lock:
                entry = self.build(query)
            done, visible = self._put(entry, query, update, at)
            if done:
                self.notify_manager.flush()
                return visible

    def _put(
        self, entry: CachedQuery, query: QuerySpec[Any], update: Callable[[object], object], at: datetime | None
    ) -> tuple[bool, object]:
        told: list[object] = []

        def plan(base: object, patches: tuple[Patch, ...]) -> tuple[object, tuple[Patch, ...]]:
            new = update(base)
            if new is MISSING:
                raise _Unchanged
            return (replace_equal_deep(base, new) if query.settings.structural_sharing else new), unsettled(patches)

        def put(base: object, visible: object, patches: tuple[Patch, ...]) -> None:
            moment = self.clock.now()
            age = 0.0 if at is None else (moment - at) / timedelta(seconds=1)
            entry.put(base, visible, patches, at or moment, self.clock.monotonic() - age)
            self._set(entry, entry.state)
            told.append(visible)

        try:
            return self._compare_and_set(entry, plan, put), told[-1] if told else MISSING
        except _Unchanged:
            return True, MISSING

    def patch(self, entry: CachedQuery, patch: Patch) -> None:
        """Change data optimistic_update."""
        self._repatch(entry, lambda base, patches: (base, (*patches, patch)))

    def rollback(self, entry: CachedQuery, patch: Patch) -> None:
        """Undo an optimistic change; the others stay."""
        self._repatch(entry, lambda base, patches: (base, tuple(other for other in patches if other is not patch)))

    def commit(self, entry: CachedQuery, patch: Patch) -> None:
        """Make an optimistic change part of the data: the server has made it."""
        patch.settled_at = next(self._count)

        def plan(base: object, patches: tuple[Patch, ...]) -> tuple[object, tuple[Patch, ...]]:
            under_way = entry.fetch is not None  # what it brings may have been read before the change
            return (base, patches) if under_way else compacted(base, patches)

        self._repatch(entry, plan)

    def _repatch(
        self, entry: CachedQuery, plan: Callable[[object, tuple[Patch, ...]], tuple[object, tuple[Patch, ...]]]
    ) -> None:
        def put(base: object, visible: object, patches: tuple[Patch, ...]) -> None:
            seen = entry.state.data
            entry.show(base, visible, patches, replace)
            if visible is not seen:
                self._set(entry, entry.state)

        self._compare_and_set(entry, plan, put)
        self.notify_manager.flush()

    def invalidate(self, prefix: QueryHash, *, exact: bool) -> list[CachedQuery]:
        """Declare data out of date, and return the queries concerned."""
        with self.lock:
            found = self._matching(prefix, exact)
            for entry in found:
                known = entry.state
                entry.invalidate()
                if entry.state is not known:
                    self._set(entry, entry.state)
        self.notify_manager.flush()
        return found

    def refetch(self, entries: Iterable[CachedQuery]) -> None:
        """Fetch again in the background, not settling for what was asked for before."""
        for entry in entries:
            with self.lock:
                if entry.removed or self.closed or entry.query.function is None:
                    continue
                fetch = self.start_locked(entry, entry.query, anew=True)
                fetch.wanted_again = True
            self.in_background(fetch)
        self.notify_manager.flush()

    def cancel(self, fetches: Iterable[Fetch]) -> None:
        """Call off fetches: whoever waits gets `QueryCancelledError`, and the states are what they were before."""
        with self.lock:
            for fetch in fetches:
                if fetch.entry.fetch is fetch:
                    self._end(fetch, reverted(fetch.revert_to))
                    self._cancel(fetch)
        self.notify_manager.flush()

    def _cancel(self, fetch: Fetch) -> None:
        unmanned = fetch.leader is None
        fetch.settle(error=QueryCancelledError())
        if unmanned:
            landed = self._fetches.pop(fetch, None)
            if landed is not None:
                landed.set()

    def remove(self, entries: Iterable[CachedQuery]) -> None:
        """Forget queries, and what is being fetched for them; observers keep what they have seen."""
        with self.lock:
            for entry in entries:
                self._remove(entry)
        self.notify_manager.flush()

    def reset(self, entries: Iterable[CachedQuery]) -> None:
        """Return queries to how they were before any data; the observers are told."""
        with self.lock:
            for entry in entries:
                self._reset(entry)
        self.notify_manager.flush()

    def _reset(self, entry: CachedQuery) -> None:
        fetch, entry.fetch = entry.fetch, None
        if fetch is not None:
            self._cancel(fetch)
        entry.base, entry.patches, entry.version = MISSING, (), entry.version + 1
        self._set(entry, QueryState())
        self._keep_for_now(entry)

    def forget_all(self) -> None:
        """Forget all data at once: remove what nobody observes, reset the rest; the caller has that delivered."""
        with self.lock:
            for entry in list(self._entries.values()):
                if entry.observers:
                    self._reset(entry)
                else:
                    self._remove(entry)

    # ---- observers -----------------------------------------------------------------------------------------------

    def attach(self, observer: QueryObserver[Any], query: QuerySpec[Any]) -> CachedQuery:
        """Have an observer told of a query; the lock is held."""
        entry = self.build(query)
        entry.observers[observer] = None
        entry.collect_at = math.inf
        return entry

    def detach(self, observer: QueryObserver[Any], entry: CachedQuery) -> None:
        """Have an observer told no more; the lock is held. A fetch that only it wanted is not tried again."""
        if observer not in entry.observers:
            return
        del entry.observers[observer]
        if not entry.observers:
            if entry.fetch is not None and not entry.fetch.waiters:
                entry.fetch.retry_stopped = True
            self._keep_for_now(entry)

    # ---- an end --------------------------------------------------------------------------------------------------

    def wait_idle(self, timeout: float | None) -> bool:
        """Wait until nothing is being fetched; False if the time was over before."""
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            with self.lock:
                landed = next(iter(self._fetches.values()), None)
            if landed is None:
                return True
            if not landed.wait(None if until is None else max(until - time.monotonic(), 0)):
                return False

    def fetches(self, entries: Iterable[CachedQuery]) -> list[Fetch]:
        """Return what is being fetched for some queries."""
        with self.lock:
            return [entry.fetch for entry in entries if entry.fetch is not None]

    def close(self) -> None:
        """Call off everything and refuse what comes later."""
        with self.lock:
            self.closed = True
            for entry in list(self._entries.values()):
                self._remove(entry)
                entry.observers.clear()

    # ---- keeping and forgetting; the lock is held ----------------------------------------------------------------

    def _remove(self, entry: CachedQuery) -> None:
        if entry.removed:
            return
        entry.removed = True
        fetch, entry.fetch = entry.fetch, None
        if fetch is not None:
            entry.state = reverted(fetch.revert_to)
            self._cancel(fetch)
        del self._entries[entry.frozen]
        self._index.discard(entry.frozen)

    def _keep_for_now(self, entry: CachedQuery) -> None:
        """From now on it may be collected, after its time."""
        if entry.idle and not entry.removed:
            entry.collect_at = self.clock.monotonic() + entry.cache_time
            self._note(entry)

    def _note(self, entry: CachedQuery) -> None:
        """Have an entry looked at when its time has come; it is noted once, however often that moves."""
        if not entry.noted and entry.collect_at < math.inf:
            entry.noted = True
            heapq.heappush(self._to_collect, (entry.collect_at, entry.serial, entry.frozen))

    def _collect(self) -> None:
        """Remove what nobody has observed for its time. There is no timer: whoever looks, finds it gone."""
        if not self._to_collect or self._to_collect[0][0] > self.clock.monotonic():
            return
        now = self.clock.monotonic()
        while self._to_collect and self._to_collect[0][0] <= now:
            _, serial, frozen = heapq.heappop(self._to_collect)
            entry = self._entries.get(frozen)
            if entry is None or entry.serial != serial:
                continue
            entry.noted = False
            if not entry.idle:
                continue  # it will be noted when it is
            if entry.collect_at <= now:
                self._remove(entry)
            else:
                self._note(entry)

    def _make_room(self, made: CachedQuery) -> None:
        """Remove the longest unused. What is observed or being fetched stays, even above the bound."""
        for _ in range(len(self._entries)):
            if len(self._entries) <= self._max_entries:
                return
            oldest = next(iter(self._entries.values()))
            if oldest.idle and oldest is not made:
                self._remove(oldest)
            else:
                self._entries.move_to_end(oldest.frozen)


class _Unchanged(Exception):  # a way out, not an error
    """The updater wants nothing changed."""


def _work(query: QuerySpec[Any]) -> Callable[[object], Callable[[], object]]:
    if query.infinite_behavior is not None:
        return query.infinite_behavior.refetch
    function = query.function
    if function is None:
        raise ValueError(f"{query!r} has no function that could fetch it")
    return lambda _: function
