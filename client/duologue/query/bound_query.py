"""A query together with its client: what `api.queries.users()` returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar, cast

from duologue.query.base_client import BaseQueryClient
from duologue.query.infinite import InfiniteData, InfiniteQueryBehavior
from duologue.query.keys import Key
from duologue.query.observer import QueryObserver, RefetchOnMount
from duologue.query.options import QuerySpec
from duologue.query.result import QueryResult
from duologue.query.state import MISSING, Direction, Missing

T = TypeVar("T")
S = TypeVar("S")
P = TypeVar("P")


class BoundQuery(Generic[T]):
    """A query and the client whose cache has its data.

    Args:
        client: the client.
        spec: the query.
    """

    __slots__ = ("client", "spec")

    def __init__(self, client: BaseQueryClient, spec: QuerySpec[T]) -> None:
        self.client = client
        self.spec = spec

    @property
    def key(self) -> Key:
        """The query's key."""
        return self.spec.key

    def fetch(self, *, timeout: float | None = None) -> T:
        """Return fresh data: from the cache, else fetched on this thread (`fetchQuery`).

        Args:
            timeout: seconds to wait for another thread that is fetching the same; None waits without limit. A call that
                this thread makes itself has the timeouts of the function.

        Raises:
            QueryTimeout: it took longer.
            QueryCancelledError: the fetch was cancelled.
            Exception: what the function raised on the last attempt; all waiting threads get it.
        """
        data = self.client.cache.get_fresh_data(self.spec)
        return cast(T, data) if data is not MISSING else self._fetch(timeout)

    def prefetch(self) -> None:
        """Fetch in the background unless the data is fresh (`prefetchQuery`)."""
        if self.client.cache.get_fresh_data(self.spec) is MISSING:
            self._fetch_in_background()

    def ensure(self, *, revalidate_if_stale: bool = False, timeout: float | None = None) -> T:
        """Return data from the cache, fresh or not; fetch it only if there is none (`ensureQueryData`).

        Args:
            revalidate_if_stale: fetch stale data again in the background, once for all callers.
            timeout: see `fetch`.
        """
        data = self.client.cache.get_fresh_data(self.spec)
        if data is not MISSING:
            return cast(T, data)
        state = self.client.cache.get_state(self.spec.query_hash)
        if state is None or state.data is MISSING:
            return self._fetch(timeout)
        if revalidate_if_stale:
            self._fetch_in_background()
        return cast(T, state.data)

    def refetch(self, *, timeout: float | None = None) -> T:
        """Fetch, fresh or not, and return the data; see `fetch`."""
        return self._fetch(timeout, cancel_refetch=True)

    def observe(
        self,
        callback: Callable[[QueryResult[T]], object] | None = None,
        *,
        refetch_on_mount: RefetchOnMount = "stale",
    ) -> QueryObserver[T]:
        """Observe the query, and have it fetched in the background when it is stale (`useQuery`).

        Args:
            callback: called with each new result.
            refetch_on_mount: whether to fetch data that is there already: if it is `stale`, `always` or `never`.
        """
        return QueryObserver(self.client.fetcher, self.spec, callback, refetch_on_mount=refetch_on_mount)

    def select(
        self, selector: Callable[[T], S], callback: Callable[[QueryResult[S]], object] | None = None
    ) -> QueryObserver[S]:
        """Observe a part of the data (`select`); the callback is not called when only other parts change.

        Args:
            selector: returns the part; called once for each new data.
            callback: called with each new result.
        """
        return QueryObserver(self.client.fetcher, self.spec, callback, select=selector)

    def get_data(self) -> T | None:
        """Return the data in the cache, fresh or not, without fetching (`getQueryData`)."""
        return cast("T | None", self.client.get_data(self.key))

    def set_data(self, data: T) -> T:
        """Set the data (`setQueryData`)."""
        return self.client.set_data(self.key, data)

    def update_data(self, updater: Callable[[T], T | Missing]) -> T | None:
        """Replace the data, if there is some, by the result of a function."""
        return self.client.update_data(self.key, updater)

    def invalidate(self) -> None:
        """Mark the data as out of date (`invalidateQueries`)."""
        self.client.invalidate(self.key, exact=True)

    def cancel(self) -> None:
        """Cancel the fetch in progress (`cancelQueries`)."""
        self.client.cancel(self.key, exact=True)

    def remove(self) -> None:
        """Remove the query from the cache (`removeQueries`)."""
        self.client.remove(self.key, exact=True)

    @property
    def state(self) -> QueryResult[T] | None:
        """The query's state, None if it is not in the cache (`getQueryState`)."""
        return cast("QueryResult[T] | None", self.client.get_state(self.key))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.key!r}>"

    def _fetch(self, timeout: float | None, *, cancel_refetch: bool = False, direction: Direction | None = None) -> T:
        fetcher = self.client.fetcher
        return cast(T, fetcher.fetch(self.spec, timeout, cancel_refetch=cancel_refetch, direction=direction))

    def _fetch_in_background(self) -> None:
        self.client.fetcher.prefetch(self.spec)


class BoundInfiniteQuery(BoundQuery[InfiniteData[T, P]], Generic[T, P]):
    """An infinite query and the client whose cache has its pages (`useInfiniteQuery`)."""

    __slots__ = ()

    def fetch_next_page(self, *, timeout: float | None = None) -> InfiniteData[T, P]:
        """Fetch the next page, or the first if there is none, and return all pages; after the last, fetch nothing."""
        return self._fetch(timeout, cancel_refetch=True, direction="forward")

    def fetch_previous_page(self, *, timeout: float | None = None) -> InfiniteData[T, P]:
        """Fetch the page before the first, and return all pages."""
        return self._fetch(timeout, cancel_refetch=True, direction="backward")

    @property
    def has_next_page(self) -> bool:
        """Whether there is a page after the last one in the cache."""
        return self._behavior.has_next_page(self.get_data())

    @property
    def has_previous_page(self) -> bool:
        """Whether there is a page before the first one in the cache."""
        return self._behavior.has_previous_page(self.get_data())

    @property
    def _behavior(self) -> InfiniteQueryBehavior[T, P]:
        return cast("InfiniteQueryBehavior[T, P]", self.spec.infinite_behavior)
