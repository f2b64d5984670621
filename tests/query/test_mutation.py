"""TanStack Query's semantics of mutations. Each docstring names its source.

`docs` is tanstack.com/query/v4/docs/react (`v5 docs` likewise), `src` and `tests` are in packages/query-core/src.
"""

from __future__ import annotations

from typing import Any

import pytest

from duologue import NotFoundError, ServerError
from duologue.query import Variables
from tests.query.fakes import FakeFunction, Stage


def test_callback_order(stage: Stage) -> None:
    """The callbacks are called in order (docs/guides/mutations#mutation-side-effects)."""
    log: list[Any] = []

    def on_mutate(_: Variables) -> str:
        log.append("mutate")
        return "context"

    mutate = stage.queries.mutation(
        FakeFunction(NotFoundError(status=404), "done"),
        on_mutate=on_mutate,
        on_error=lambda error, call, context: log.append(("error", context)),
        on_success=lambda data, call, context: log.append(("success", data, context)),
        on_settled=lambda data, error, call, context: log.append(("settled", data)),
    )
    with pytest.raises(NotFoundError):
        mutate()
    assert log == ["mutate", ("error", "context"), ("settled", None)]
    assert mutate.state.is_error
    assert mutate() == "done"
    assert log[3:] == ["mutate", ("success", "done", "context"), ("settled", "done")]
    assert (mutate.state.status, mutate.state.data) == ("success", "done")


def test_reset(stage: Stage) -> None:
    """A mutation can be reset (docs/guides/mutations#resetting-mutation-state)."""
    mutate = stage.queries.mutation(FakeFunction("done"))
    states: list[str] = []
    stop = mutate.subscribe(lambda state: states.append(state.status))
    mutate()
    mutate.reset()
    stop()
    mutate()
    assert states == ["loading", "success", "idle"]


def test_default_retry(stage: Stage) -> None:
    """A mutation is retried once by default (Platform API specification, queryClient)."""
    with pytest.raises(ServerError):
        stage.queries.mutation(server := FakeFunction(ServerError(status=503)))()
    assert (server.calls, stage.clock.slept) == (2, [1.0])


def test_rollback_by_hand(stage: Stage) -> None:
    """An optimistic update is rolled back by hand, as in the guide (docs/guides/optimistic-updates)."""
    queries = stage.queries
    queries.set_data(("todos",), ["one"])

    def on_mutate(call: Variables) -> Any:
        queries.cancel(("todos",))
        before = queries.get_data(("todos",))
        queries.update_data(("todos",), lambda old: [*old, call.args[0]])
        return before

    def save(todo: str) -> None:
        assert queries.get_data(("todos",)) == ["one", todo]
        raise NotFoundError(status=404)

    add = queries.mutation(
        save,
        on_mutate=on_mutate,
        on_error=lambda error, call, before: queries.set_data(("todos",), before),
        on_settled=lambda *_: queries.invalidate(("todos",)),
    )
    with pytest.raises(NotFoundError):
        add("two")
    assert queries.get_data(("todos",)) == ["one"]
