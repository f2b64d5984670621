"""TanStack Query's semantics of queries and observers. Each docstring names its source.

`docs` is tanstack.com/query/v4/docs/react (`v5 docs` likewise), `src` and `tests` are in packages/query-core/src.
"""

from __future__ import annotations

from typing import Any

from duologue import NotFoundError, ServerError
from duologue.query import QueryResult
from tests.query.fakes import FakeFunction, Stage, observe


def get_steps(results: list[QueryResult[Any]]) -> list[tuple[str, str, Any]]:
    return [(result.status, result.fetch_status, result.data) for result in results]


def test_success(stage: Stage) -> None:
    """A query starts as loading, then succeeds (docs/guides/queries)."""
    _, results = observe(stage, ("a",), FakeFunction("one"))
    stage.executor.run()
    assert get_steps(results) == [("loading", "fetching", None), ("success", "idle", "one")]


def test_error(stage: Stage) -> None:
    """A query whose last attempt fails is an error with the number of failures (tests/query.test.tsx)."""
    _, results = observe(stage, ("a",), FakeFunction(ServerError(status=500)), retry=1)
    stage.executor.run()
    assert [(result.status, result.failure_count) for result in results] == [
        ("loading", 0),
        ("loading", 1),
        ("error", 2),
    ]
    assert results[-1].is_loading_error


def test_retry_succeeds(stage: Stage) -> None:
    """The failure count is reset when an attempt succeeds (docs/guides/query-retries)."""
    observer, results = observe(stage, ("a",), FakeFunction(ServerError(status=500), "one"))
    stage.executor.run()
    assert [result.failure_count for result in results] == [0, 1, 0]
    assert observer.current.failure_reason is None


def test_stale_on_mount(stage: Stage) -> None:
    """An observer shows stale data while it is fetched again (docs/guides/important-defaults)."""
    stage.queries.set_data(("a",), "old")
    stage.clock.advance(301)
    _, results = observe(stage, ("a",), FakeFunction("new"))
    stage.executor.run()
    assert get_steps(results) == [("success", "fetching", "old"), ("success", "idle", "new")]


def test_fresh_on_mount(stage: Stage) -> None:
    """An observer does not fetch fresh data (docs/guides/important-defaults)."""
    stage.queries.set_data(("a",), "fresh")
    observer, results = observe(stage, ("a",), FakeFunction("new"))
    assert (results, stage.executor.jobs, observer.data) == ([], [], "fresh")


def test_disabled(stage: Stage) -> None:
    """A disabled query is only fetched by its own `refetch` (docs/guides/disabling-queries)."""
    observer, results = observe(stage, ("a",), server := FakeFunction("one"), enabled=False)
    stage.queries.invalidate(("a",))
    stage.queries.refetch(("a",))
    stage.executor.run()
    assert (server.calls, observer.current.status) == (0, "loading")
    assert observer.refetch().data == "one"
    assert results[-1].is_success


def test_enable(stage: Stage) -> None:
    """A query is fetched when it is enabled (docs/guides/dependent-queries)."""
    server = FakeFunction("one")
    with stage.queries.query(("a",), server, enabled=False).observe() as observer:
        observer.set_query(stage.queries.query(("a",), server))
        stage.executor.run()
        assert observer.data == "one"


def test_keep_previous_data(stage: Stage) -> None:
    """Previous data is kept until there is data of the new key (docs/guides/paginated-queries)."""
    pages = [stage.queries.query(("page", number), FakeFunction(number), keep_previous_data=True) for number in (1, 2)]
    results: list[QueryResult[int]] = []
    with pages[0].observe(results.append) as observer:
        stage.executor.run()
        observer.set_query(pages[1])
        stage.executor.run()
    assert [(result.data, result.is_previous_data, result.is_fetching) for result in results[1:]] == [
        (1, False, False),
        (1, True, True),
        (2, False, False),
    ]


