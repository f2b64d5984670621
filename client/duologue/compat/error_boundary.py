"""A fallback for a part of a program that fails: the Platform API specification's `ErrorBoundary`."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, overload

from duologue.errors import APIError

T = TypeVar("T")
F = TypeVar("F")
P = ParamSpec("P")

_log = logging.getLogger("duologue")


def get_user_message(error: Exception) -> str:
    """Return the sentence that the specification's boundary shows: an `APIError`'s own, else a general one."""
    return error.user_message if isinstance(error, APIError) else "An unexpected error occurred."


@overload
def error_boundary(
    function: Callable[P, T], *, on_error: Callable[[Exception], object] | None = None
) -> Callable[P, T | str]: ...
@overload
def error_boundary(
    function: Callable[P, T],
    *,
    fallback: Callable[[Exception], F],
    on_error: Callable[[Exception], object] | None = None,
) -> Callable[P, T | F]: ...
def error_boundary(
    function: Callable[P, T],
    *,
    fallback: Callable[[Exception], Any] = get_user_message,
    on_error: Callable[[Exception], object] | None = None,
) -> Callable[P, Any]:
    """Return a function with a fallback for the errors of the given one.

        show = error_boundary(lambda: render(api.queries.users().fetch()), fallback=lambda error: render_error(error))

    Args:
        function: what may fail.
        fallback: returns the result after an error; by default a sentence for the user.
        on_error: called with each error, to report it; it is logged in any case.
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            _log.error("Error caught by boundary: %s", error)
            if on_error is not None:
                on_error(error)
            return fallback(error)

    return call
