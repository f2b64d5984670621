"""Data that is set, updated, shared and removed by hand, while fetches and optimistic updates go on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from duologue.query import QueryClient
from tests.query.fakes import BlockingFunction, FakeClock, FakeFunction, ManualExecutor, Stage, Thread, observe


def get_state(queries: QueryClient, key: Any = ("a",)) -> Any:
    state = queries.get_state(key)
    assert state is not None
    return state


def test_time_of_set_data(queries: QueryClient, clock: FakeClock) -> None:
    """It is as old as its `updated_at` says, and else new: `stale_time` counts from then."""
    clock.advance(1000)
    queries.set_data(("a",), 1)
    assert get_state(queries).updated_at == clock.now()
    clock.advance(299.5)
    assert not get_state(queries).is_stale
    clock.advance(0.5)
    assert get_state(queries).is_stale
    earlier = clock.now() - timedelta(seconds=299)
    queries.set_data(("a",), 2, updated_at=earlier)
    assert (get_state(queries).updated_at, get_state(queries).is_stale) == (earlier, False)
    clock.advance(1)
    assert get_state(queries).is_stale


def test_set_data_during_fetch(queries: QueryClient) -> None:
    """The data is there at once, and the fetch in progress goes on."""
    blocking = BlockingFunction("fetched")
    thread = Thread(lambda: queries.fetch(("a",), blocking))
    blocking.started.wait()
    queries.set_data(("a",), "set")
    assert (get_state(queries).data, get_state(queries).fetch_status) == ("set", "fetching")
    blocking.release.set()
    assert thread.result == "fetched"
    assert (get_state(queries).data, get_state(queries).fetch_status) == ("fetched", "idle")


def test_set_data_is_shared(queries: QueryClient) -> None:
    """Parts that are equal stay the same objects, whether the data is set or updated optimistically."""
    one = queries.set_data(("a",), {"same": [1], "number": 1})
    two = queries.set_data(("a",), {"same": [1], "number": 2})
    assert two == {"same": [1], "number": 2}
    assert two["same"] is one["same"]
    queries.optimistic_update(("a",), lambda _: {"same": [1], "number": 3})
    three = queries.get_data(("a",))
    assert three == {"same": [1], "number": 3}
    assert three["same"] is one["same"]


def test_set_data_is_not_shared(clock: FakeClock, executor: ManualExecutor) -> None:
    with QueryClient(clock=clock, executor=executor, structural_sharing=False) as queries:
        queries.set_data(("a",), [1])
        new = [1]
        assert queries.set_data(("a",), new) is new
        assert queries.get_data(("a",)) is new


def test_invalidate_exact(queries: QueryClient) -> None:
    for key in (("todos",), ("todos", 1)):
        queries.set_data(key, 0)
    queries.invalidate(("todos",), exact=True)
    assert [get_state(queries, key).is_stale for key in (("todos",), ("todos", 1))] == [True, False]


def wrap(old: Any) -> Any:
    return [old]


def test_update_after_reset(queries: QueryClient) -> None:
    """There is no data any more that could be updated, and none that is shown with an optimistic update."""
    queries.set_data(("a",), 1)
    queries.reset(("a",))
    assert queries.update_data(("a",), wrap) is None
    with queries.optimistic_update(("a",), wrap):
        assert (get_state(queries).status, queries.get_data(("a",))) == ("loading", None)
    queries.edit_queries_data(("a",), wrap)
    assert (get_state(queries).status, queries.get_data(("a",))) == ("loading", None)


def test_edit_data(stage: Stage) -> None:
    """It becomes no fresher by that, and stays out of date if it was; optimistic updates still apply."""
    queries = stage.queries
    observer, results = observe(stage, ("a",), None)
    queries.set_data(("a",), ["one"])
    queries.set_data(("other",), "same")
    update = queries.optimistic_update(("a",), lambda old: [*old, "optimistic"])
    set_at = get_state(queries).updated_at
    stage.clock.advance(200)
    queries.edit_queries_data(("a",), lambda old: [*old, "two"])
    assert (observer.data, get_state(queries).updated_at) == (["one", "two", "optimistic"], set_at)
    update.rollback()
    assert (observer.data, results[-1].data) == (["one", "two"], ["one", "two"])
    stage.clock.advance(100)
    assert get_state(queries).is_stale
    assert queries.get_data(("other",)) == "same"
    queries.set_data(("a",), ["new"])
    queries.invalidate(("a",))
    queries.edit_queries_data((), lambda old: [*old, "er"])
    assert (observer.data, get_state(queries).is_stale) == (["new", "er"], True)


def test_edit_that_changes_nothing(stage: Stage) -> None:
    observer, results = observe(stage, ("a",), None)
    stage.queries.set_data(("a",), ["one"])
    before = len(results)
    stage.queries.edit_queries_data((), lambda old: old)
    assert (observer.data, results[before:]) == (["one"], [])


def test_update_of_removed_query(queries: QueryClient) -> None:
    """What another thread has removed meanwhile stays removed."""
    queries.set_data(("a",), 1)

    def update(old: int) -> int:
        queries.remove(("a",))
        return old + 1

    assert queries.update_data(("a",), update) is None
    assert queries.get_state(("a",)) is None


def test_removed_while_fetching(stage: Stage) -> None:
    """An observer keeps the last result, and is notified of nothing more."""
    observer, results = observe(stage, ("a",), FakeFunction("one", "two"))
    stage.executor.run()
    before = len(results)
    stage.queries.invalidate(("a",))
    assert [result.is_fetching for result in results[before:]] == [False, True]
    before = len(results)
    stage.queries.remove(("a",))
    stage.executor.run()
    assert results[before:] == []
    assert (observer.data, stage.queries.get_data(("a",)), len(stage.queries)) == ("one", None, 0)


@pytest.mark.parametrize("in_background", [True, False])
def test_retry_without_observer(stage: Stage, in_background: bool) -> None:
    """A fetch for an observer that has closed is not retried, unless a thread waits for it (src/query.ts)."""
    observer: Any = None

    def fail() -> None:
        server()
        observer.close()
        raise ValueError("no")

    server = FakeFunction()
    observer, _ = observe(stage, ("a",), fail, retry=2)
    if in_background:
        stage.executor.run()
    else:
        with pytest.raises(ValueError, match="no"):
            stage.queries.fetch(("a",), fail)
    assert server.calls == (1 if in_background else 3)
    assert stage.clock.slept == ([] if in_background else [1.0, 2.0])
    assert get_state(stage.queries).status == "error"


def test_failing_optimistic_update(queries: QueryClient, caplog: pytest.LogCaptureFixture) -> None:
    """It is skipped and logged, and the others are applied."""
    queries.set_data(("a",), 1)
    queries.optimistic_update(("a",), lambda data: data + 10)
    queries.optimistic_update(("a",), lambda data: data["name"])
    queries.optimistic_update(("a",), lambda data: data + 100)
    assert queries.get_data(("a",)) == 111
    assert {record.getMessage() for record in caplog.records} == {"An optimistic update failed"}
    assert all(record.exc_info is not None for record in caplog.records)
