"""Infinite queries: data that grows page by page (TanStack Query's `infiniteQueryBehavior.ts`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from duologue.query.state import MISSING, Direction

T = TypeVar("T")
P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class InfiniteData(Generic[T, P]):
    """The pages there are, and what each was asked for with.

    Args:
        pages: the pages, in order.
        page_params: a page number, a cursor, or whatever tells pages apart, one for each page.
    """

    pages: tuple[T, ...] = ()
    page_params: tuple[P, ...] = ()


@dataclass(frozen=True, slots=True)
class InfiniteQueryBehavior(Generic[T, P]):
    """How an infinite query grows.

    Args:
        function: fetches the page for a parameter.
        initial: the parameter of the first page.
        next_param: returns the parameter of the page after the last one, given that one and all pages; None ends.
        previous_param: likewise for the page before the first one.
        max_pages: how many pages to keep; what grows beyond that loses pages at its other end. None keeps all.
    """

    function: Callable[[P], T]
    initial: P
    next_param: Callable[[T, Sequence[T]], P | None]
    previous_param: Callable[[T, Sequence[T]], P | None] | None = None
    max_pages: int | None = None

    def refetch(self, base: object) -> Callable[[], InfiniteData[T, P]]:
        """Return what fetches all pages anew, one after the other from the first on: later ones may have moved."""
        known = _known(base)

        def work() -> InfiniteData[T, P]:
            first = known.page_params[0] if known.pages else self.initial
            made: InfiniteData[T, P] = InfiniteData((self.function(first),), (first,))
            while len(made.pages) < len(known.pages):
                param = self.next_param(made.pages[-1], made.pages)
                if param is None:
                    break
                made = InfiniteData((*made.pages, self.function(param)), (*made.page_params, param))
            return made

        return work

    def grow(self, base: object, direction: Direction) -> Callable[[], InfiniteData[T, P]]:
        """Return what fetches one page more; the first one if there is none, none if there are no more."""
        known = _known(base)
        if not known.pages:
            return self.refetch(base)

        def work() -> InfiniteData[T, P]:
            param = self._next(known) if direction == "forward" else self._previous(known)
            return known if param is None else self._joined(known, self.function(param), param, direction)

        return work

    def has_next(self, data: object) -> bool:
        """Tell whether there is a page after the last."""
        known = _known(data)
        return bool(known.pages) and self._next(known) is not None

    def has_previous(self, data: object) -> bool:
        """Tell whether there is a page before the first."""
        known = _known(data)
        return bool(known.pages) and self._previous(known) is not None

    def _next(self, known: InfiniteData[T, P]) -> P | None:
        return self.next_param(known.pages[-1], known.pages)

    def _previous(self, known: InfiniteData[T, P]) -> P | None:
        return None if self.previous_param is None else self.previous_param(known.pages[0], known.pages)

    def _joined(self, known: InfiniteData[T, P], page: T, param: P, direction: Direction) -> InfiniteData[T, P]:
        if direction == "forward":
            kept = slice(-self.max_pages, None) if self.max_pages else slice(None)
            return InfiniteData((*known.pages, page)[kept], (*known.page_params, param)[kept])
        kept = slice(self.max_pages)
        return InfiniteData((page, *known.pages)[kept], (param, *known.page_params)[kept])


def _known(data: object) -> InfiniteData[Any, Any]:
    return InfiniteData() if data is MISSING or data is None else cast("InfiniteData[Any, Any]", data)
