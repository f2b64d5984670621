"""The reducer of a query's state, and the one place where a query changes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from duologue.concurrency.clock import Clock
from duologue.query.options import QuerySpec, Settings
from duologue.query.query import CachedQuery, Fetch
from duologue.query.state import (
    MISSING,
    Action,
    ErrorAction,
    FailedAction,
    FetchAction,
    InvalidateAction,
    PatchAction,
    QueryState,
    ResetAction,
    RevertAction,
    SuccessAction,
    reduce,
)

NOW = datetime(2024, 1, 1, tzinfo=UTC)


class FakeObserver:
    enabled = True
    spec: QuerySpec[Any] = QuerySpec(("a",), None, Settings())

    def __init__(self) -> None:
        self.states: list[QueryState] = []

    def on_query_update(self, state: QueryState) -> None:
        self.states.append(state)


def create_query() -> tuple[CachedQuery, FakeObserver]:
    query, observer = CachedQuery(QuerySpec(("a",), None, Settings()), 1), FakeObserver()
    query.observers[observer] = None
    return query, observer


def create_fetch(query: CachedQuery) -> Fetch:
    return Fetch(
        query,
        lambda: None,
        query.spec.settings,
        started_at=1,
        revert_state=query.state,
        run=lambda flight: None,
        on_idle=lambda fetch: None,
        on_end=lambda fetch: None,
        clock=Clock(),
        waiting={},
    )


def set_data(data: object) -> SuccessAction:
    return SuccessAction(data, NOW, 0.0, manual=True)


BEFORE, FAILURE = ValueError("before"), ValueError("now")
BUSY = QueryState(
    data="old",
    data_update_count=2,
    updated_at=NOW,
    fresh_from=7.0,
    error=BEFORE,
    error_update_count=3,
    error_updated_at=NOW,
    failure_count=1,
    failure_reason=BEFORE,
    is_invalidated=True,
    status="error",
    fetch_status="fetching",
    direction="backward",
)
"""No field has its default."""
LATER = datetime(2024, 1, 2, tzinfo=UTC)
IDLE: dict[str, Any] = {"fetch_status": "idle", "direction": None}
NEW: dict[str, Any] = {
    "data": "new",
    "data_update_count": 3,
    "updated_at": LATER,
    "fresh_from": 9.0,
    "error": None,
    "is_invalidated": False,
    "status": "success",
}


@pytest.mark.parametrize(
    ("action", "changes"),
    [
        (FetchAction("forward"), {"failure_count": 0, "failure_reason": None, "direction": "forward"}),
        (FailedAction(2, FAILURE), {"failure_count": 2, "failure_reason": FAILURE}),
        (
            ErrorAction(FAILURE, LATER),
            {
                "error": FAILURE,
                "error_update_count": 4,
                "error_updated_at": LATER,
                "failure_count": 2,
                "failure_reason": FAILURE,
                **IDLE,
            },
        ),
        (SuccessAction("new", LATER, 9.0, manual=True), NEW),
        (SuccessAction("new", LATER, 9.0, manual=True, is_invalidated=True), {**NEW, "is_invalidated": True}),
        (
            SuccessAction("new", LATER, 9.0, manual=False),
            {**NEW, "failure_count": 0, "failure_reason": None, **IDLE},
        ),
        (PatchAction("new"), {"data": "new"}),
        (RevertAction(BUSY), IDLE),
    ],
)
def test_changes_of_action(action: Action, changes: dict[str, Any]) -> None:
    """Everything else stays."""
    assert reduce(BUSY, action) == replace(BUSY, **changes)


def test_fetch_without_data() -> None:
    """The error of the last fetch is forgotten only where there is no data."""
    state = reduce(reduce(QueryState(), ErrorAction(FAILURE, NOW)), FetchAction())
    assert (state.status, state.error, state.fetch_status, state.direction) == ("loading", None, "fetching", None)
    assert (state.error_update_count, state.error_updated_at, state.data) == (1, NOW, MISSING)
    assert repr(state.data) == "MISSING"


def test_reset_state() -> None:
    assert reduce(BUSY, ResetAction()) == QueryState()


@pytest.mark.parametrize(
    ("state", "now", "stale"),
    [
        (QueryState(data=1, fresh_from=7.0), 16.9, False),
        (QueryState(data=1, fresh_from=7.0), 17.0, True),
        (QueryState(data=1, fresh_from=7.0, is_invalidated=True), 7.0, True),
        (QueryState(fresh_from=7.0), 7.0, True),
    ],
)
def test_is_stale(state: QueryState, now: float, stale: bool) -> None:
    assert state.is_stale(10.0, now) == stale


def test_unchanged_state_is_same() -> None:
    state = reduce(reduce(QueryState(), set_data(1)), InvalidateAction())
    assert reduce(state, InvalidateAction()) is state
    assert reduce(state, PatchAction(1)) is state


def test_patch_does_not_refresh() -> None:
    state = reduce(reduce(QueryState(), set_data(1)), InvalidateAction())
    patched = reduce(state, PatchAction(2))
    assert (patched.data, patched.is_invalidated, patched.data_update_count) == (2, True, 1)


def test_dispatch_notifies_once() -> None:
    query, observer = create_query()
    query.dispatch(set_data(1))
    query.dispatch(PatchAction(1))
    assert observer.states == [query.state]


def test_removed_query_is_silent() -> None:
    query, observer = create_query()
    query.removed = True
    query.dispatch(FetchAction())
    assert observer.states == []
    assert query.state.fetch_status == "fetching"


def test_revert_keeps_manual_data() -> None:
    """What is set by hand, patched or invalidated during a fetch outlasts its cancellation; its failures do not."""
    query, _ = create_query()
    query.fetch = fetch = create_fetch(query)
    for action in (FetchAction(), FailedAction(1, ValueError()), set_data(1), PatchAction(2), InvalidateAction()):
        query.dispatch(action)
    query.dispatch(RevertAction(fetch.revert_state))
    state = query.state
    assert (state.data, state.is_invalidated, state.status, state.fetch_status) == (2, True, "success", "idle")
    assert state.failure_count == 0
