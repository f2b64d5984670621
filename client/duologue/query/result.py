"""What an observer sees of a query: an immutable result (TanStack Query's `QueryObserverResult`)."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Generic, TypeVar

from duologue.query.infinite import InfiniteQueryBehavior
from duologue.query.state import MISSING, Direction, FetchStatus, QueryState, Status

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class QueryResult(Generic[T]):
    """What an observer sees at one moment; immutable.

    Args:
        status: `loading` (there is no data yet), `error` (the last fetch failed), or `success`.
        fetch_status: `fetching` or `idle`.
        data: the data; None if there is none.
        error: why the last fetch failed.
        updated_at: when the data was set.
        error_updated_at: when a fetch failed last.
        failure_count: failed attempts of the current or last fetch.
        failure_reason: the error of the last failed attempt.
        is_stale: whether the data should be fetched again.
        is_previous_data: whether this is the data of the previous key (`keep_previous_data`).
        is_fetched: whether there ever was data or an error.
        direction: the direction in which an infinite query is fetching a page.
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
        """Whether a fetch is in progress."""
        return self.fetch_status == "fetching"

    @property
    def is_initial_loading(self) -> bool:
        """Whether the first fetch is in progress."""
        return self.is_loading and self.is_fetching

    @property
    def is_refetching(self) -> bool:
        """Whether a fetch is in progress and there is data or an error already."""
        return self.is_fetching and not self.is_loading

    @property
    def is_loading_error(self) -> bool:
        """Whether the first fetch failed."""
        return self.is_error and self.updated_at is None

    @property
    def is_refetch_error(self) -> bool:
        """Whether a refetch failed; the older data is still there."""
        return self.is_error and self.updated_at is not None

    @property
    def has_next_page(self) -> bool:
        """Whether an infinite query has a page after the last one."""
        return self._infinite_behavior is not None and self._infinite_behavior.has_next_page(self.data)

    @property
    def has_previous_page(self) -> bool:
        """Whether an infinite query has a page before the first one."""
        return self._infinite_behavior is not None and self._infinite_behavior.has_previous_page(self.data)

    @property
    def is_fetching_next_page(self) -> bool:
        """Whether an infinite query is fetching its next page."""
        return self.is_fetching and self.direction == "forward"

    @property
    def is_fetching_previous_page(self) -> bool:
        """Whether an infinite query is fetching its previous page."""
        return self.is_fetching and self.direction == "backward"


def build_result(state: QueryState, stale_time: float, now: float) -> QueryResult[Any]:
    """Return the result that shows a state.

    Args:
        state: the query's state.
        stale_time: how many seconds its data is fresh.
        now: the clock's monotonic seconds.
    """
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
        is_fetched=state.data_update_count > 0 or state.error_update_count > 0,
        direction=state.direction,
    )


def is_same_result(one: QueryResult[Any], other: QueryResult[Any]) -> bool:
    """Return whether two results show the same. Data is compared by identity, since it is structurally shared."""
    return one is other or all(
        getattr(one, name) is getattr(other, name) or (name in _BY_VALUE and getattr(one, name) == getattr(other, name))
        for name in _COMPARED
    )


_COMPARED = tuple(field.name for field in fields(QueryResult) if field.compare)
_BY_VALUE = frozenset(_COMPARED) - {"data", "error", "failure_reason"}