def test_new_key_without_previous_data(stage: Stage) -> None:
    """Without `keep_previous_data` a new key is loading (docs/guides/paginated-queries)."""
    with stage.queries.query(("page", 1), FakeFunction(1)).observe() as observer:
        stage.executor.run()
        observer.set_query(stage.queries.query(("page", 2), FakeFunction(2)))
        assert (observer.current.status, observer.data) == ("loading", None)


def test_new_key_fails(stage: Stage) -> None:
    """A new key that fails shows its error, not the previous data (src/queryObserver.ts)."""
    with stage.queries.query(("page", 1), FakeFunction(1)).observe() as observer:
        stage.executor.run()
        failing = FakeFunction(NotFoundError(status=404))
        observer.set_query(stage.queries.query(("page", 2), failing, keep_previous_data=True))
        stage.executor.run()
        assert (observer.current.status, observer.data) == ("error", None)


def test_cancel_after_error(stage: Stage) -> None:
    """Cancelling the refetch of a failed query leaves it failed (tests/query.test.tsx)."""
    observer, results = observe(stage, ("a",), FakeFunction(NotFoundError(status=404)))
    stage.executor.run()
    stage.queries.prefetch(("a",), FakeFunction("one"))
    assert observer.current.is_loading
    stage.queries.cancel(("a",))
    assert [result.status for result in results] == ["loading", "error", "loading", "error"]


def test_invalidate_active(stage: Stage) -> None:
    """Invalidation matches by prefix and refetches active queries (docs/guides/query-invalidation)."""
    todos, other = FakeFunction("one", "two"), FakeFunction("one", "two")
    observer, _ = observe(stage, ("todos", {"page": 1}), todos)
    stage.queries.fetch(("others",), other)
    stage.executor.run()
    stage.queries.invalidate(("todos",))
    stage.executor.run()
    assert (observer.data, todos.calls, other.calls) == ("two", 2, 1)


def test_filter_dictionary(stage: Stage) -> None:
    """A dictionary in a prefix matches any superset (docs/guides/query-invalidation)."""
    for page in (1, 2):
        stage.queries.set_data(("todos", {"type": "done", "page": page}), page)
    stage.queries.set_data(("todos",), 0)
    stage.queries.remove(("todos", {"type": "done"}))
    assert stage.queries.get_queries_data() == [(("todos",), 0)]


def test_filter_exact(stage: Stage) -> None:
    """`exact` matches one key only (docs/guides/filters)."""
    stage.queries.set_data(("todos",), 0)
    stage.queries.set_data(("todos", 1), 1)
    stage.queries.remove(("todos",), exact=True)
    assert stage.queries.get_queries_data() == [(("todos", 1), 1)]


def test_invalidate_inactive(stage: Stage) -> None:
    """Inactive queries are marked, and fetched when they are used next (docs/guides/query-invalidation)."""
    stage.queries.fetch(("a",), server := FakeFunction("one", "two"))
    stage.queries.invalidate()
    assert server.calls == 1
    observer, _ = observe(stage, ("a",), server)
    stage.executor.run()
    assert observer.data == "two"


def test_set_data_after_error(stage: Stage) -> None:
    """Setting data clears an error and an invalidation (tests/query.test.tsx)."""
    observer, _ = observe(stage, ("a",), FakeFunction(NotFoundError(status=404)))
    stage.executor.run()
    assert observer.current.is_error
    stage.queries.set_data(("a",), "by hand")
    assert (observer.current.status, observer.current.error, observer.current.is_stale) == ("success", None, False)


def test_cancel(stage: Stage) -> None:
    """Cancelling reverts the state (docs/guides/query-cancellation)."""
    observer, results = observe(stage, ("a",), FakeFunction("one"))
    stage.queries.cancel()
    stage.executor.run()
    assert get_steps(results) == [("loading", "fetching", None), ("loading", "idle", None)]
    assert observer.current.failure_count == 0


def test_reset(stage: Stage) -> None:
    """A reset query is loading again, and fetched if it is active (tests/queryClient.test.tsx, resetQueries)."""
    _, results = observe(stage, ("a",), FakeFunction("one", "two"))
    stage.executor.run()
    stage.queries.reset(("a",))
    stage.executor.run()
    assert [result.data for result in results] == [None, "one", None, None, "two"]


