"""`QueryClient`: cached, shared, observed calls of any function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar, Unpack

from duologue.query.base_client import BaseQueryClient
from duologue.query.bound_query import BoundInfiniteQuery, BoundQuery
from duologue.query.infinite import InfiniteQueryBehavior
from duologue.query.keys import Key
from duologue.query.mutation import Mutation, MutationOptions
from duologue.query.observer import QueryObserver
from duologue.query.options import QueryOptions, QuerySpec
from duologue.query.resource_queries.realtime_sync import EventSource, RealtimeSync
from duologue.query.result import QueryResult
from duologue.query.state import MISSING

T = TypeVar("T")
V = TypeVar("V")
P = ParamSpec("P")


class QueryClient(BaseQueryClient):
    """TanStack Query's `QueryClient`, for threads that wait instead of promises.

        query_client = QueryClient()
        users = query_client.fetch(("users",), api.users.list)      # sends a request
        users = query_client.fetch(("users",), api.users.list)      # from the cache, for five minutes
        query_client.invalidate(("users",))                         # the next fetch sends a request again

    Safe to share between threads. A fetch runs on the first thread that requests it; other threads that request the
    same wait for it. No function of yours is called with a lock held. All callers get the same objects: do not modify
    them.

    A forked process has the data that the cache had at that moment. Fetches that were in progress, and optimistic
    updates, are the parent's: in the child such a query is idle, and its data is as it was before. Background threads
    are started again when they are needed; an executor that was passed must survive the fork itself.

    Args:
        clock: time and waiting; tests pass their own.
        executor: runs background fetches; by default a pool of four threads, which `close` ends. An executor that is
            passed is left running.
        max_entries: how many queries to keep (10,000 by default); those with observers are kept in any case.
        options: defaults for all queries; see `QueryOptions`.
    """

    # ---- queries -------------------------------------------------------------------------------------------------

    def query(self, key: Key, function: Callable[[], T] | None, **options: Unpack[QueryOptions]) -> BoundQuery[T]:
        """Return a query to use several times; nothing is fetched yet.

        Args:
            key: a tuple of JSON values.
            function: fetches the data; None for data that is only set by hand.
            options: see `QueryOptions`.

        Raises:
            TypeError: the key is not a tuple of JSON values, or an unknown option.
        """
        return BoundQuery(self, QuerySpec(key, function, self.default_options.merge(options)))

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
        """Return a query that is fetched page by page (`useInfiniteQuery`).

        Args:
            key: a tuple of JSON values.
            function: fetches the page of a parameter.
            initial_page_param: the parameter of the first page.
            get_next_page_param: given the last page and all pages, the parameter of the next; None if there is none.
            get_previous_page_param: given the first page and all pages, the parameter of the one before.
            max_pages: how many pages to keep; None or 0 keeps all.
            options: see `QueryOptions`.

        Raises:
            ValueError: `max_pages` is negative.
        """
        behavior = InfiniteQueryBehavior(
            function, initial_page_param, get_next_page_param, get_previous_page_param, max_pages
        )
        settings = self.default_options.merge(options)
        spec: QuerySpec[Any] = QuerySpec(key, behavior.refetch(MISSING), settings, infinite_behavior=behavior)
        return BoundInfiniteQuery(self, spec)

    def mutation(self, function: Callable[P, T], **options: Unpack[MutationOptions]) -> Mutation[P, T]:
        """Return a mutation: call it like the function (`useMutation`); see `Mutation`."""
        return Mutation(self, function, **options)

    # ---- one call each -------------------------------------------------------------------------------------------

    def fetch(
        self, key: Key, function: Callable[[], T], *, timeout: float | None = None, **options: Unpack[QueryOptions]
    ) -> T:
        """Return fresh data from the cache, else fetch it (`fetchQuery`); see `BoundQuery.fetch`."""
        return self.query(key, function, **options).fetch(timeout=timeout)

    def prefetch(self, key: Key, function: Callable[[], object], **options: Unpack[QueryOptions]) -> None:
        """Fetch in the background unless the data is fresh; errors are not raised (`prefetchQuery`)."""
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
        """Observe a query (`useQuery`, `QueryObserver`); see `QueryObserver`."""
        return self.query(key, function, **options).observe(callback)

    def sync(self, events: EventSource) -> RealtimeSync:
        """Keep the cache up to date with Realtime events: `query_client.sync(api.realtime)`; see `RealtimeSync`."""
        return RealtimeSync(self, events)
