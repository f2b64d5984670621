"""What an observer's callback is called with: changes of what it observes at that moment, and nothing else."""

from __future__ import annotations

from typing import Any

from duologue.query import QueryClient, QueryResult
from tests.query.fakes import FakeFunction, Stage, observe


def test_no_change_is_no_notification(stage: Stage) -> None:
    _, results = observe(stage, ("a",), FakeFunction(), enabled=False)
    stage.queries.reset(("a",))
    assert results == []


def test_closed_by_callback_of_another(stage: Stage) -> None:
    """It is not called any more, also with what was there to be notified before."""
    first = stage.queries.observe(("a",), FakeFunction(), lambda result: second.close(), enabled=False)
    second, results = observe(stage, ("a",), FakeFunction(), enabled=False)
    stage.queries.set_data(("a",), "one")
    assert first.data == "one"
    assert results == []


def test_other_query_by_callback_of_another(stage: Stage) -> None:
    """From then on it is called with the other query's results only."""
    stage.queries.set_data(("b",), "other")
    other = stage.queries.query(("b",), FakeFunction(), enabled=False)
    first = stage.queries.observe(("a",), FakeFunction(), lambda result: second.set_query(other), enabled=False)
    second, results = observe(stage, ("a",), FakeFunction(), enabled=False)
    stage.queries.set_data(("a",), "one")
    assert first.data == "one"
    assert [result.data for result in results] == ["other"]


def test_observers_share_a_result(queries: QueryClient) -> None:
    """Each of many observers costs no result of its own, whatever it would show without data."""
    queries.set_data(("a",), "one")
    options: tuple[dict[str, Any], ...] = ({}, {}, {"keep_previous_data": True}, {"keep_previous_data": True})
    results: list[QueryResult[object]] = [
        queries.observe(("a",), FakeFunction(), enabled=False, **option).current for option in options
    ]
    assert all(result is results[0] for result in results)


def test_equal_result_is_no_notification(stage: Stage) -> None:
    """Times are compared by value: the same data at the same moment is nothing new."""
    _, results = observe(stage, ("a",), FakeFunction(), enabled=False)
    for _ in range(2):
        stage.queries.set_data(("a",), "one")
    assert [result.data for result in results] == ["one"]


def test_is_fetched(stage: Stage) -> None:
    """Once there was data, or an error, whatever comes later (`isFetched`)."""
    observer, _ = observe(stage, ("a",), FakeFunction("one"))
    failing, _ = observe(stage, ("b",), FakeFunction(ValueError()), retry=0)
    assert (observer.current.is_fetched, failing.current.is_fetched) == (False, False)
    stage.executor.run()
    assert (observer.current.is_fetched, failing.current.is_fetched) == (True, True)
    observer.refetch()
    assert observer.current.is_fetched