def test_ensure_stale(stage: Stage) -> None:
    """`ensure` returns stale data without fetching (docs/reference/QueryClient#queryclientensurequerydata)."""
    stage.queries.set_data(("a",), "old")
    stage.clock.advance(500)
    assert stage.queries.ensure(("a",), FakeFunction("new")) == "old"


def test_prefetch_error(stage: Stage) -> None:
    """`prefetch` raises no error (docs/guides/prefetching)."""
    stage.queries.prefetch(("a",), FakeFunction(NotFoundError(status=404)))
    stage.executor.run()
    state = stage.queries.get_state(("a",))
    assert state is not None
    assert state.is_error


def test_set_before_observed(stage: Stage) -> None:
    """Data that was set has no function; the observer's is used from then on (src/query.ts, `fetch`)."""
    stage.queries.set_data(("a",), "set")
    _, results = observe(stage, ("a",), FakeFunction("one", "two", "three"))
    stage.executor.run()
    assert results == [], "it is fresh"
    for name in ("invalidate", "refetch", "reset"):
        getattr(stage.queries, name)(("a",))
        stage.executor.run()
    assert [result.data for result in results if result.fetch_status == "idle"] == ["set", "one", "two", None, "three"]


def test_set_before_observed_twice(stage: Stage) -> None:
    """The function of the first observer that has one is used, also for an observer without (src/query.ts)."""
    stage.queries.set_data(("a",), "set")
    without, _ = observe(stage, ("a",), None)
    observe(stage, ("a",), FakeFunction("one"))
    assert without.refetch().data == "one"


def test_longest_cache_time(stage: Stage) -> None:
    """The longest cache time counts (tests/query.test.tsx)."""
    stage.queries.fetch(("a",), FakeFunction(1), cache_time=50)
    stage.queries.query(("a",), FakeFunction(2), cache_time=10).refetch()
    stage.clock.advance(40)
    assert stage.queries.get_data(("a",)) == 2
    stage.clock.advance(10)
    assert stage.queries.get_data(("a",)) is None


def test_gc_after_last_observer(stage: Stage) -> None:
    """The cache time starts when the last observer closes (docs/guides/caching)."""
    observer, _ = observe(stage, ("a",), FakeFunction("one"))
    stage.executor.run()
    stage.clock.advance(10_000)
    assert stage.queries.get_data(("a",)) == "one"
    observer.close()
    stage.clock.advance(599)
    assert stage.queries.get_data(("a",)) == "one"
    stage.clock.advance(1)
    assert stage.queries.get_data(("a",)) is None


def test_select(stage: Stage) -> None:
    """An observer with `select` is notified of changes of that part only (docs/guides/render-optimizations#select)."""
    server = FakeFunction({"name": "Ada", "age": 1}, {"name": "Ada", "age": 2}, {"name": "Grace", "age": 3})
    query = stage.queries.query(("a",), server)
    names: list[str | None] = []
    query.select(lambda user: user["name"], lambda results: names.append(results.data))
    stage.executor.run()
    query.refetch()
    query.refetch()
    assert list(dict.fromkeys(names)) == [None, "Ada", "Grace"]


def test_select_error(stage: Stage) -> None:
    """A selector that raises is an error (tests/queryObserver.test.tsx, select error)."""
    stage.queries.set_data(("a",), 0)
    observer = stage.queries.query(("a",), FakeFunction(0)).select(lambda number: 1 / number)
    assert isinstance(observer.current.error, ZeroDivisionError)


def test_structural_sharing(stage: Stage) -> None:
    """Equal data keeps its identity (docs/guides/important-defaults)."""
    query = stage.queries.query(("a",), lambda: {"todos": [{"id": 1}]})
    assert query.fetch() is query.refetch()


def test_structural_sharing_off(stage: Stage) -> None:
    """Identity is not kept without structural sharing (docs/reference/useQuery)."""
    query = stage.queries.query(("a",), lambda: {"todos": [{"id": 1}]}, structural_sharing=False)
    assert query.fetch() is not query.refetch()
