"""TanStack Query's semantics of infinite queries. Each docstring names its source.

`docs` is tanstack.com/query/v4/docs/react (`v5 docs` likewise), `src` and `tests` are in packages/query-core/src.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from duologue.query import InfiniteData, QueryResult, QueryTimeout
from tests.query.fakes import TIMEOUT, BlockingFunction, Stage, Thread


def create_query(stage: Stage, server: Callable[[int], Any], last: int = 3, **options: Any) -> Any:
    return stage.queries.infinite(
        ("pages",),
        server,
        initial_page_param=1,
        get_next_page_param=lambda page, _: page + 1 if page < last else None,
        get_previous_page_param=lambda page, _: page - 1 if page > -1 else None,
        **options,
    )


def test_fetch_next_page(stage: Stage) -> None:
    """Pages are added until there is no next parameter (docs/guides/infinite-queries)."""
    query = create_query(stage, lambda page: page)
    assert [len(query.fetch_next_page().pages) for _ in range(5)] == [1, 2, 3, 3, 3]
    assert not query.has_next_page
    assert query.get_data() == InfiniteData((1, 2, 3), (1, 2, 3))


def test_fetch_previous_page(stage: Stage) -> None:
    """Pages are added before the first too (docs/guides/infinite-queries)."""
    query = create_query(stage, lambda page: page)
    query.fetch()
    assert query.fetch_previous_page() == InfiniteData((0, 1), (0, 1))


def test_refetch_pages(stage: Stage) -> None:
    """Pages are refetched one after the other, from the first on (docs/guides/infinite-queries)."""
    params: list[int] = []

    def serve(page: int) -> int:
        params.append(page)
        return page

    query = create_query(stage, serve)
    for _ in range(3):
        query.fetch_next_page()
    params.clear()
    query.refetch()
    assert params == [1, 2, 3]


def test_refetch_fewer_pages(stage: Stage) -> None:
    """A refetch ends at a page that no longer exists (src/infiniteQueryBehavior.ts)."""
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


def test_max_pages(stage: Stage) -> None:
    """At most `max_pages` are kept (v5 docs/guides/infinite-queries)."""
    query = create_query(stage, lambda page: page, last=9, max_pages=2)
    for _ in range(4):
        query.fetch_next_page()
    assert query.get_data() == InfiniteData((3, 4), (3, 4))
    assert query.fetch_previous_page() == InfiniteData((2, 3), (2, 3))


@pytest.mark.parametrize("max_pages", [None, 0])
def test_max_pages_unlimited(stage: Stage, max_pages: int | None) -> None:
    """Zero is no limit, as in version 5 (src/utils.ts, `addToStart`)."""
    query = create_query(stage, lambda page: page, last=9, max_pages=max_pages)
    for _ in range(3):
        query.fetch_next_page()
    assert query.fetch_previous_page() == InfiniteData((0, 1, 2, 3), (0, 1, 2, 3))
    assert query.refetch() == InfiniteData((0, 1, 2, 3), (0, 1, 2, 3))


def test_max_pages_negative(stage: Stage) -> None:
    with pytest.raises(ValueError, match="max_pages is -1"):
        create_query(stage, lambda page: page, max_pages=-1)


def test_max_pages_of_set_data(stage: Stage) -> None:
    """Pages that were set by hand are all fetched again, and the last ones are kept (src/infiniteQueryBehavior.ts)."""
    query = create_query(stage, lambda page: page, last=9, max_pages=2)
    query.set_data(InfiniteData((1, 2, 3, 4), (1, 2, 3, 4)))
    assert query.refetch() == InfiniteData((3, 4), (3, 4))


def test_page_direction(stage: Stage) -> None:
    """The direction in which it grows is visible in the results (docs/guides/infinite-queries)."""
    results: list[QueryResult[Any]] = []
    with create_query(stage, lambda page: page).observe(results.append) as observer:
        stage.executor.run()
        observer.fetch_next_page()
        observer.fetch_previous_page()
    assert [(result.is_fetching_next_page, result.is_fetching_previous_page) for result in results] == [
        (False, False),
        (False, False),
        (True, False),
        (False, False),
        (False, True),
        (False, False),
    ]
    assert results[-1].has_next_page


@pytest.mark.parametrize("method", ["fetch_next_page", "fetch_previous_page"])
def test_page_during_fetch(stage: Stage, method: str) -> None:
    """A page that is fetched joins the first fetch, as long as its timeout lets it, and replaces a refetch."""
    blocking = [BlockingFunction(1), BlockingFunction("never")]
    calls = iter(blocking)
    query = create_query(stage, lambda page: next(calls)() if page == 1 else page)
    with query.observe() as observer:
        first = Thread(query.fetch)
        assert blocking[0].started.wait(TIMEOUT)
        for pages in (observer, query):
            with pytest.raises(QueryTimeout):
                getattr(pages, method)(timeout=5)
        assert stage.clock.slept == [5, 5]
        blocking[0].release.set()
        assert first.result.pages == (1,)
        refetch = Thread(query.refetch)
        assert blocking[1].started.wait(TIMEOUT)
        both = (1, 2) if method == "fetch_next_page" else (0, 1)
        assert getattr(observer, method)().data.pages == both
        blocking[1].release.set()
        assert refetch.result.pages == both


def test_page_of_plain_query(stage: Stage) -> None:
    with stage.queries.query(("a",), lambda: 1).observe() as observer:
        stage.executor.run()
        with pytest.raises(TypeError, match="not an infinite query"):
            observer.fetch_next_page()


def test_ends(stage: Stage) -> None:
    """There is a page before and after the others until a parameter is None (docs/guides/infinite-queries)."""
    query = create_query(stage, lambda page: page)
    assert (query.has_previous_page, query.has_next_page) == (False, False)
    query.fetch()
    assert (query.has_previous_page, query.has_next_page) == (True, True)
    for _ in range(2):
        query.fetch_previous_page()
        query.fetch_next_page()
    assert query.get_data().pages == (-1, 0, 1, 2, 3)
    assert (query.has_previous_page, query.has_next_page) == (False, False)


def test_parameters_come_from_all_pages(stage: Stage) -> None:
    """Both functions get the page at the end, and all pages (docs/reference/useInfiniteQuery)."""
    query = stage.queries.infinite(
        ("pages",),
        lambda page: page,
        initial_page_param=1,
        get_next_page_param=lambda last, pages: last + len(pages),
        get_previous_page_param=lambda first, pages: first - len(pages),
    )
    for _ in range(3):
        query.fetch_next_page()
    assert query.get_data() == InfiniteData((1, 2, 4), (1, 2, 4))
    assert query.fetch_previous_page() == InfiniteData((-2, 1, 2, 4), (-2, 1, 2, 4))


def test_no_previous_pages(stage: Stage) -> None:
    """Without a function there is nothing before the first page (docs/guides/infinite-queries)."""
    query = stage.queries.infinite(
        ("pages",), lambda page: page, initial_page_param=1, get_next_page_param=lambda page, _: page + 1
    )
    query.fetch()
    assert not query.has_previous_page
    assert query.fetch_previous_page() == InfiniteData((1,), (1,))
