"""TanStack Query's semantics, a row for each: what it is, and where its documents or tests say so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from duologue import NotFoundError, ServerError
from duologue.query import InfiniteData, QueryClient, QueryResult, Variables
from tests.query.fakes import Later, Server, SteppedClock

DOCS = "tanstack.com/query/v4/docs/react"
TESTS = "packages/query-core/src/tests"


class Stage(NamedTuple):
    """What a row plays with."""

    queries: QueryClient
    later: Later
    clock: SteppedClock


Play = Callable[[Stage], None]
ROWS: list[tuple[str, str, Play]] = []


def row(behaviour: str, source: str) -> Callable[[Play], Play]:
    def add(play: Play) -> Play:
        ROWS.append((behaviour, source, play))
        return play

    return add


def seen_by(stage: Stage, key: Any, function: Any, **options: Any) -> tuple[Any, list[QueryResult[Any]]]:
    seen: list[QueryResult[Any]] = []
    return stage.queries.observe(key, function, seen.append, **options), seen


def steps(seen: list[QueryResult[Any]]) -> list[tuple[str, str, Any]]:
    return [(one.status, one.fetch_status, one.data) for one in seen]


@row("a query begins loading, then succeeds", f"{DOCS}/guides/queries")
def _(stage: Stage) -> None:
    _, seen = seen_by(stage, ("a",), Server("one"))
    stage.later.run()
    assert steps(seen) == [("loading", "fetching", None), ("success", "idle", "one")]


@row("a query that fails at last is an error, with the number of failures", f"{TESTS}/query.test.tsx")
def _(stage: Stage) -> None:
    _, seen = seen_by(stage, ("a",), Server(ServerError(status=500)), retry=1)
    stage.later.run()
    assert [(one.status, one.failure_count) for one in seen] == [("loading", 0), ("loading", 1), ("error", 2)]
    assert seen[-1].is_loading_error


@row("failures are forgotten when a try succeeds", f"{DOCS}/guides/query-retries")
def _(stage: Stage) -> None:
    observer, seen = seen_by(stage, ("a",), Server(ServerError(status=500), "one"))
    stage.later.run()
    assert [one.failure_count for one in seen] == [0, 1, 0]
    assert observer.current.failure_reason is None


@row("stale data is shown while it is fetched again, when an observer mounts", f"{DOCS}/guides/important-defaults")
def _(stage: Stage) -> None:
    stage.queries.set_data(("a",), "old")
    stage.clock.advance(301)
    _, seen = seen_by(stage, ("a",), Server("new"))
    stage.later.run()
    assert steps(seen) == [("success", "fetching", "old"), ("success", "idle", "new")]


@row("fresh data is not fetched when an observer mounts", f"{DOCS}/guides/important-defaults")
def _(stage: Stage) -> None:
    stage.queries.set_data(("a",), "fresh")
    observer, seen = seen_by(stage, ("a",), Server("new"))
    assert (seen, stage.later.jobs, observer.data) == ([], [], "fresh")


@row("a disabled query is not fetched by itself, but on demand", f"{DOCS}/guides/disabling-queries")
def _(stage: Stage) -> None:
    observer, seen = seen_by(stage, ("a",), server := Server("one"), enabled=False)
    stage.queries.invalidate(("a",))
    stage.queries.refetch(("a",))
    stage.later.run()
    assert (server.calls, observer.current.status) == (0, "loading")
    assert observer.refetch().data == "one"
    assert seen[-1].is_success


@row("a disabled query that is enabled is fetched", f"{DOCS}/guides/dependent-queries")
def _(stage: Stage) -> None:
    server = Server("one")
    with stage.queries.query(("a",), server, enabled=False).observe() as observer:
        observer.set_query(stage.queries.query(("a",), server))
        stage.later.run()
        assert observer.data == "one"


@row("previous data is kept until the new key's is there", f"{DOCS}/guides/paginated-queries")
def _(stage: Stage) -> None:
    pages = [stage.queries.query(("page", number), Server(number), keep_previous_data=True) for number in (1, 2)]
    seen: list[QueryResult[int]] = []
    with pages[0].observe(seen.append) as observer:
        stage.later.run()
        observer.set_query(pages[1])
        stage.later.run()
    assert [(one.data, one.is_previous_data, one.is_fetching) for one in seen[1:]] == [
        (1, False, False),
        (1, True, True),
        (2, False, False),
    ]


@row("without it, a new key begins loading", f"{DOCS}/guides/paginated-queries")
def _(stage: Stage) -> None:
    with stage.queries.query(("page", 1), Server(1)).observe() as observer:
        stage.later.run()
        observer.set_query(stage.queries.query(("page", 2), Server(2)))
        assert (observer.current.status, observer.data) == ("loading", None)


@row("a new key that fails shows its error, not the previous data", "packages/query-core/src/queryObserver.ts")
def _(stage: Stage) -> None:
    with stage.queries.query(("page", 1), Server(1)).observe() as observer:
        stage.later.run()
        failing = Server(NotFoundError(status=404))
        observer.set_query(stage.queries.query(("page", 2), failing, keep_previous_data=True))
        stage.later.run()
        assert (observer.current.status, observer.data) == ("error", None)


@row("cancelling the second try of a query that failed leaves it failed", f"{TESTS}/query.test.tsx")
def _(stage: Stage) -> None:
    observer, seen = seen_by(stage, ("a",), Server(NotFoundError(status=404)))
    stage.later.run()
    stage.queries.prefetch(("a",), Server("one"))
    assert observer.current.is_loading
    stage.queries.cancel(("a",))
    assert [one.status for one in seen] == ["loading", "error", "loading", "error"]


@row("invalidation matches by prefix and fetches what is active again", f"{DOCS}/guides/query-invalidation")
def _(stage: Stage) -> None:
    todos, other = Server("one", "two"), Server("one", "two")
    observer, _ = seen_by(stage, ("todos", {"page": 1}), todos)
    stage.queries.fetch(("others",), other)
    stage.later.run()
    stage.queries.invalidate(("todos",))
    stage.later.run()
    assert (observer.data, todos.calls, other.calls) == ("two", 2, 1)


@row("a dictionary in a prefix matches any superset", f"{DOCS}/guides/query-invalidation")
def _(stage: Stage) -> None:
    for page in (1, 2):
        stage.queries.set_data(("todos", {"type": "done", "page": page}), page)
    stage.queries.set_data(("todos",), 0)
    stage.queries.remove(("todos", {"type": "done"}))
    assert stage.queries.get_queries_data() == [(("todos",), 0)]


@row("`exact` matches one key only", f"{DOCS}/guides/filters")
def _(stage: Stage) -> None:
    stage.queries.set_data(("todos",), 0)
    stage.queries.set_data(("todos", 1), 1)
    stage.queries.remove(("todos",), exact=True)
    assert stage.queries.get_queries_data() == [(("todos", 1), 1)]


@row("inactive queries are marked, and fetched when they are used next", f"{DOCS}/guides/query-invalidation")
def _(stage: Stage) -> None:
    stage.queries.fetch(("a",), server := Server("one", "two"))
    stage.queries.invalidate()
    assert server.calls == 1
    observer, _ = seen_by(stage, ("a",), server)
    stage.later.run()
    assert observer.data == "two"


@row("data set by hand clears an error and an invalidation", f"{TESTS}/query.test.tsx")
def _(stage: Stage) -> None:
    observer, _ = seen_by(stage, ("a",), Server(NotFoundError(status=404)))
    stage.later.run()
    assert observer.current.is_error
    stage.queries.set_data(("a",), "by hand")
    assert (observer.current.status, observer.current.error, observer.current.is_stale) == ("success", None, False)


@row("cancelling puts the state back", f"{DOCS}/guides/query-cancellation")
def _(stage: Stage) -> None:
    observer, seen = seen_by(stage, ("a",), Server("one"))
    stage.queries.cancel()
    stage.later.run()
    assert steps(seen) == [("loading", "fetching", None), ("loading", "idle", None)]
    assert observer.current.failure_count == 0


@row("a reset query is loading again, and fetched if it is active", f"{TESTS}/queryClient.test.tsx, resetQueries")
def _(stage: Stage) -> None:
    _, seen = seen_by(stage, ("a",), Server("one", "two"))
    stage.later.run()
    stage.queries.reset(("a",))
    stage.later.run()
    assert [one.data for one in seen] == [None, "one", None, None, "two"]


@row("ensure returns stale data without fetching", f"{DOCS}/reference/QueryClient#queryclientensurequerydata")
def _(stage: Stage) -> None:
    stage.queries.set_data(("a",), "old")
    stage.clock.advance(500)
    assert stage.queries.ensure(("a",), Server("new")) == "old"


@row("prefetching swallows errors", f"{DOCS}/guides/prefetching")
def _(stage: Stage) -> None:
    stage.queries.prefetch(("a",), Server(NotFoundError(status=404)))
    stage.later.run()
    state = stage.queries.get_state(("a",))
    assert state is not None
    assert state.is_error


@row("the longest of the cache times asked for counts", f"{TESTS}/query.test.tsx")
def _(stage: Stage) -> None:
    stage.queries.fetch(("a",), Server(1), cache_time=50)
    stage.queries.query(("a",), Server(2), cache_time=10).refetch()
    stage.clock.advance(40)
    assert stage.queries.get_data(("a",)) == 2
    stage.clock.advance(10)
    assert stage.queries.get_data(("a",)) is None


@row("what is observed is not collected; its time begins when the last observer leaves", f"{DOCS}/guides/caching")
def _(stage: Stage) -> None:
    observer, _ = seen_by(stage, ("a",), Server("one"))
    stage.later.run()
    stage.clock.advance(10_000)
    assert stage.queries.get_data(("a",)) == "one"
    observer.close()
    stage.clock.advance(599)
    assert stage.queries.get_data(("a",)) == "one"
    stage.clock.advance(1)
    assert stage.queries.get_data(("a",)) is None


@row("an observer of a part is told of that part only", f"{DOCS}/guides/render-optimizations#select")
def _(stage: Stage) -> None:
    server = Server({"name": "Ada", "age": 1}, {"name": "Ada", "age": 2}, {"name": "Grace", "age": 3})
    query = stage.queries.query(("a",), server)
    names: list[str | None] = []
    query.select(lambda user: user["name"], lambda seen: names.append(seen.data))
    stage.later.run()
    query.refetch()
    query.refetch()
    assert list(dict.fromkeys(names)) == [None, "Ada", "Grace"]


@row("a selection that fails is an error", f"{TESTS}/queryObserver.test.tsx, select error")
def _(stage: Stage) -> None:
    stage.queries.set_data(("a",), 0)
    observer = stage.queries.query(("a",), Server(0)).select(lambda number: 1 / number)
    assert isinstance(observer.current.error, ZeroDivisionError)


@row("equal data keeps its identity", f"{DOCS}/guides/important-defaults")
def _(stage: Stage) -> None:
    query = stage.queries.query(("a",), lambda: {"todos": [{"id": 1}]})
    assert query.fetch() is query.refetch()


@row("identity is not kept where that is switched off", f"{DOCS}/reference/useQuery")
def _(stage: Stage) -> None:
    query = stage.queries.query(("a",), lambda: {"todos": [{"id": 1}]}, structural_sharing=False)
    assert query.fetch() is not query.refetch()


def pages(stage: Stage, server: Callable[[int], Any], last: int = 3, **options: Any) -> Any:
    return stage.queries.infinite(
        ("pages",),
        server,
        initial_page_param=1,
        get_next_page_param=lambda page, _: page + 1 if page < last else None,
        get_previous_page_param=lambda page, _: page - 1 if page > -1 else None,
        **options,
    )


@row("an infinite query grows until there is no next parameter", f"{DOCS}/guides/infinite-queries")
def _(stage: Stage) -> None:
    query = pages(stage, lambda page: page)
    assert [len(query.fetch_next_page().pages) for _ in range(5)] == [1, 2, 3, 3, 3]
    assert not query.has_next_page
    assert query.get_data() == InfiniteData((1, 2, 3), (1, 2, 3))


@row("it grows at its beginning too", f"{DOCS}/guides/infinite-queries")
def _(stage: Stage) -> None:
    query = pages(stage, lambda page: page)
    query.fetch()
    assert query.fetch_previous_page() == InfiniteData((0, 1), (0, 1))


@row("it is refetched from the first page on, one after the other", f"{DOCS}/guides/infinite-queries")
def _(stage: Stage) -> None:
    asked: list[int] = []

    def serve(page: int) -> int:
        asked.append(page)
        return page

    query = pages(stage, serve)
    for _ in range(3):
        query.fetch_next_page()
    asked.clear()
    query.refetch()
    assert asked == [1, 2, 3]


@row("a page that is no longer there ends the refetch", "packages/query-core/src/infiniteQueryBehavior.ts")
def _(stage: Stage) -> None:
    last = [3]
    query = stage.queries.infinite(
        ("pages",),
        lambda page: page,
        initial_page_param=1,
        get_next_page_param=lambda page, _: page + 1 if page < last[0] else None,
    )
    for _ in range(3):
        query.fetch_next_page()
    last[0] = 2
    assert query.refetch().pages == (1, 2)


@row("no more than `max_pages` are kept", "tanstack.com/query/v5/docs/framework/react/guides/infinite-queries")
def _(stage: Stage) -> None:
    query = pages(stage, lambda page: page, last=9, max_pages=2)
    for _ in range(4):
        query.fetch_next_page()
    assert query.get_data() == InfiniteData((3, 4), (3, 4))
    assert query.fetch_previous_page() == InfiniteData((2, 3), (2, 3))


@row("the direction in which it grows can be seen", f"{DOCS}/guides/infinite-queries")
def _(stage: Stage) -> None:
    seen: list[QueryResult[Any]] = []
    with pages(stage, lambda page: page).observe(seen.append) as observer:
        stage.later.run()
        observer.fetch_next_page()
        observer.fetch_previous_page()
    assert [(one.is_fetching_next_page, one.is_fetching_previous_page) for one in seen] == [
        (False, False),
        (False, False),
        (True, False),
        (False, False),
        (False, True),
        (False, False),
    ]
    assert seen[-1].has_next_page


@row("the callbacks of a mutation come in order", f"{DOCS}/guides/mutations#mutation-side-effects")
def _(stage: Stage) -> None:
    log: list[Any] = []

    def begin(_: Variables) -> str:
        log.append("mutate")
        return "context"

    mutate = stage.queries.mutation(
        Server(NotFoundError(status=404), "done"),
        on_mutate=begin,
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


@row("a mutation can be reset", f"{DOCS}/guides/mutations#resetting-mutation-state")
def _(stage: Stage) -> None:
    mutate = stage.queries.mutation(Server("done"))
    states: list[str] = []
    stop = mutate.subscribe(lambda state: states.append(state.status))
    mutate()
    mutate.reset()
    stop()
    mutate()
    assert states == ["loading", "success", "idle"]


@row("a mutation is tried again as often as it says, by default once", "the platform document, config/queryClient.ts")
def _(stage: Stage) -> None:
    with pytest.raises(ServerError):
        stage.queries.mutation(server := Server(ServerError(status=503)))()
    assert (server.calls, stage.clock.slept) == (2, [1.0])


@row("an optimistic update is put back by hand, as in the guide", f"{DOCS}/guides/optimistic-updates")
def _(stage: Stage) -> None:
    queries = stage.queries
    queries.set_data(("todos",), ["one"])

    def begin(call: Variables) -> Any:
        queries.cancel(("todos",))
        before = queries.get_data(("todos",))
        queries.update_data(("todos",), lambda old: [*old, call.args[0]])
        return before

    def save(todo: str) -> None:
        assert queries.get_data(("todos",)) == ["one", todo]
        raise NotFoundError(status=404)

    add = queries.mutation(
        save,
        on_mutate=begin,
        on_error=lambda error, call, before: queries.set_data(("todos",), before),
        on_settled=lambda *_: queries.invalidate(("todos",)),
    )
    with pytest.raises(NotFoundError):
        add("two")
    assert queries.get_data(("todos",)) == ["one"]


@pytest.mark.parametrize(
    ("behaviour", "source", "play"), ROWS, ids=[behaviour.replace(" ", "_") for behaviour, _, _ in ROWS]
)
def test_semantics(
    behaviour: str, source: str, play: Play, queries: QueryClient, later: Later, clock: SteppedClock
) -> None:
    assert source
    play(Stage(queries, later, clock))
