"""Roles: the Platform API specification's `ProtectedRoute`, as a function and as a decorator."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, Protocol, TypeVar

from duologue.contract.errors import ApiErrorType
from duologue.contract.users import Role, User
from duologue.errors import AuthenticationError, PermissionDeniedError

P = ParamSpec("P")
T = TypeVar("T")


class HasCurrentUser(Protocol):
    """An object that knows who is logged in, as `api.auth` does."""

    @property
    def current_user(self) -> User | None:
        """The user who is logged in, None if no user is."""
        ...


def require_role(auth: HasCurrentUser, role: Role | None = None) -> User:
    """Return the user who is logged in, if they have a role; to be called before what only that role may do.

    The role must be exactly the one named, as in the Platform API specification: an `admin` is not a `user`. The
    platform decides what is allowed; this only spares a call that it would refuse.

    Args:
        auth: `api.auth`.
        role: the role they must have; None requires only a login.

    Raises:
        AuthenticationError: no user is logged in, or the login has ended.
        PermissionDeniedError: they have another role.
    """
    user = auth.current_user
    if user is None:
        raise AuthenticationError("Not logged in")
    if role is not None and user.role != role:
        raise PermissionDeniedError(
            f"The role {role!r} is required; {user.name} has the role {user.role!r}",
            type=ApiErrorType.AUTHORIZATION_ERROR,
            status=403,
        )
    return user


def protected(auth: HasCurrentUser, role: Role | None = None) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Return a decorator whose functions call `require_role` before they start.

        @protected(api.auth, "admin")
        def delete_all_users() -> None: ...

    The arguments, and the errors that a call then raises, are those of `require_role`.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
            require_role(auth, role)
            return function(*args, **kwargs)

        return wrapper

    return decorate
