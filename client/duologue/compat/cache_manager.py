"""The platform document's `CacheManager`, name by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from duologue.query.client import QueryClient
from duologue.query.keys import Key


class CacheManager:
    """What the document's `CacheManager` can do, by its names. A `QueryClient` can do all of it, and more.

    Args:
        query_client: whose cache it is; `api.queries` is one.
    """

    def __init__(self, query_client: QueryClient) -> None:
        self._queries = query_client

    def invalidate_resource(self, resource: str) -> None:
        """Invalidate all queries of a resource, as `users`."""
        self._queries.invalidate((resource,))

    def invalidate_query(self, query_key: Key) -> None:
        """Invalidate the queries that a key matches."""
        self._queries.invalidate(query_key)

    def remove_query(self, query_key: Key) -> None:
        """Remove the queries that a key matches."""
        self._queries.remove(query_key)

    def update_query_data(self, query_key: Key, updater: Callable[[Any], Any]) -> None:
        """Change the data of a query; the function gets None where there is none."""
        self._queries.update_data(query_key, updater, default=None)

    def prefetch_query(self, query_key: Key, query_fn: Callable[[], object], stale_time: float | None = None) -> None:
        """Fetch in the background what is not fresh; `stale_time` is in seconds."""
        if stale_time is None:
            self._queries.prefetch(query_key, query_fn)
        else:
            self._queries.prefetch(query_key, query_fn, stale_time=stale_time)

    def clear_cache(self) -> None:
        """Forget everything."""
        self._queries.clear()
