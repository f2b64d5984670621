"""Users of the platform."""

from __future__ import annotations

from duologue.contract import users
from duologue.contract.users import Role, User, UserCreate, UserQuery, UserUpdate
from duologue.resources.page import Page
from duologue.resources.raw_response import RawMethod, RawMethods
from duologue.resources.resource import Resource


class Users(Resource):
    """`api.users`: list, get, create, update and delete users."""

    def list(self, *, page: int = 1, limit: int = 10, search: str | None = None) -> Page[User]:
        """Return a page of users, in the order of their creation; iterating over it requests the pages after it.

        Args:
            page: which page, from 1.
            limit: how many users a page has, 1 to 100.
            search: part of a name or an e-mail address, in any case.

        Raises:
            BadRequestError: the page or the limit is out of bounds.
        """
        return self._list(users.LIST, UserQuery(page, limit, search))

    def get(self, id: str) -> User:
        """Return a user.

        Raises:
            NotFoundError: there is no such user.
        """
        return self._request(users.GET, id=id)

    def create(self, *, name: str, email: str, role: Role = "user", password: str | None = None) -> User:
        """Create a user.

        Args:
            name: 1 to 100 characters.
            email: an address that no other user has.
            role: `admin` or `user`.
            password: without one the user cannot log in.

        Raises:
            BadRequestError: a value is invalid.
            ConflictError: the e-mail address is taken.
        """
        user = UserCreate(name, email, role, password)
        del password  # some tools show the variables of a traceback
        return self._request(users.CREATE, user)

    def update(self, id: str, *, name: str | None = None, email: str | None = None, role: Role | None = None) -> User:
        """Change a user; what is left out stays as it is.

        Raises:
            NotFoundError: there is no such user.
            ConflictError: the e-mail address is taken.
        """
        return self._request(users.UPDATE, UserUpdate(name, email, role), id=id)

    def delete(self, id: str) -> None:
        """Delete a user for good.

        Raises:
            NotFoundError: there is no such user.
        """
        return self._request(users.DELETE, id=id)

    @property
    def with_raw_response(self) -> UsersWithRawResponse:
        """The same methods, returning the HTTP response besides the result: status, headers, body and attempts."""
        return UsersWithRawResponse(self)


class UsersWithRawResponse(RawMethods[Users]):
    """`api.users.with_raw_response`: the methods of `Users`, each returning a `RawResponse` of its result."""

    list = RawMethod(Users.list)
    get = RawMethod(Users.get)
    create = RawMethod(Users.create)
    update = RawMethod(Users.update)
    delete = RawMethod(Users.delete)
