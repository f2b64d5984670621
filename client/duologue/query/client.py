"""`QueryClient`: cached, shared, observed calls of any function."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Any, Generic, Literal, ParamSpec, Self, TypeVar, Unpack, cast

from duologue.concurrency.clock import Clock
from duologue.query import defaults
from duologue.query.cache import QueryCache
from duologue.query.infinite import InfiniteData, InfiniteQueryBehavior
from duologue.query.keys import Key, hash_key
from duologue.query.mutation import Mutation, MutationOptions
from duologue.query.observer import QueryObserver, QueryResult, RefetchOnMount, snapshot_of
from duologue.query.optimistic import Patch
from duologue.query.options import QueryOptions, QuerySpec, Settings, settings
from duologue.query.query import CachedQuery
from duologue.query.state import MISSING, Missing

T = TypeVar("T")
S = TypeVar("S")
V = TypeVar("V")
P = ParamSpec("P")

Refetch = Literal["active", "all", "none"]


class QueryClient:
    """TanStack Query's `QueryClient`, for threads that wait instead of promises.

        queries = QueryClient()
        users = queries.fetch(("users",), api.users.list)      # asks
        users = queries.fetch(("users",), api.users.list)      # knows, for five minutes
        queries.invalidate(("users",))                         # the next fetch asks again

    Safe to share between threads. A fetch is made on the thread that asks for it first; whoever asks for the same
    meanwhile waits for it. No function of yours is ever called with a lock held. Data is shared between all who ask:
    do not change it in place.

    Args:
        clock: the time, and waiting; tests pass their own.
        executor: makes background fetches; by default a pool of threads that is made when first needed, and ended by
            `close`. One that is passed is left running.
        max_entries: how many queries to keep; those that are observed do not count.
        options: defaults for all queries; see `QueryOptions`.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        executor: Executor | None = None,
        max_entries: int = defaults.MAX_ENTRIES,
        **options: Unpack[QueryOptions],
    ) -> None:
        self.clock = clock or Clock()
        self.closing = threading.Event()
        self.settings = settings(Settings(), options)
        self._executor = executor
        self._pool: ThreadPoolExecutor | None = None
        self._pool_lock = threading.Lock()
        self.cache = QueryCache(clock=self.clock, run=self._run, max_entries=max_entries)
        self.generation = 0
        """How often everything was forgotten because somebody else logged in."""

    # ---- queries to hold on to -----------------------------------------------------------------------------------

    def query(self, key: Key, function: Callable[[], T] | None, **options: Unpack[QueryOptions]) -> BoundQuery[T]:
        """Return a query to be used several times; nothing is fetched yet.

        Args:
            key: its name: a tuple of JSON values.
            function: fetches the data.
            options: see `QueryOptions`.

        Raises:
            TypeError: the key is no tuple of JSON values.
        """
        return BoundQuery(self, QuerySpec(key, function, settings(self.settings, options)))

    def infinite(
        self,
        key: Key,
        function: Callable[[V], T],
        *,
        initial_page_param: V,
        get_next_page_param: Callable[[T, Sequence[T]], V | None],
        get_previous_page_param: Callable[[T, Sequence[T]], V | None] | None = None,
        max_pages: int | None = None,
        **options: Unpack[QueryOptions],
    ) -> BoundInfiniteQuery[T, V]:
        """Return a query that grows page by page.

        Args:
            key: its name.
            function: fetches the page for a parameter.
            initial_page_param: the parameter of the first page.
            get_next_page_param: given the last page and all pages, the parameter of the next; None: that was the last.
            get_previous_page_param: given the first page and all pages, the parameter of the one before.
            max_pages: how many pages to keep; None keeps all.
            options: see `QueryOptions`.
        """
        infinite_behavior = InfiniteQueryBehavior(
            function, initial_page_param, get_next_page_param, get_previous_page_param, max_pages
        )
        made: QuerySpec[Any] = QuerySpec(
            key,
            infinite_behavior.refetch(MISSING),
            settings(self.settings, options),
            infinite_behavior=infinite_behavior,
        )
        return BoundInfiniteQuery(self, made)

    def mutation(self, function: Callable[P, T], **options: Unpack[MutationOptions]) -> Mutation[P, T]:
        """Return a mutation: call it as you would the function; see `Mutation`."""
        return Mutation(self, function, **options)

    # ---- one call each -------------------------------------------------------------------------------------------

    def fetch(
        self, key: Key, function: Callable[[], T], *, timeout: float | None = None, **options: Unpack[QueryOptions]
    ) -> T:
        """Return fresh data from the cache, else fetch it (`fetchQuery`); see `BoundQuery.fetch`."""
        return self.query(key, function, **options).fetch(timeout=timeout)

    def prefetch(self, key: Key, function: Callable[[], object], **options: Unpack[QueryOptions]) -> None:
        """Fetch in the background what is not fresh; what goes wrong is only noted (`prefetchQuery`)."""
        self.query(key, function, **options).prefetch()

    def ensure(
        self,
        key: Key,
        function: Callable[[], T],
        *,
        revalidate_if_stale: bool = False,
        timeout: float | None = None,
        **options: Unpack[QueryOptions],
    ) -> T:
        """Return data from the cache, fresh or not, else fetch it (`ensureQueryData`); see `BoundQuery.ensure`."""
        return self.query(key, function, **options).ensure(revalidate_if_stale=revalidate_if_stale, timeout=timeout)

    def observe(
        self,
        key: Key,
        function: Callable[[], T] | None,
        callback: Callable[[QueryResult[T]], object] | None = None,
        **options: Unpack[QueryOptions],
    ) -> QueryObserver[T]:
        """Observe a query (`useQuery`, `QueryObserver`); see `Observer`."""
        return self.query(key, function, **options).observe(callback)

    # ---- data ----------------------------------------------------------------------------------------------------

    def get_data(self, key: Key, default: Any = None) -> Any:
        """Return what is in the cache, fresh or not, and fetch nothing (`getQueryData`).

        Args:
            key: which query.
            default: returned where there is no data.
        """
        state = self.cache.state(hash_key(key))
        return default if state is None or state.data is MISSING else state.data

    def get_state(self, key: Key) -> QueryResult[Any] | None:
        """Return what is known of a query, None if nothing is (`getQueryState`)."""
        state = self.cache.state(hash_key(key))
        return None if state is None else snapshot_of(state, self.settings.stale_time, self.clock.monotonic())

    def get_queries_data(self, prefix: Key = ()) -> list[tuple[Key, Any]]:
        """Return key and data of all queries that a prefix matches and that have data (`getQueriesData`)."""
        found = [(entry.key, entry.state.data) for entry in self._matching(prefix)]
        return [(key, data) for key, data in found if data is not MISSING]

    def set_data(self, key: Key, data: T, *, updated_at: datetime | None = None) -> T:
        """Put data into the cache as if it had just been fetched (`setQueryData`), and return it as it is there.

        Args:
            key: which query; it is made if it is not there.
            data: the data. Optimistic updates that are under way are applied to it.
            updated_at: when the data was true; None: now.
        """
        put = self.cache.put(self._keyed(key), lambda _: data, at=updated_at, make=True)
        return cast(T, put)

    def update_data(self, key: Key, updater: Callable[[T], T | Missing], *, default: T | Missing = MISSING) -> T | None:
        """Replace data by what a function makes of it (`setQueryData` with a function), and return what is there then.

        Args:
            key: which query.
            updater: gets the data and returns the new; `MISSING` leaves it. It must not change what it gets, and may
                be called again where another thread changed the data meanwhile.
            default: what it gets where there is no data; without one, nothing happens there.
        """

        def update(base: object) -> object:
            known = default if base is MISSING else base
            return MISSING if known is MISSING else updater(cast(T, known))

        put = self.cache.put(self._keyed(key), update, at=None, make=default is not MISSING)
        return cast("T | None", self.get_data(key) if put is MISSING else put)

    def set_queries_data(self, prefix: Key, updater: Callable[[Any], Any]) -> None:
        """Replace the data of all queries that a prefix matches and that have data (`setQueriesData`)."""
        for entry in self._matching(prefix):
            self.update_data(entry.key, updater)

    def optimistic_update(self, key: Key, update: Callable[[T], T]) -> OptimisticUpdate:
        """Change data before the server has; confirm or take back the change when it is known what the server did.

        Fetches that are under way are cancelled, since they would show the state before. Where there is no data,
        nothing is changed.

        Args:
            key: which query.
            update: returns the changed data; it may be called again on newer data, and must not alter what it gets.
        """
        found = self._matching(key, exact=True)
        self.cache.cancel(self.cache.fetches(found))
        patch = Patch(update)
        for entry in found:
            self.cache.patch(entry, patch)
        return OptimisticUpdate(self.cache, found, patch)

    # ---- many at once --------------------------------------------------------------------------------------------

    def invalidate(self, prefix: Key = (), *, exact: bool = False, refetch: Refetch = "active") -> None:
        """Declare data out of date (`invalidateQueries`). It is fetched when next asked for.

        What is observed is fetched again in the background, at once. What is being fetched at this moment is out of
        date when it comes: an invalidation is never lost.

        Args:
            prefix: the first elements of the keys concerned; a dictionary in it matches any that has at least its
                items. `()` is everything.
            exact: only the query of exactly this key.
            refetch: what to fetch again: `active` (observed and enabled), `all`, `none`.
        """
        found = self.cache.invalidate(hash_key(prefix), exact=exact)
        if refetch == "active":
            self.cache.refetch([entry for entry in found if entry.active])
        elif refetch == "all":
            self.cache.refetch([entry for entry in found if entry.active or not entry.observers])

    def refetch(self, prefix: Key = (), *, exact: bool = False, timeout: float | None = None) -> None:
        """Fetch again, fresh or not, and wait for it (`refetchQueries`). Errors are noted in the states, not raised.

        Args:
            prefix: see `invalidate`; queries whose observers are all disabled are left alone.
            exact: only the query of exactly this key.
            timeout: seconds to wait for fetches of other threads.

        Raises:
            QueryTimeout: it took longer.
        """
        found = [entry for entry in self._matching(prefix, exact=exact) if entry.active or not entry.observers]
        self.cache.refetch(found)
        for fetch in self.cache.fetches(found):
            self._join_quietly(fetch.entry, fetch, timeout)

    def cancel(self, prefix: Key = (), *, exact: bool = False) -> None:
        """Call off what is being fetched (`cancelQueries`): states return to what they were before.

        A function that is running cannot be interrupted, but nobody waits for it any more, and what it returns is
        dropped; between two tries it ends at once. Whoever waited gets `QueryCancelledError`.
        """
        self.cache.cancel(self.cache.fetches(self._matching(prefix, exact=exact)))

    def remove(self, prefix: Key = (), *, exact: bool = False) -> None:
        """Forget queries, and what is being fetched for them (`removeQueries`)."""
        self.cache.remove(self._matching(prefix, exact=exact))

    def remove_inactive(self, prefix: Key = ()) -> None:
        """Forget queries, but those that somebody observes (`removeQueries({type: "inactive"})`)."""
        self.cache.remove([entry for entry in self._matching(prefix) if not entry.observers])

    def reset(self, prefix: Key = (), *, exact: bool = False) -> None:
        """Return queries to how they were before any data, and fetch those that are observed (`resetQueries`)."""
        found = self._matching(prefix, exact=exact)
        self.cache.reset(found)
        self.cache.refetch([entry for entry in found if entry.active])

    def clear(self) -> None:
        """Forget everything (`clear`)."""
        self.cache.remove(self._matching(()))

    def forget_user(self) -> None:
        """Forget everything because somebody else is logged in now, or nobody.

        What is observed is emptied, its observers are told by a background thread, and nothing is fetched. Nothing that
        was asked for before can come back: fetches are cancelled, optimistic updates dropped.
        """
        self.generation += 1
        self.cache.forget_all()
        with suppress(RuntimeError):  # closed: nobody is left to be told
            self._run(self.cache.notify_manager.flush)

    def is_fetching(self, prefix: Key = ()) -> int:
        """Return how many queries are being fetched (`isFetching`)."""
        return len(self.cache.fetches(self._matching(prefix)))

    def wait_idle(self, *, timeout: float | None = None) -> bool:
        """Wait until nothing is being fetched; False if the time was over before.

        Args:
            timeout: seconds of real time; None waits for ever.
        """
        return self.cache.wait_idle(timeout)

    # ---- an end --------------------------------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self.closing.is_set()

    def close(self) -> None:
        """Forget everything, and return when nothing runs any more; a later call raises `ClientClosedError`.

        Whoever waits gets `QueryCancelledError`. Functions that background threads are running are waited for.
        """
        self.closing.set()
        self.cache.close()
        with self._pool_lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            mine = threading.current_thread() in pool._threads  # a callback may close us: no thread waits for itself
            pool.shutdown(wait=not mine, cancel_futures=True)

    def __len__(self) -> int:
        return len(self.cache)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<QueryClient {len(self)} queries{' closed' if self.closed else ''}>"

    def _run(self, function: Callable[[], None]) -> object:
        if self._executor is not None:
            return self._executor.submit(function)
        with self._pool_lock:
            if self.closed:
                raise RuntimeError("closed")
            if self._pool is None:
                self._pool = ThreadPoolExecutor(defaults.WORKERS, thread_name_prefix="duologue-query")
            return self._pool.submit(function)

    def _matching(self, prefix: Key, *, exact: bool = False) -> list[CachedQuery]:
        return self.cache.matching(hash_key(prefix), exact=exact)

    def _keyed(self, key: Key) -> QuerySpec[Any]:
        return QuerySpec(key, None, self.settings)

    def _join_quietly(self, entry: CachedQuery, fetch: Any, timeout: float | None) -> None:
        try:
            self.cache.join(fetch, timeout)
        except Exception as error:
            if getattr(fetch, "settled", False):
                return
            raise error


