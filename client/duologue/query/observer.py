"""Observers: whoever wants to see what a query is at, and to have it fetched (TanStack Query's `queryObserver.ts`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeVar, cast

from duologue.concurrency.notify import ListenerQueue
from duologue.errors import QueryCancelledError
from duologue.query.options import QuerySpec
from duologue.query.query import CachedQuery, Fetch
from duologue.query.state import MISSING, Direction, FetchStatus, QueryState, Status
from duologue.query.structural_sharing import replace_equal_deep

if TYPE_CHECKING:
    from duologue.query.cache import QueryCache
    from duologue.query.infinite import InfiniteQueryBehavior

T = TypeVar("T")

RefetchOnMount = Literal["stale", "always", "never"]


@dataclass(frozen=True, slots=True)
class QueryResult(Generic[T]):
    """What an observer sees at one moment; it never changes.

    Args:
        status: `loading` (there is no data yet), `error` (the last fetch failed), or `success`.
        fetch_status: `fetching` or `idle`.
        data: the data, None where there is none.
        error: why the last fetch failed.
        updated_at: when the data came.
        error_updated_at: when a fetch failed last.
        failure_count: tries that failed in the current or last fetch.
        failure_reason: why the last of them did.
        is_stale: whether the data should be fetched anew.
        is_previous_data: whether this is the data of the key before (`keep_previous_data`).
        is_fetched: whether anything ever came, data or an error.
        direction: which way an infinite query is growing.
    """

    status: Status
    fetch_status: FetchStatus
    data: T | None
    error: BaseException | None
    updated_at: datetime | None
    error_updated_at: datetime | None
    failure_count: int
    failure_reason: BaseException | None
    is_stale: bool
    is_previous_data: bool = False
    is_fetched: bool = False
    direction: Direction | None = None
    _infinite_behavior: InfiniteQueryBehavior[Any, Any] | None = field(default=None, repr=False, compare=False)

    @property
    def is_loading(self) -> bool:
        """Whether there is no data yet, and no error."""
        return self.status == "loading"

    @property
    def is_success(self) -> bool:
        """Whether there is data, and the last fetch did not fail."""
        return self.status == "success"

    @property
    def is_error(self) -> bool:
        """Whether the last fetch failed; there may be older data."""
        return self.status == "error"

    @property
    def is_fetching(self) -> bool:
        """Whether a fetch is under way."""
        return self.fetch_status == "fetching"

    @property
    def is_initial_loading(self) -> bool:
        """Whether the first fetch is under way."""
        return self.is_loading and self.is_fetching

    @property
    def is_refetching(self) -> bool:
        """Whether a fetch is under way that is not the first."""
        return self.is_fetching and not self.is_loading

    @property
    def is_loading_error(self) -> bool:
        """Whether the first fetch failed."""
        return self.is_error and self.updated_at is None

    @property
    def is_refetch_error(self) -> bool:
        """Whether a fetch failed that was to renew data."""
        return self.is_error and self.updated_at is not None

    @property
    def has_next_page(self) -> bool:
        """Whether an infinite query can grow at its end."""
        return self._infinite_behavior is not None and self._infinite_behavior.has_next(self.data)

    @property
    def has_previous_page(self) -> bool:
        """Whether an infinite query can grow at its beginning."""
        return self._infinite_behavior is not None and self._infinite_behavior.has_previous(self.data)

    @property
    def is_fetching_next_page(self) -> bool:
        """Whether an infinite query is growing at its end."""
        return self.is_fetching and self.direction == "forward"

    @property
    def is_fetching_previous_page(self) -> bool:
        """Whether an infinite query is growing at its beginning."""
        return self.is_fetching and self.direction == "backward"


def same(one: QueryResult[Any], other: QueryResult[Any]) -> bool:
    """Tell whether nothing changed. Data is compared by identity: structural sharing has seen to that."""
    return one is other or all(
        getattr(one, name) is getattr(other, name) or (name in _BY_VALUE and getattr(one, name) == getattr(other, name))
        for name in _SEEN
    )


_SEEN = tuple(name for name in QueryResult.__dataclass_fields__ if name != "_paging")
_BY_VALUE = frozenset(_SEEN) - {"data", "error", "failure_reason"}


def snapshot_of(state: QueryState, stale_time: float, now: float) -> QueryResult[Any]:
    """Return what a state looks like from outside."""
    return QueryResult(
        status=state.status,
        fetch_status=state.fetch_status,
        data=None if state.data is MISSING else state.data,
        error=state.error,
        updated_at=state.updated_at,
        error_updated_at=state.error_updated_at,
        failure_count=state.failure_count,
        failure_reason=state.failure_reason,
        is_stale=state.is_stale(stale_time, now),
        is_fetched=state.data_updates > 0 or state.error_updates > 0,
        direction=state.direction,
    )


class QueryObserver(Generic[T]):
    """Sees a query for as long as it is open, and has it fetched in the background when it is stale.

        with api.queries.users().observe(lambda seen: print(seen.status)) as observer:
            observer.refetch()

    Callbacks get one snapshot after the other, in the order things happened, with no lock held. There is no timer: that
    data has become stale is seen by who looks at `current`, and told with the next change.
    """

    def __init__(
        self,
        cache: QueryCache,
        query: QuerySpec[Any],
        callback: Callable[[QueryResult[T]], object] | None = None,
        *,
        select: Callable[[Any], T] | None = None,
        refetch_on_mount: RefetchOnMount = "stale",
    ) -> None:
        self._cache = cache
        self._query = query
        self._callback = callback
        self._select = select
        self._selected: tuple[object, Any] | None = None
        self._mailbox: ListenerQueue[tuple[CachedQuery, QueryState]] = ListenerQueue(self._tell)
        self._told: QueryResult[T] | None = None
        self._previous: QueryResult[T] | None = None
        self.closed = False
        self._entry: CachedQuery
        self._mount(refetch_on_mount)

    @property
    def query(self) -> QuerySpec[Any]:
        """What is observed."""
        return self._query

    @property
    def enabled(self) -> bool:
        """Whether it fetches by itself."""
        return self._query.settings.enabled

    @property
    def current(self) -> QueryResult[T]:
        """What there is to see at this moment."""
        return self._seen(self._entry, self._entry.state)

    @property
    def data(self) -> T | None:
        """The data at this moment."""
        return self.current.data

    def refetch(self, *, timeout: float | None = None, anew: bool = True) -> QueryResult[T]:
        """Fetch on this thread, fresh or not, and return what there is then; an error is in it, not raised.

        Args:
            timeout: seconds to wait for another thread that is fetching already.
            anew: do not settle for a fetch that is under way (`cancelRefetch`).

        Raises:
            QueryTimeout: it took longer.
        """
        self._follow_entry()
        fetch = self._cache.start(self._query, anew=anew)
        self._quietly(lambda: self._cache.join(fetch, timeout))
        return self.current

    def fetch_next_page(self, *, timeout: float | None = None) -> QueryResult[T]:
        """Have an infinite query grow at its end, on this thread; see `refetch`."""
        return self._grow("forward", timeout)

    def fetch_previous_page(self, *, timeout: float | None = None) -> QueryResult[T]:
        """Have an infinite query grow at its beginning, on this thread; see `refetch`."""
        return self._grow("backward", timeout)

    def set_query(self, query: QuerySpec[Any] | Any) -> None:
        """Observe another query from now on, as a hook does whose key changes.

        Args:
            query: a `QuerySpec`, or what `QueryClient.query` returns.
        """
        wanted = cast("QuerySpec[Any]", getattr(query, "query", query))
        last = self.current
        with self._cache.lock:
            before, changed = self._entry, wanted.frozen != self._query.frozen
            was_enabled, self._query = self.enabled, wanted
            if changed:
                self._cache.detach(self, before)
                self._entry = self._cache.attach(self, wanted)
            fetch = self._wanted_fetch("stale") if changed or not was_enabled else None
            state = self._entry.state
        if changed:
            self._previous = last if last.is_success else None
        self.post(state)
        self._begin(fetch)

    def close(self) -> None:
        """See no more. The query is collected when nobody has observed it for its `cache_time`."""
        with self._cache.lock:
            self.closed = True
            self._cache.detach(self, self._entry)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Observer {self._query.key!r} {self._entry.state.status}>"

    def post(self, state: QueryState) -> None:
        """Note a state, to be told in turn; the cache calls this."""
        self._cache.notify_manager.schedule(self._mailbox, (self._entry, state))

    def _mount(self, refetch: RefetchOnMount) -> None:
        with self._cache.lock:
            self._entry = self._cache.attach(self, self._query)
            state = self._entry.state
            fetch = self._wanted_fetch(refetch)
        self._told = self._seen(self._entry, state)
        self._begin(fetch)

    def _wanted_fetch(self, refetch: RefetchOnMount) -> Fetch | None:
        """Begin the fetch that this observer needs; the lock is held."""
        state = self._entry.state
        stale = state.is_stale(self._query.settings.stale_time, self._cache.clock.monotonic())
        without_data = state.data is MISSING
        wanted = without_data or refetch == "always" or (stale and refetch == "stale")
        if not (self.enabled and wanted and self._query.function is not None):
            return None
        return self._cache.start_locked(self._entry, self._query)

    def _begin(self, fetch: Fetch | None) -> None:
        self._cache.notify_manager.flush()
        if fetch is not None:
            self._cache.in_background(fetch)

    def _grow(self, direction: Direction, timeout: float | None) -> QueryResult[T]:
        self._follow_entry()
        infinite_behavior = cast("InfiniteQueryBehavior[Any, Any]", self._query.infinite_behavior)
        fetch = self._cache.start(
            self._query, anew=True, direction=direction, work=lambda base: infinite_behavior.grow(base, direction)
        )
        self._quietly(lambda: self._cache.join(fetch, timeout))
        return self.current

    def _follow_entry(self) -> None:
        """Where the query was removed, go on with the one that takes its place."""
        with self._cache.lock:
            if self._entry.removed and not self.closed:
                self._entry = self._cache.attach(self, self._query)

    def _quietly(self, join: Callable[[], object]) -> None:
        try:
            join()
        except QueryCancelledError:
            return
        except Exception as error:
            if self._entry.state.error is not error:
                raise

    def _tell(self, thing: tuple[CachedQuery, QueryState]) -> None:
        entry, state = thing
        if self.closed or entry is not self._entry:
            return
        seen = self._seen(entry, state)
        if self._told is not None and same(seen, self._told):
            return
        self._told = seen
        if self._callback is not None:
            self._callback(seen)

    def _seen(self, entry: CachedQuery, state: QueryState) -> QueryResult[T]:
        settings = self._query.settings
        memo = entry.memo
        now = self._cache.clock.monotonic()
        if memo is not None and memo[0] is state and memo[1] == settings.stale_time and self._is_plain(state):
            known = memo[2]
            if known.is_stale == state.is_stale(settings.stale_time, now):
                return known
        plain = snapshot_of(state, settings.stale_time, now)
        if self._is_plain(state):
            entry.memo = (state, settings.stale_time, plain)
            return plain
        return self._dressed(state, plain)

    def _is_plain(self, state: QueryState) -> bool:
        """Whether every observer sees this state alike."""
        kept = state.data is MISSING and self._query.settings.keep_previous_data
        return self._select is None and self._query.infinite_behavior is None and not kept

    def _dressed(self, state: QueryState, plain: QueryResult[Any]) -> QueryResult[T]:
        """Add what only this observer sees: data of the key before, a selection, pages."""
        previous = self._previous
        if (
            state.data is MISSING
            and self._query.settings.keep_previous_data
            and previous is not None
            and state.status != "error"
        ):
            return _changed(
                plain, data=previous.data, updated_at=previous.updated_at, status=previous.status, is_previous_data=True
            )
        if self._select is not None and state.data is not MISSING:
            return self._with_selection(state, plain)
        return _changed(plain, _infinite_behavior=self._query.infinite_behavior)

    def _with_selection(self, state: QueryState, plain: QueryResult[Any]) -> QueryResult[T]:
        select = cast("Callable[[Any], T]", self._select)
        known = self._selected
        if known is None or known[0] is not state.data:
            try:
                chosen = select(state.data)
            except Exception as error:  # TanStack Query's `selectError`
                return _changed(plain, status="error", error=error, data=None if known is None else known[1])
            known = self._selected = (state.data, chosen if known is None else replace_equal_deep(known[1], chosen))
        return _changed(plain, data=known[1])


def _changed(snapshot: QueryResult[Any], **changes: Any) -> QueryResult[Any]:
    fields = {name: getattr(snapshot, name) for name in QueryResult.__dataclass_fields__}
    return QueryResult(**{**fields, **changes})
