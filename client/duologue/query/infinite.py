"""Infinite queries: data that is fetched page by page (TanStack Query's `infiniteQueryBehavior.ts`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from duologue.query.state import MISSING, Direction

T = TypeVar("T")
P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class InfiniteData(Generic[T, P]):
    """The pages of an infinite query, and the parameter of each.

    Args:
        pages: the pages, in order.
        page_params: the parameters they were fetched with: page numbers or cursors.
    """

    pages: tuple[T, ...] = ()
    page_params: tuple[P, ...] = ()


@dataclass(frozen=True, slots=True)
class InfiniteQueryBehavior(Generic[T, P]):
    """How an infinite query fetches its pages.

    Args:
        function: fetches the page of a parameter.
        initial_param: the parameter of the first page.
        get_next_param: returns the parameter of the page after the last one, given that one and all pages; None if
            there is none.
        get_previous_param: likewise for the page before the first one.
        max_pages: how many pages to keep; beyond that pages are dropped at the other end. None or 0 keeps all.

    Raises:
        ValueError: `max_pages` is negative.
    """

    function: Callable[[P], T]
    initial_param: P
    get_next_param: Callable[[T, Sequence[T]], P | None]
    get_previous_param: Callable[[T, Sequence[T]], P | None] | None = None
    max_pages: int | None = None

    def __post_init__(self) -> None:
        if self.max_pages is not None and self.max_pages < 0:
            raise ValueError(f"max_pages is {self.max_pages}; pass a positive number, or None or 0 to keep all pages")

    def refetch(self, base: object) -> Callable[[], InfiniteData[T, P]]:
        """Return a function that fetches all pages again, one after the other: later ones may have moved."""
        data = _as_pages(base)

        def fetch() -> InfiniteData[T, P]:
            first = data.page_params[0] if data.pages else self.initial_param
            new: InfiniteData[T, P] = InfiniteData((self.function(first),), (first,))
            for _ in range(len(data.pages) - 1):
                param = self._get_next_param(new)
                if param is None:
                    break
                new = self._add_page(new, self.function(param), param, "forward")
            return new

        return fetch

    def fetch_page(self, base: object, direction: Direction) -> Callable[[], InfiniteData[T, P]]:
        """Return a function that fetches one more page: the first if there is none, nothing if there are no more."""
        data = _as_pages(base)
        if not data.pages:
            return self.refetch(base)

        def fetch() -> InfiniteData[T, P]:
            param = self._get_next_param(data) if direction == "forward" else self._get_previous_param(data)
            return data if param is None else self._add_page(data, self.function(param), param, direction)

        return fetch

    def has_next_page(self, base: object) -> bool:
        """Return whether there is a page after the last one."""
        data = _as_pages(base)
        return bool(data.pages) and self._get_next_param(data) is not None

    def has_previous_page(self, base: object) -> bool:
        """Return whether there is a page before the first one."""
        data = _as_pages(base)
        return bool(data.pages) and self._get_previous_param(data) is not None

    def _get_next_param(self, data: InfiniteData[T, P]) -> P | None:
        return self.get_next_param(data.pages[-1], data.pages)

    def _get_previous_param(self, data: InfiniteData[T, P]) -> P | None:
        return None if self.get_previous_param is None else self.get_previous_param(data.pages[0], data.pages)

    def _add_page(self, data: InfiniteData[T, P], page: T, param: P, direction: Direction) -> InfiniteData[T, P]:
        most = self.max_pages or len(data.pages) + 1
        if direction == "forward":
            limit = slice(-most, None)
            return InfiniteData((*data.pages, page)[limit], (*data.page_params, param)[limit])
        limit = slice(most)
        return InfiniteData((page, *data.pages)[limit], (param, *data.page_params)[limit])


def _as_pages(data: object) -> InfiniteData[Any, Any]:
    return InfiniteData() if data is MISSING or data is None else cast("InfiniteData[Any, Any]", data)
