"""The reducer of a query's state, and the one place where a query changes it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from duologue.concurrency.clock import Clock
from duologue.query.options import QuerySpec, Settings
from duologue.query.query import CachedQuery, Fetch
from duologue.query.state import (
    FailedAction,
    FetchAction,
    InvalidateAction,
    PatchAction,
    QueryState,
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
