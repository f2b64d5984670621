"""What surrounds a part of a program: `ErrorBoundary` and `ProtectedRoute` of the platform document."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

from duologue.contract.users import Role, User
from duologue.errors import ApiException, AuthenticationError, PermissionDeniedError

T = TypeVar("T")
F = TypeVar("F")
P = ParamSpec("P")

_log = logging.getLogger("duologue")


def message_of(error: Exception) -> str:
    """Return the sentence that the document's boundary shows: an `ApiException`'s own, else a general one."""
    return error.user_message if isinstance(error, ApiException) else "An unexpected error occurred."


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


class _Session(Protocol):
    """Who is logged in: `api`, or anything with a `queries.me()`."""

    @property
    def auth(self) -> _Auth: ...

    @property
    def queries(self) -> _Queries: ...


class _Auth(Protocol):
    @property
    def logged_in(self) -> bool: ...


class _Me(Protocol):
    def fetch(self) -> User: ...


class _Queries(Protocol):
    def me(self) -> _Me: ...


def require_role(api: _Session, role: Role | None = None) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Return a decorator that lets only those in who may: the document's `ProtectedRoute`.

        @require_role(api, "admin")
        def delete_everybody(): ...

    Where the document sends people to `/login` or `/unauthorized`, an error is raised.

    Args:
        api: the client that is, or is not, logged in. Who it is is asked for once in five minutes.
        role: the role that is needed; None: any, but logged in.

    Raises:
        AuthenticationError: nobody is logged in.
        PermissionDeniedError: somebody with another role is.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            if not api.auth.logged_in:
                raise AuthenticationError
            if role is not None and api.queries.me().fetch().role != role:
                raise PermissionDeniedError(status=403)
            return function(*args, **kwargs)

        return guarded

    return decorate
