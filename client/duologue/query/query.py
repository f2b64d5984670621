"""What the cache keeps of one query, and of one fetch of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from duologue.concurrency.clock import Clock
from duologue.concurrency.single_flight import Flight
from duologue.query.keys import Key, QueryHash
from duologue.query.optimistic import Patch
from duologue.query.options import QuerySpec, Settings
from duologue.query.state import MISSING, QueryState, invalidated, succeeded

if TYPE_CHECKING:
    from duologue.query.observer import QueryObserver, QueryResult


class CachedQuery:
    """One query of the cache. It is read and changed under the cache's lock only; its states never change.

    Args:
        query: what it was made for.
        serial: entries that were made later have greater ones.
    """

    __slots__ = (
        "base",
        "cache_time",
        "collect_at",
        "fetch",
        "frozen",
        "key",
        "memo",
        "noted",
        "observers",
        "patches",
        "query",
        "removed",
        "serial",
        "state",
        "version",
    )

    def __init__(self, query: QuerySpec[Any], serial: int) -> None:
        self.key: Key = query.key
        self.frozen: QueryHash = query.frozen
        self.query = query
        self.serial = serial
        self.state = QueryState()
        self.base: object = MISSING
        self.patches: tuple[Patch, ...] = ()
        self.version = 0
        self.fetch: Fetch | None = None
        self.observers: dict[QueryObserver[Any], None] = {}
        self.cache_time = query.settings.cache_time
        self.collect_at = math.inf
        self.noted = False
        self.removed = False
        self.memo: tuple[QueryState, float, QueryResult[Any]] | None = None

    @property
    def active(self) -> bool:
        """Whether somebody looks at it who wants it up to date (`isActive`)."""
        return any(observer.enabled for observer in self.observers)

    @property
    def idle(self) -> bool:
        """Whether nobody looks at it and nothing is under way."""
        return not self.observers and self.fetch is None

    def adopt(self, query: QuerySpec[Any]) -> None:
        """Take the function and settings of whoever asked last; it is kept for as long as any of them wished."""
        self.query = query
        self.cache_time = max(self.cache_time, query.settings.cache_time)

    def put(self, base: object, visible: object, patches: tuple[Patch, ...], at: datetime, fresh_from: float) -> None:
        """Take new data, from wherever; calling off a fetch that is under way will not undo it."""
        self._hold(base, patches)
        self.change(lambda state: succeeded(state, visible, at, fresh_from))

    def show(
        self, base: object, visible: object, patches: tuple[Patch, ...], replaced: Callable[..., QueryState]
    ) -> None:
        """Take an optimistic change, or take it back: neither makes the data any fresher."""
        self._hold(base, patches)
        self.change(lambda state: replaced(state, data=visible))

    def invalidate(self) -> None:
        """Declare the data out of date, and what is being fetched too: the server may have read it before."""
        self.change(invalidated)
        if self.fetch is not None:
            self.fetch.invalidated = True

    def change(self, step: Callable[[QueryState], QueryState]) -> None:
        """Change the state, and the one to which calling off a fetch returns."""
        self.state = step(self.state)
        if self.fetch is not None:
            self.fetch.revert_to = step(self.fetch.revert_to)

    def _hold(self, base: object, patches: tuple[Patch, ...]) -> None:
        self.base, self.patches = base, patches
        self.version += 1


class Fetch(Flight[Any]):
    """One fetch of a query, retries included.

    Args:
        entry: the query.
        work: fetches the data.
        settings: how failures are met.
        begun: when, in the cache's own count.
        revert_to: the state to return to when it is called off.
        run: see `Flight`.
        clock: waits.
        waits: see `Flight`.
    """

    def __init__(
        self,
        entry: CachedQuery,
        work: Callable[[], object],
        settings: Settings,
        *,
        begun: int,
        revert_to: QueryState,
        run: Callable[[Flight[Any]], None],
        clock: Clock,
        waits: dict[int, Flight[Any]],
    ) -> None:
        super().__init__(run, clock, waits)
        self.entry = entry
        self.work = work
        self.settings = settings
        self.begun = begun
        self.revert_to = revert_to
        self.failures = 0
        self.invalidated = False
        self.wanted_again = False
        self.retry_stopped = False
        self.next: Fetch | None = None
