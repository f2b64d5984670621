"""Who may go on: the platform document's `ProtectedRoute`, as a question and as a decorator."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, Protocol, TypeVar

from duologue.contract.errors import ApiErrorType
from duologue.contract.users import Role, User
from duologue.errors import AuthenticationError, PermissionDeniedError

P = ParamSpec("P")
T = TypeVar("T")


class KnowsUser(Protocol):
    """Whatever can tell who is logged in, as `api.auth` can."""

    @property
    def current_user(self) -> User | None:
        """The user who is logged in, None if nobody is."""
        ...


def require_role(auth: KnowsUser, role: Role | None = None) -> User:
    """Return the user who is logged in, if they have a role; ask before doing what only that role may do.

    A role is exactly the one named, as in the document: an `admin` is no `user`. The platform has the last word about
    what is allowed; this spares a call that it would refuse.

    Args:
        auth: who knows it: `api.auth`.
        role: the role they must have; None asks only that somebody is logged in.

    Raises:
        AuthenticationError: nobody is logged in, or the login has ended.
        PermissionDeniedError: they have another role.
    """
    user = auth.current_user
    if user is None:
        raise AuthenticationError("Nobody is logged in", type=ApiErrorType.AUTHENTICATION_ERROR)
    if role is not None and user.role != role:
        raise PermissionDeniedError(
            f"This takes the role {role!r}; {user.name} has the role {user.role!r}",
            type=ApiErrorType.AUTHORIZATION_ERROR,
            status=403,
        )
    return user


def protected(auth: KnowsUser, role: Role | None = None) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Return a decorator: `require_role` is asked before each call of the function, which else is not entered.

    @protected(api.auth, "admin")
    def delete_all_users() -> None: ...
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            require_role(auth, role)
            return function(*args, **kwargs)

        return guarded

    return decorate
