"""What is known of a query: its states, and the few ways from one to the next (TanStack Query's `query.ts`, `reducer`).

    loading ──> success <──> error        whether there is data, and whether the last fetch failed
    idle <──> fetching                    whether a fetch is under way

A failed refetch keeps the data and sets the error: status `error` with data is possible, as in TanStack Query.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

Status = Literal["loading", "error", "success"]
FetchStatus = Literal["idle", "fetching"]
Direction = Literal["forward", "backward"]


class Missing(enum.Enum):
    """The type of `MISSING`."""

    MISSING = "MISSING"

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing.MISSING
"""There is no data. None is data like any other: a query may well answer None."""


@dataclass(frozen=True, slots=True)
class QueryState:
    """What is known of a query at one moment.

    Args:
        data: the last data, `MISSING` if there never was any.
        data_updates: how often data came.
        updated_at: when it came last, None if it never did.
        fresh_from: the same moment in the clock's monotonic seconds, from which its age is counted.
        error: why the last fetch failed, None if it did not.
        error_updates: how often fetches failed.
        error_updated_at: when one failed last.
        failure_count: tries that failed in the current or last fetch.
        failure_reason: why the last of them did.
        is_invalidated: whether the data was declared out of date.
        status: see above.
        fetch_status: see above.
        direction: which way an infinite query is growing, None if it is not.
    """

    data: object = MISSING
    data_updates: int = 0
    updated_at: datetime | None = None
    fresh_from: float = 0.0
    error: BaseException | None = None
    error_updates: int = 0
    error_updated_at: datetime | None = None
    failure_count: int = 0
    failure_reason: BaseException | None = None
    is_invalidated: bool = False
    status: Status = "loading"
    fetch_status: FetchStatus = "idle"
    direction: Direction | None = None

    def is_stale(self, stale_time: float, now: float) -> bool:
        """Tell whether the data should be fetched anew (`isStaleByTime`).

        Args:
            stale_time: how many seconds data counts as fresh.
            now: the clock's monotonic seconds.
        """
        return self.is_invalidated or self.data is MISSING or now - self.fresh_from >= stale_time


def fetching(state: QueryState, direction: Direction | None = None) -> QueryState:
    """A fetch begins."""
    begun = replace(state, fetch_status="fetching", failure_count=0, failure_reason=None, direction=direction)
    return replace(begun, status="loading", error=None) if state.data is MISSING else begun


def failed(state: QueryState, count: int, error: BaseException) -> QueryState:
    """A try failed, and there will be another."""
    return replace(state, failure_count=count, failure_reason=error)


def succeeded(state: QueryState, data: object, at: datetime, fresh_from: float) -> QueryState:
    """There is new data, from wherever; a fetch that is under way goes on."""
    return replace(
        state,
        data=data,
        data_updates=state.data_updates + 1,
        updated_at=at,
        fresh_from=fresh_from,
        error=None,
        is_invalidated=False,
        status="success",
    )


def fetched(state: QueryState) -> QueryState:
    """The fetch that brought the data is over."""
    return replace(state, fetch_status="idle", failure_count=0, failure_reason=None, direction=None)


def erred(state: QueryState, error: BaseException, at: datetime) -> QueryState:
    """The fetch failed for good; data stays."""
    return replace(
        state,
        error=error,
        error_updates=state.error_updates + 1,
        error_updated_at=at,
        failure_count=state.failure_count + 1,
        failure_reason=error,
        fetch_status="idle",
        status="error",
        direction=None,
    )


def invalidated(state: QueryState) -> QueryState:
    """The data is out of date."""
    return state if state.is_invalidated else replace(state, is_invalidated=True)


def reverted(state: QueryState) -> QueryState:
    """A fetch was called off, and this was the state before it."""
    return replace(state, fetch_status="idle", direction=None)
