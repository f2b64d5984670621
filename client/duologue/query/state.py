"""The state of a query, and the actions that change it (the reducer of TanStack Query's `query.ts`).

    loading ──> success <──> error        whether there is data, and whether the last fetch failed
    idle <──> fetching                    whether a fetch is in progress

A failed refetch keeps the data and sets the error: status `error` with data is possible, as in TanStack Query.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, NamedTuple, TypeAlias

Status = Literal["loading", "error", "success"]
FetchStatus = Literal["idle", "fetching"]
Direction = Literal["forward", "backward"]


class Missing(enum.Enum):
    """The type of `MISSING`."""

    MISSING = "MISSING"

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing.MISSING
"""There is no data. None is data like any other: a query function may return None."""


@dataclass(frozen=True, slots=True)
class QueryState:
    """The state of a query at one moment.

    Args:
        data: the latest data; `MISSING` if there never was any.
        data_update_count: how often data was set.
        updated_at: when it was set last; None if it never was.
        fresh_from: the same moment in the clock's monotonic seconds, from which its age is counted.
        error: why the last fetch failed; None if it did not.
        error_update_count: how often fetches failed.
        error_updated_at: when one failed last.
        failure_count: failed attempts of the current or last fetch.
        failure_reason: the error of the last failed attempt.
        is_invalidated: whether the data was invalidated.
        status: see above.
        fetch_status: see above.
        direction: the direction in which an infinite query is fetching a page; None if it is not.
    """

    data: object = MISSING
    data_update_count: int = 0
    updated_at: datetime | None = None
    fresh_from: float = 0.0
    error: BaseException | None = None
    error_update_count: int = 0
    error_updated_at: datetime | None = None
    failure_count: int = 0
    failure_reason: BaseException | None = None
    is_invalidated: bool = False
    status: Status = "loading"
    fetch_status: FetchStatus = "idle"
    direction: Direction | None = None

    def is_stale(self, stale_time: float, now: float) -> bool:
        """Return whether the data should be fetched again (`isStaleByTime`).

        Args:
            stale_time: how many seconds data is fresh.
            now: the clock's monotonic seconds.
        """
        return self.is_invalidated or self.data is MISSING or now - self.fresh_from >= stale_time


class FetchAction(NamedTuple):
    """A fetch starts."""

    direction: Direction | None = None


class FailedAction(NamedTuple):
    """An attempt failed, and there will be another."""

    failure_count: int
    error: BaseException


class ErrorAction(NamedTuple):
    """The last attempt failed. Data stays."""

    error: BaseException
    updated_at: datetime


class SuccessAction(NamedTuple):
    """There is new data: a fetch returned it, or it was set by hand (`manual`), and a fetch in progress goes on."""

    data: object
    updated_at: datetime
    fresh_from: float
    manual: bool
    is_invalidated: bool = False


class PatchAction(NamedTuple):
    """An optimistic update was applied, committed or rolled back; the data becomes no fresher by that."""

    data: object


class InvalidateAction(NamedTuple):
    """The data is out of date."""


class RevertAction(NamedTuple):
    """A fetch was cancelled: return to the state before it."""

    state: QueryState


class ResetAction(NamedTuple):
    """Return to the state before any data."""


Action: TypeAlias = (
    FetchAction
    | FailedAction
    | ErrorAction
    | SuccessAction
    | PatchAction
    | InvalidateAction
    | RevertAction
    | ResetAction
)


def reduce(state: QueryState, action: Action) -> QueryState:
    """Return the state after an action; the same object if nothing changes."""
    match action:
        case FetchAction(direction):
            state = replace(state, fetch_status="fetching", failure_count=0, failure_reason=None, direction=direction)
            return replace(state, status="loading", error=None) if state.data is MISSING else state
        case FailedAction(failure_count, error):
            return replace(state, failure_count=failure_count, failure_reason=error)
        case ErrorAction(error, updated_at):
            return replace(
                state,
                error=error,
                error_update_count=state.error_update_count + 1,
                error_updated_at=updated_at,
                failure_count=state.failure_count + 1,
                failure_reason=error,
                fetch_status="idle",
                status="error",
                direction=None,
            )
        case SuccessAction(data, updated_at, fresh_from, manual, is_invalidated):
            state = replace(
                state,
                data=data,
                data_update_count=state.data_update_count + 1,
                updated_at=updated_at,
                fresh_from=fresh_from,
                error=None,
                is_invalidated=is_invalidated,
                status="success",
            )
            if manual:
                return state
            return replace(state, fetch_status="idle", failure_count=0, failure_reason=None, direction=None)
        case PatchAction(data):
            return state if data is state.data else replace(state, data=data)
        case InvalidateAction():
            return state if state.is_invalidated else replace(state, is_invalidated=True)
        case RevertAction(previous):
            return replace(previous, fetch_status="idle", direction=None)
        case ResetAction():
            return QueryState()
