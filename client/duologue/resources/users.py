"""Users of the platform."""

from __future__ import annotations

from collections.abc import Iterator

from duologue import defaults
from duologue.contract import users
from duologue.contract.users import Role, User, UserCreate, UserPage, UserQuery, UserUpdate
from duologue.errors import ResponseValidationError
from duologue.resources import Resource


class Users(Resource):
    """`api.users`: list, get, create, update and delete users."""

    def list(self, *, page: int = 1, limit: int = 10, search: str | None = None) -> UserPage:
        """Return one page of users, in the order they were made.

        Args:
            page: which page, from 1.
            limit: how many users a page has, at most 100.
            search: part of a name or e-mail address, in any case.
        """
        return self._request(users.LIST, UserQuery(page, limit, search))

    def iterate(self, *, search: str | None = None, limit: int = defaults.PAGE_SIZE) -> Iterator[User]:
        """Yield all users, a page at a time: the next page is asked for when its first user is wanted.

        Args:
            search: part of a name or e-mail address, in any case.
            limit: how many users to ask for at a time, at most 100.
        """
        page: int | None = 1
        while page is not None:
            found = self.list(page=page, limit=limit, search=search)
            yield from found.users
            if found.next_page is not None and found.next_page <= page:
                raise ResponseValidationError(
                    f"After page {page} the server names page {found.next_page} as the next one"
                )
            page = found.next_page

    def get(self, id: str) -> User:
        """Return one user; raise `NotFoundError` if there is none."""
        return self._request(users.GET, id=id)

    def create(self, *, name: str, email: str, role: Role = "user", password: str | None = None) -> User:
        """Make a user.

        Args:
            name: 1 to 100 characters.
            email: an address that nobody else has.
            role: `admin` or `user`.
            password: without one the user cannot log in.

        Raises:
            BadRequestError: a value that the platform does not accept.
            ConflictError: the e-mail address is taken.
        """
        return self._request(users.CREATE, UserCreate(name, email, role, password))

    def update(self, id: str, *, name: str | None = None, email: str | None = None, role: Role | None = None) -> User:
        """Change a user; what is left out stays as it is.

        Raises:
            NotFoundError: there is no such user.
            ConflictError: the e-mail address is taken.
        """
        return self._request(users.UPDATE, UserUpdate(name, email, role), id=id)

    def delete(self, id: str) -> None:
        """Delete a user for good."""
        return self._request(users.DELETE, id=id)
