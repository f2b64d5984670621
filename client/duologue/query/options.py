"""What to fetch: a key, a function, and how long its answer is good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar

from duologue.query import defaults
from duologue.query.keys import Key, QueryHash, hash_key
from duologue.query.retry import RetryOptions

if TYPE_CHECKING:
    from duologue.query.infinite import InfiniteQueryBehavior

T = TypeVar("T")


class QueryOptions(TypedDict, total=False):
    """What can be said of a query; what is left out comes from the `QueryClient`.

    Args:
        stale_time: seconds for which data counts as fresh and is not fetched again (`staleTime`).
        cache_time: seconds for which data is kept once nobody observes it (`cacheTime`).
        retry: how failures are met; a number is how often to try again (`retry`, `retryDelay`).
        structural_sharing: whether equal parts of new data stay the same objects (`structuralSharing`).
        enabled: whether observers fetch by themselves (`enabled`).
        keep_previous_data: whether an observer that turns to another key shows the old data until the new is there
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
    """`QueryOptions` with nothing left out."""

    stale_time: float = defaults.STALE_TIME
    cache_time: float = defaults.CACHE_TIME
    retry: RetryOptions = field(default_factory=RetryOptions)
    structural_sharing: bool = True
    enabled: bool = True
    keep_previous_data: bool = False


def settings(base: Settings, options: QueryOptions) -> Settings:
    """Return settings with some changed.

    Raises:
        TypeError: there is no such option.
    """
    if not options:
        return base
    said: dict[str, Any] = {name: getattr(base, name) for name in Settings.__dataclass_fields__} | dict(options)
    said["retry"] = RetryOptions.resolve(said["retry"])
    return Settings(**said)


class QuerySpec(Generic[T]):
    """A description of what to fetch; it does nothing by itself.

    Args:
        key: its name: a tuple of JSON values.
        function: fetches the data; None where only data that others put there is meant.
        settings: how long it is good, and so on.
        infinite_behavior: how an infinite query grows.
    """

    __slots__ = ("frozen", "function", "infinite_behavior", "key", "settings")

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
        self.frozen: QueryHash = hash_key(key)

    def __repr__(self) -> str:
        return f"<Query {self.key!r}>"
