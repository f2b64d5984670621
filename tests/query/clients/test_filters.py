"""Which queries a prefix and `exact` match, and what is cleared for another user."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from duologue.query import QueryClient, QueryTimeout
from duologue.query.base_client import MAX_WORKERS
from tests.query.fakes import TIMEOUT, BlockingFunction, FakeClock, FakeFunction, Stage, Thread, observe, wait_until

KEYS = (("a",), ("a", 1), ("b",))


@pytest.fixture
def functions(queries: QueryClient) -> dict[Any, FakeFunction]:
    """The functions of three queries, each of which was called once."""
    functions = {key: FakeFunction(*range(10)) for key in KEYS}
    for key, function in functions.items():
        queries.query(key, function).refetch()
    return functions


EXACT = pytest.mark.parametrize(("exact", "matched"), [(True, KEYS[:1]), (False, KEYS[:2])])


@EXACT
def test_refetch(queries: QueryClient, functions: dict[Any, FakeFunction], exact: bool, matched: Any) -> None:
    queries.refetch(("a",), exact=exact)
    assert [key for key, function in functions.items() if function.calls == 2] == list(matched)


@EXACT
@pytest.mark.parametrize("method", ["remove", "reset"])
@pytest.mark.usefixtures("functions")
def test_emptied(queries: QueryClient, method: str, exact: bool, matched: Any) -> None:
    getattr(queries, method)(("a",), exact=exact)
    assert [key for key in KEYS if queries.get_data(key) is None] == list(matched)


@EXACT
def test_cancel(queries: QueryClient, exact: bool, matched: Any) -> None:
    for key in KEYS:
        queries.prefetch(key, FakeFunction())
    queries.cancel(("a",), exact=exact)
    assert queries.is_fetching() == len(KEYS) - len(matched)


@pytest.mark.usefixtures("functions")
def test_remove_inactive(queries: QueryClient) -> None:
    queries.observe(("a",), FakeFunction(), enabled=False)
    queries.remove_inactive(("a",))
    assert [queries.get_data(key) for key in KEYS] == [0, None, 0]


@pytest.mark.usefixtures("functions")
def test_optimistic_update_is_of_one(queries: QueryClient) -> None:
    queries.optimistic_update(("a",), lambda data: data + 100)
    assert [queries.get_data(key) for key in KEYS] == [100, 0, 0]


def test_refetch_with_timeout(queries: QueryClient, clock: FakeClock) -> None:
    blocking = BlockingFunction()
    thread = Thread(lambda: queries.fetch(("a",), blocking))
    assert blocking.started.wait(TIMEOUT)
    with pytest.raises(QueryTimeout):
        queries.refetch(("a",), timeout=5)
    assert clock.slept == [5]
    blocking.release.set()
    assert thread.result == "result"


def test_update_returns_what_it_has_made(queries: QueryClient) -> None:
    """Not what another thread makes of it before it returns."""
    queries.set_data(("a",), 1)
    queries.observe(("a",), FakeFunction(), lambda _: queries.remove(("a",)), enabled=False)
    assert queries.update_data(("a",), lambda data: data + 1) == 2


def test_repr(queries: QueryClient) -> None:
    queries.set_data(("a",), 1)
    assert repr(queries) == "<QueryClient 1 queries>"
    queries.close()
    assert repr(queries) == "<QueryClient 0 queries closed>"


def test_clear_user_data(stage: Stage) -> None:
    """Observers are notified in the background; each user has another number."""
    stage.queries.set_data(("a",), 1)
    _, results = observe(stage, ("a",), FakeFunction(), enabled=False)
    for _ in range(2):
        stage.queries.clear_user_data()
    assert stage.queries.generation == 2
    assert results == []
    stage.executor.run()
    assert [(result.status, result.data) for result in results] == [("loading", None)]
    stage.queries.set_data(("a",), 2)
    stage.queries.after_fork()
    assert stage.queries.get_data(("a",)) == 2


def test_fork_while_user_data_is_cleared(queries: QueryClient) -> None:
    queries.set_data(("a",), "secret")
    queries._clearing = 1  # by a thread that the forked process does not have
    queries.after_fork()
    assert queries.get_data(("a",)) is None
    queries.set_data(("a",), "of the next user")
    queries.after_fork()
    assert queries.get_data(("a",)) == "of the next user"


def test_user_data_of_closed_client() -> None:
    queries = QueryClient()
    queries.close()
    queries.clear_user_data()
    assert len(queries) == 0


def test_background_threads() -> None:
    """So many fetch at a time."""
    before = set(threading.enumerate())
    with QueryClient() as queries:
        functions = [BlockingFunction() for _ in range(MAX_WORKERS + 1)]
        for number, function in enumerate(functions):
            queries.prefetch((number,), function)
        wait_until(lambda: sum(function.started.is_set() for function in functions) == MAX_WORKERS)
        assert (
            sum(thread.name.startswith("duologue-query") for thread in {*threading.enumerate()} - before) == MAX_WORKERS
        )
        assert sum(function.started.is_set() for function in functions) == MAX_WORKERS
        for function in functions:
            function.release.set()
        assert queries.wait_idle(timeout=TIMEOUT)
        assert all(function.calls == 1 for function in functions)