class OptimisticUpdate:
    """A change that the server is still to make; a context manager that confirms it, or takes it back on an error.

    with queries.optimistic_update(("users", "1"), lambda user: replace(user, name="Ada")):
        api.users.update("1", name="Ada")
    """

    def __init__(self, cache: QueryCache, entries: Sequence[CachedQuery], patch: Patch) -> None:
        self._cache = cache
        self._entries = entries
        self._patch = patch

    def commit(self) -> None:
        """The server has made the change: it is part of the data now."""
        for entry in self._entries:
            self._cache.commit(entry, self._patch)

    def rollback(self) -> None:
        """The server has not: the data is what it would be without this change; others stay."""
        for entry in self._entries:
            self._cache.rollback(entry, self._patch)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.commit()
        else:
            self.rollback()


class BoundQuery(Generic[T]):
    """A query and the client that knows its data: what `api.queries.users()` returns."""

    __slots__ = ("client", "query")

    def __init__(self, client: QueryClient, query: QuerySpec[T]) -> None:
        self.client = client
        self.query = query

    @property
    def key(self) -> Key:
        """The query's name."""
        return self.query.key

    def fetch(self, *, timeout: float | None = None) -> T:
        """Return data that is fresh, from the cache or else fetched on this thread.

        Args:
            timeout: seconds to wait for another thread that is fetching it already; None waits for ever. A call that
                this thread makes itself has the timeouts of the function.

        Raises:
            QueryTimeout: it took longer.
            QueryCancelledError: it was called off.
            Exception: what the function raised at last; everybody who waits gets it.
        """
        known = self.client.cache.fresh(self.query)
        if known is not MISSING:
            return cast(T, known)
        return self._fetched(anew=False, timeout=timeout)

    def prefetch(self) -> None:
        """Fetch in the background what is not fresh."""
        if self.client.cache.fresh(self.query) is MISSING:
            self._refresh()

    def ensure(self, *, revalidate_if_stale: bool = False, timeout: float | None = None) -> T:
        """Return data from the cache, fresh or not; fetch only where there is none.

        Args:
            revalidate_if_stale: have stale data fetched again in the background, once however many ask.
            timeout: see `fetch`.
        """
        known = self.client.cache.fresh(self.query)
        if known is not MISSING:
            return cast(T, known)
        state = self.client.cache.state(self.query.frozen)
        if state is None or state.data is MISSING:
            return self._fetched(anew=False, timeout=timeout)
        if revalidate_if_stale:
            self._refresh()
        return cast(T, state.data)

    def refetch(self, *, timeout: float | None = None) -> T:
        """Fetch, fresh or not, and return the data; see `fetch`."""
        return self._fetched(anew=True, timeout=timeout)

    def observe(
        self,
        callback: Callable[[QueryResult[T]], object] | None = None,
        *,
        refetch_on_mount: RefetchOnMount = "stale",
    ) -> QueryObserver[T]:
        """Observe it, and have it fetched in the background when it is stale.

        Args:
            callback: gets a snapshot at each change.
            refetch_on_mount: whether to fetch what is there already: when it is `stale`, `always`, or `never`.
        """
        return QueryObserver(self.client.cache, self.query, callback, refetch_on_mount=refetch_on_mount)

    def select(
        self,
        choose: Callable[[T], S],
        callback: Callable[[QueryResult[S]], object] | None = None,
    ) -> QueryObserver[S]:
        """Observe a part of it (`select`): who wants to know one thing is not told of the others.

        Args:
            choose: returns the part; called once for each new data.
            callback: gets a snapshot at each change of what can be seen.
        """
        return QueryObserver(self.client.cache, self.query, callback, select=choose)

    def get_data(self) -> T | None:
        """Return what is in the cache, fresh or not, and fetch nothing."""
        return cast("T | None", self.client.get_data(self.key))

    def set_data(self, data: T) -> T:
        """Put data into the cache."""
        return self.client.set_data(self.key, data)

    def update_data(self, updater: Callable[[T], T | Missing]) -> T | None:
        """Replace the data, where there is some, by what a function makes of it."""
        return self.client.update_data(self.key, updater)

    def invalidate(self) -> None:
        """Declare the data out of date."""
        self.client.invalidate(self.key, exact=True)

    def cancel(self) -> None:
        """Call off what is being fetched."""
        self.client.cancel(self.key, exact=True)

    def remove(self) -> None:
        """Forget it."""
        self.client.remove(self.key, exact=True)

    @property
    def state(self) -> QueryResult[T] | None:
        """What is known of it, None if nothing is."""
        return cast("QueryResult[T] | None", self.client.get_state(self.key))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.key!r}>"

    def _fetched(self, *, anew: bool, timeout: float | None) -> T:
        cache = self.client.cache
        return cast(T, cache.join(cache.start(self.query, anew=anew), timeout))

    def _refresh(self) -> None:
        self.client.cache.in_background(self.client.cache.start(self.query))


