"""What `QueryClient.query` and `infinite` return: a query that is fetched, changed and removed by itself."""

from __future__ import annotations

from typing import Any

import pytest

from duologue.query import QueryCancelledError, QueryClient, QueryTimeout
from tests.query.fakes import TIMEOUT, BlockingFunction, FakeClock, FakeFunction, Stage, Thread, wait_until


def test_ensure_fresh(stage: Stage) -> None:
    query = stage.queries.query(("a",), server := FakeFunction("two"), stale_time=60)
    query.set_data("one")
    assert query.ensure(revalidate_if_stale=True) == "one"
    stage.executor.run()
    assert server.calls == 0


def test_ensure_stale(stage: Stage) -> None:
    """Data of any age will do, and is fetched again where that is asked for only."""
    query = stage.queries.query(("a",), server := FakeFunction("two"), stale_time=60)
    query.set_data("one")
    stage.clock.advance(60)
    assert query.ensure() == "one"
    stage.executor.run()
    assert server.calls == 0
    assert query.ensure(revalidate_if_stale=True) == "one"
    stage.executor.run()
    assert (server.calls, query.get_data()) == (1, "two")


def test_ensure_after_reset(queries: QueryClient) -> None:
    query = queries.query(("a",), FakeFunction("two"))
    query.set_data("one")
    queries.reset(("a",))
    assert query.ensure() == "two"


@pytest.mark.parametrize("method", ["fetch", "ensure", "refetch"])
def test_timeout(queries: QueryClient, clock: FakeClock, method: str) -> None:
    blocking = BlockingFunction()
    thread = Thread(lambda: queries.fetch(("a",), blocking))
    assert blocking.started.wait(TIMEOUT)
    with pytest.raises(QueryTimeout):
        getattr(queries.query(("a",), blocking), method)(timeout=5)
    assert clock.slept == [5]
    blocking.release.set()
    assert thread.result == "result"


@pytest.mark.parametrize("is_refetch", [False, True])
def test_fetch_joins_and_refetch_replaces(queries: QueryClient, is_refetch: bool) -> None:
    """Where another thread is fetching stale data."""
    queries.set_data(("a",), "old")
    blocking, server = BlockingFunction("joined"), FakeFunction("replaced")
    query = queries.query(("a",), server, stale_time=0)
    thread = Thread(lambda: queries.query(("a",), blocking).refetch())
    assert blocking.started.wait(TIMEOUT)
    if is_refetch:
        assert query.refetch() == "replaced"
        blocking.release.set()
    else:
        (fetch,) = queries.fetcher._fetches
        other = Thread(query.fetch)
        wait_until(lambda: fetch.waiters == 2)
        blocking.release.set()
        assert other.result == "joined"
    assert thread.result == ("replaced" if is_refetch else "joined")
    assert server.calls == int(is_refetch)


@pytest.mark.parametrize(("direction", "pages"), [("next", (1, 2)), ("previous", (0, 1))])
def test_page_replaces_refetch(queries: QueryClient, direction: str, pages: tuple[int, ...]) -> None:
    """A page is fetched although all pages are being fetched, which would not have it."""
    options: Any = {
        "initial_page_param": 1,
        "get_next_page_param": lambda page, _: page + 1,
        "get_previous_page_param": lambda page, _: page - 1,
    }
    query = queries.infinite(("a",), lambda page: page, **options)
    query.fetch()
    blocking = BlockingFunction(1)
    thread = Thread(lambda: queries.infinite(("a",), lambda page: blocking(), **options).refetch())
    assert blocking.started.wait(TIMEOUT)
    assert getattr(query, f"fetch_{direction}_page")().pages == pages
    blocking.release.set()
    assert thread.result.pages == pages


def test_other_queries_stay(queries: QueryClient) -> None:
    """Also those whose keys begin with its own."""
    query, longer = (queries.query(key, FakeFunction(), stale_time=60) for key in (("a",), ("a", 1)))
    for each in (query, longer):
        each.set_data("one")
    assert query.update_data(lambda data: data + "!") == "one!"
    query.invalidate()
    assert [each.state is not None and each.state.is_stale for each in (query, longer)] == [True, False]
    assert longer.get_data() == "one"
    query.remove()
    assert (query.get_data(), query.state, longer.get_data()) == (None, None, "one")


def test_cancel(queries: QueryClient) -> None:
    query, longer = (queries.query(key, FakeFunction("one")) for key in (("a",), ("a", 1)))
    blocking = BlockingFunction()
    thread = Thread(lambda: queries.fetch(("a",), blocking))
    assert blocking.started.wait(TIMEOUT)
    longer.prefetch()
    query.cancel()
    assert (queries.is_fetching(("a",)), queries.is_fetching(("a", 1))) == (1, 1)
    blocking.release.set()
    with pytest.raises(QueryCancelledError):
        _ = thread.result


def test_repr(queries: QueryClient) -> None:
    assert repr(queries.query(("a", {"page": 1}), FakeFunction())) == "<BoundQuery ('a', {'page': 1})>"
