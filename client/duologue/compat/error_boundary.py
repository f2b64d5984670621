"""What surrounds a part of a program: the platform document's `ErrorBoundary`."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from duologue.errors import APIError

T = TypeVar("T")
F = TypeVar("F")
P = ParamSpec("P")

_log = logging.getLogger("duologue")


def message_of(error: Exception) -> str:
    """Return the sentence that the document's boundary shows: an `APIError`'s own, else a general one."""
    return error.user_message if isinstance(error, APIError) else "An unexpected error occurred."


def error_boundary(
    function: Callable[P, T],
    *,
    fallback: Callable[[Exception], F] = message_of,  # type: ignore[assignment]  # F is str then
    on_error: Callable[[Exception], object] | None = None,
) -> Callable[P, T | F]:
    """Return a function that shows something else where the given one fails: the document's `ErrorBoundary`.

        show = error_boundary(lambda: page(api.queries.users().fetch()), fallback=lambda error: sorry(error))

    Args:
        function: what may fail.
        fallback: makes what is returned instead; by default a sentence for people.
        on_error: told of each error, as a monitoring service would be; the log has it anyway.
    """

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T | F:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            _log.error("Error caught by boundary: %s", error)
            if on_error is not None:
                on_error(error)
            return fallback(error)

    return guarded