class BoundInfiniteQuery(BoundQuery[InfiniteData[T, V]], Generic[T, V]):
    """An infinite query and the client that knows its pages."""

    __slots__ = ()

    def fetch_next_page(self, *, timeout: float | None = None) -> InfiniteData[T, V]:
        """Fetch one page more, the first if there is none, and return all; nothing is asked for after the last."""
        return self._grown("forward", timeout)

    def fetch_previous_page(self, *, timeout: float | None = None) -> InfiniteData[T, V]:
        """Fetch the page before the first, and return all."""
        return self._grown("backward", timeout)

    @property
    def has_next_page(self) -> bool:
        """Whether there is a page after the last that is known."""
        return self._infinite_behavior.has_next(self.get_data())

    @property
    def has_previous_page(self) -> bool:
        """Whether there is a page before the first that is known."""
        return self._infinite_behavior.has_previous(self.get_data())

    @property
    def _infinite_behavior(self) -> InfiniteQueryBehavior[T, V]:
        return cast("InfiniteQueryBehavior[T, V]", self.query.infinite_behavior)

    def _grown(self, direction: Literal["forward", "backward"], timeout: float | None) -> InfiniteData[T, V]:
        cache = self.client.cache
        fetch = cache.start(
            self.query, anew=True, direction=direction, work=lambda base: self._infinite_behavior.grow(base, direction)
        )
        return cast("InfiniteData[T, V]", cache.join(fetch, timeout))
