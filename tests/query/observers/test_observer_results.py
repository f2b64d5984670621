"""What an observer shows, when it fetches, and what it shares; `test_observer` has what is TanStack Query's."""

from __future__ import annotations

from typing import Any

import pytest

from duologue import NotFoundError
from duologue.query import QueryObserver, QueryResult, QueryTimeout
from tests.query.fakes import TIMEOUT, BlockingFunction, FakeFunction, Stage, Thread, observe


@pytest.mark.parametrize(
    ("refetch_on_mount", "age", "calls"),
    [("stale", 299, 0), ("stale", 300, 1), ("always", 0, 1), ("never", 0, 0), ("never", 300, 0)],
)
def test_refetch_on_mount(stage: Stage, refetch_on_mount: Any, age: float, calls: int) -> None:
    stage.queries.set_data(("a",), "set")
    stage.clock.advance(age)
    query = stage.queries.query(("a",), server := FakeFunction("fetched"))
    with query.observe(refetch_on_mount=refetch_on_mount) as observer:
        stage.executor.run()
        assert (server.calls, observer.data) == (calls, "fetched" if calls else "set")


def test_never_on_mount_without_data(stage: Stage) -> None:
    """`never` is about data that is there."""
    query = stage.queries.query(("a",), FakeFunction("fetched"))
    with query.observe(refetch_on_mount="never") as observer:
        stage.executor.run()
        assert observer.data == "fetched"


def test_closed(stage: Stage) -> None:
    observer, results = observe(stage, ("a",), FakeFunction("one"))
    assert not observer.closed
    with observer:
        stage.executor.run()
    before = len(results)
    assert observer.closed
    stage.queries.set_data(("a",), "two")
    observer.refetch()
    assert results[before:] == []
    assert [query.observers for query in stage.queries.cache.find_all(("a",))] == [{}]


def test_stale_with_time(stage: Stage) -> None:
    """`current` is stale from the moment on at which the data is, and nothing is fetched by that."""
    observer, _ = observe(stage, ("a",), FakeFunction("one", "two"), stale_time=10)
    stage.executor.run()
    assert not observer.current.is_stale
    stage.clock.advance(9.5)
    assert not observer.current.is_stale
    stage.clock.advance(0.5)
    assert (observer.current.is_stale, observer.data, stage.executor.jobs) == (True, "one", [])


def test_shared_results(stage: Stage) -> None:
    """Observers with the same stale time get the same objects; each of the others its own."""
    one, other = (observe(stage, ("a",), FakeFunction("data"), stale_time=10)[0] for _ in range(2))
    hasty, _ = observe(stage, ("a",), FakeFunction("data"), stale_time=5)
    stage.executor.run()
    assert one.current is other.current
    stage.clock.advance(7)
    assert [observer.current.is_stale for observer in (one, hasty, other)] == [False, True, False]
    assert one.data is hasty.data


def test_refetch_error(stage: Stage) -> None:
    """It is in the result, with the data there was."""
    error = NotFoundError(status=404)
    observer, _ = observe(stage, ("a",), FakeFunction("one", error))
    stage.executor.run()
    result = observer.refetch()
    assert (result.status, result.data, result.error, result.is_refetch_error) == ("error", "one", error, True)
    assert result is observer.current


def test_interrupted_refetch(stage: Stage) -> None:
    observer, _ = observe(stage, ("a",), FakeFunction("one", KeyboardInterrupt(), "two"))
    stage.executor.run()
    with pytest.raises(KeyboardInterrupt):
        observer.refetch()
    assert (observer.current.status, observer.current.fetch_status) == ("success", "idle")
    assert observer.refetch().data == "two"


@pytest.mark.parametrize("cancel_refetch", [True, False])
def test_refetch_during_fetch(stage: Stage, cancel_refetch: bool) -> None:
    """It replaces the fetch in progress, or joins it; either way nothing older than it is shown."""
    stage.queries.set_data(("a",), "set")
    blocking = BlockingFunction("first")
    observer, _ = observe(stage, ("a",), blocking)
    thread = Thread(observer.refetch)
    assert blocking.started.wait(TIMEOUT)
    if cancel_refetch:
        blocking.result = "never"
        observer.set_query(stage.queries.query(("a",), FakeFunction("second")))
        assert observer.refetch().data == "second"
        blocking.release.set()
        assert thread.result.data == "second"
    else:
        with pytest.raises(QueryTimeout):
            observer.refetch(cancel_refetch=False, timeout=5)
        assert stage.clock.slept == [5]
        blocking.release.set()
        assert thread.result.data == observer.data == "first"
        assert blocking.calls == 1


