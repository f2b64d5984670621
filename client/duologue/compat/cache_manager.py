"""The Platform API specification's `CacheManager`, name by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from duologue.query.client import QueryClient
from duologue.query.keys import Key


class CacheManager:
    """The methods of the specification's `CacheManager`, under its names. A `QueryClient` has all of them, and more.

    Args:
        query_client: the cache, such as `api.query_client`.
    """

    def __init__(self, query_client: QueryClient) -> None:
        self._client = query_client

    def invalidate_resource(self, resource: str) -> None:
        """Invalidate all queries of a resource such as `users`."""
        self._client.invalidate((resource,))

    def invalidate_query(self, query_key: Key) -> None:
        """Invalidate the queries that match a key."""
        self._client.invalidate(query_key)

    def remove_query(self, query_key: Key) -> None:
        """Remove the queries that match a key."""
        self._client.remove(query_key)

    def update_query_data(self, query_key: Key, updater: Callable[[Any], Any]) -> None:
        """Change the data of a query; the function gets None if there is none."""
        self._client.update_data(query_key, updater, default=None)

    def prefetch_query(self, query_key: Key, query_fn: Callable[[], object], stale_time: float | None = None) -> None:
        """Fetch in the background unless the data is fresh; `stale_time` is in seconds."""
        if stale_time is None:
            self._client.prefetch(query_key, query_fn)
        else:
            self._client.prefetch(query_key, query_fn, stale_time=stale_time)

    def clear_cache(self) -> None:
        """Remove all queries."""
        self._client.clear()
