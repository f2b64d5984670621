"""What to fetch and how long it is fresh: the options of a query, and its specification. Times are in seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypedDict, TypeVar

from duologue.query.infinite import InfiniteQueryBehavior
from duologue.query.keys import Key, QueryHash, hash_key
from duologue.query.retry import RetryOptions

T = TypeVar("T")

STALE_TIME: Final = 300.0
"""How long data is fresh: five minutes (`staleTime` of the Platform API specification's `queryClient`)."""

CACHE_TIME: Final = 600.0
"""How long data without observers is kept: ten minutes (`cacheTime`, likewise)."""


class QueryOptions(TypedDict, total=False):
    """The options of a query; those left out come from the `QueryClient`.

    Args:
        stale_time: seconds for which data is fresh and not fetched again (`staleTime`). 300 by default.
        cache_time: seconds for which data without observers is kept (`cacheTime`). 600 by default.
        retry: how failures are retried; a number is the maximum of retries (`retry`, `retryDelay`). 3 by default.
        structural_sharing: whether equal parts of new data stay the same objects (`structuralSharing`).
        enabled: whether observers fetch by themselves (`enabled`).
        keep_previous_data: whether an observer that changes to another key shows the old data until there is new
            (`keepPreviousData`).
    """

    stale_time: float
    cache_time: float
    retry: RetryOptions | int
    structural_sharing: bool
    enabled: bool
    keep_previous_data: bool


@dataclass(frozen=True, slots=True)
class Settings:
    """`QueryOptions` with the defaults filled in."""

    stale_time: float = STALE_TIME
    cache_time: float = CACHE_TIME
    retry: RetryOptions = field(default_factory=RetryOptions)
    structural_sharing: bool = True
    enabled: bool = True
    keep_previous_data: bool = False

    def merge(self, options: QueryOptions) -> Settings:
        """Return these settings with some options changed.

        Raises:
            TypeError: an unknown option.
        """
        if not options:
            return self
        values: dict[str, Any] = {name: getattr(self, name) for name in self.__dataclass_fields__} | dict(options)
        values["retry"] = RetryOptions.resolve(values["retry"])
        return Settings(**values)


class QuerySpec(Generic[T]):
    """What a query is: its key, function and settings. It does nothing by itself.

    Args:
        key: a tuple of JSON values.
        function: fetches the data; None for a query whose data is only set by hand.
        settings: the options.
        infinite_behavior: how an infinite query fetches its pages.
    """

    __slots__ = ("function", "infinite_behavior", "key", "query_hash", "settings")

    def __init__(
        self,
        key: Key,
        function: Callable[[], T] | None,
        settings: Settings,
        *,
        infinite_behavior: InfiniteQueryBehavior[Any, Any] | None = None,
    ) -> None:
        self.key = key
        self.function = function
        self.settings = settings
        self.infinite_behavior = infinite_behavior
        self.query_hash: QueryHash = hash_key(key)

    def __repr__(self) -> str:
        return f"<QuerySpec {self.key!r}>"