def test_refetch_after_removal(stage: Stage) -> None:
    """An observer whose query was removed observes it again when it fetches."""
    observer, results = observe(stage, ("a",), FakeFunction("one", "two"))
    stage.executor.run()
    stage.queries.remove(("a",))
    assert observer.data == "one"
    assert observer.refetch().data == "two"
    stage.queries.set_data(("a",), "three")
    assert [observer.data, results[-1].data] == ["three", "three"]
    observer.close()
    assert [query.observers for query in stage.queries.cache.find_all(("a",))] == [{}]


def test_set_query_with_same_key(stage: Stage) -> None:
    """Other options of the same query fetch nothing, unless they enable it; they hold from then on."""
    observer, results = observe(stage, ("a",), server := FakeFunction("one"), stale_time=10)
    stage.executor.run()
    stage.clock.advance(7)
    before = len(results)
    observer.set_query(stage.queries.query(("a",), server, stale_time=5).spec)
    assert (observer.current.is_stale, [result.is_stale for result in results[before:]]) == (True, [True])
    assert (server.calls, stage.executor.jobs) == (1, [])
    observer.set_query(stage.queries.query(("a",), server, enabled=False))
    observer.set_query(stage.queries.query(("a",), server, stale_time=100))
    stage.executor.run()
    assert server.calls == 1, "it is fresh"
    observer.set_query(stage.queries.query(("a",), server, enabled=False))
    observer.set_query(stage.queries.query(("a",), server, stale_time=5))
    stage.executor.run()
    assert server.calls == 2


def test_set_query_with_other_key(stage: Stage) -> None:
    """The query before is observed no more: it is not shown, and collected."""
    observer, results = observe(stage, ("a",), FakeFunction("one"))
    stage.executor.run()
    before = len(results)
    observer.set_query(stage.queries.query(("b",), FakeFunction("two")))
    stage.queries.set_data(("a",), "hidden")
    stage.executor.run()
    assert [(result.status, result.data) for result in results[before:]] == [("loading", None), ("success", "two")]
    assert repr(observer) == "<QueryObserver ('b',) success>"
    stage.clock.advance(10_000)
    assert [key for key, _ in stage.queries.get_queries_data()] == [("b",)]


def test_previous_data(stage: Stage) -> None:
    """It is shown with its time and status until there is data of the new key, but not after an error."""
    observer, results = observe(stage, ("page", 1), FakeFunction("one"), keep_previous_data=True)
    stage.executor.run()
    last = results[-1]
    stage.clock.advance(5)
    observer.set_query(
        stage.queries.query(("page", 2), FakeFunction(NotFoundError(status=404)), keep_previous_data=True)
    )
    shown = observer.current
    assert (shown.data, shown.status, shown.updated_at, shown.is_previous_data, shown.is_fetching) == (
        "one",
        "success",
        last.updated_at,
        True,
        True,
    )
    stage.executor.run()
    assert (observer.current.status, observer.current.is_previous_data) == ("error", False)
    observer.set_query(stage.queries.query(("page", 3), FakeFunction("three"), keep_previous_data=True))
    assert (observer.current.status, observer.data) == ("loading", None)


def create_selecting(stage: Stage, server: FakeFunction, selector: Any) -> tuple[QueryObserver[Any], list[Any]]:
    results: list[QueryResult[Any]] = []
    return stage.queries.query(("a",), server).select(selector, results.append), results


def test_select_stale_data(stage: Stage) -> None:
    stage.queries.set_data(("a",), 1)
    stage.clock.advance(300)
    observer, _ = create_selecting(stage, FakeFunction(2), lambda number: number * 10)
    assert observer.data == 10
    stage.executor.run()
    assert observer.data == 20


def test_select_once(stage: Stage) -> None:
    """The selector is called once for each new data, and equal parts of what it returns stay the same objects."""
    selected: list[Any] = []

    def select(data: Any) -> Any:
        selected.append(data)
        return {"same": [1], "name": data["name"]}

    observer, _ = create_selecting(stage, FakeFunction({"name": "Ada"}, {"name": "Grace"}), select)
    assert (observer.data, selected) == (None, [])
    stage.executor.run()
    first = observer.data
    assert observer.data is first
    assert first == {"same": [1], "name": "Ada"}
    second = observer.refetch().data
    assert second == {"same": [1], "name": "Grace"}
    assert second["same"] is first["same"]
    assert selected == [{"name": "Ada"}, {"name": "Grace"}]


def test_select_error(stage: Stage) -> None:
    """The error is shown, with what was selected before, and is gone with the next data."""
    observer, results = create_selecting(stage, FakeFunction(1, 0, 2), lambda number: 10 // number)
    stage.executor.run()
    failed = observer.refetch()
    assert (failed.status, failed.data, type(failed.error)) == ("error", 10, ZeroDivisionError)
    assert results[-1].status == "error"
    fixed = observer.refetch()
    assert (fixed.status, fixed.data, fixed.error) == ("success", 5, None)
