"""Users by id, by email address, and in the order of creation."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass

from sortedcontainers import SortedList

from duologue.contract.users import User

_MAX_DIGITS = 1000
"""Longer ids do not count as numbers: `int` parses no more than some thousand digits."""


class EmailTakenError(Exception):
    """Another user has the email address."""


@dataclass(frozen=True, slots=True)
class UsersCapture:
    """The users at one moment. It shares its tables with a `Users`, which copies them before it changes them."""

    positions: dict[str, int]
    by_position: dict[int, User]
    order: SortedList
    by_email: dict[str, str]
    passwords: dict[str, str]
    last_position: int
    last_number: int


class Users:
    """The users and their passwords. The time for a page depends on its own length only."""

    def __init__(self) -> None:
        self._positions: dict[str, int] = {}
        self._by_position: dict[int, User] = {}
        self._order: SortedList = SortedList()
        self._by_email: dict[str, str] = {}
        self._passwords: dict[str, str] = {}
        self._last_position = 0
        self._last_number = 0
        self._is_shared = False

    def __len__(self) -> int:
        return len(self._positions)

    def __iter__(self) -> Iterator[User]:
        return iter(self._by_position.values())

    def capture(self) -> UsersCapture:
        """Return the users as they are now. Nothing is copied until they change."""
        self._is_shared = True
        return UsersCapture(
            self._positions,
            self._by_position,
            self._order,
            self._by_email,
            self._passwords,
            self._last_position,
            self._last_number,
        )

    def restore(self, capture: UsersCapture) -> None:
        """Return to the users of a capture, which stays as it is."""
        self._is_shared = True
        self._positions = capture.positions
        self._by_position = capture.by_position
        self._order = capture.order
        self._by_email = capture.by_email
        self._passwords = capture.passwords
        self._last_position = capture.last_position
        self._last_number = capture.last_number

    def next_id(self) -> str:
        """Return the lowest number above every numeric id so far; a deleted user's id does not come back."""
        number = self._last_number + 1
        while str(number) in self._positions:  # one that is too long to have counted
            number += 1
        return str(number)

    def get(self, user_id: str) -> User | None:
        """Return the user with this id, or None."""
        position = self._positions.get(user_id)
        return None if position is None else self._by_position[position]

    def get_by_email(self, email: str) -> User | None:
        """Return the user with this email address, ignoring case, or None."""
        user_id = self._by_email.get(email.casefold())
        return None if user_id is None else self.get(user_id)

    def add(self, user: User, password: str | None = None) -> None:
        """Add a user; raise `EmailTakenError` or, for an id that exists, `ValueError`."""
        if user.id in self._positions:
            raise ValueError(f"There is a user with the id {user.id!r} already.")
        self._unshare()
        self._claim_email(user)
        self._last_position += 1
        self._positions[user.id] = self._last_position
        self._by_position[self._last_position] = user
        self._order.add(self._last_position)
        if password is not None:
            self._passwords[user.id] = password
        if user.id.isascii() and user.id.isdigit() and len(user.id) <= _MAX_DIGITS:
            self._last_number = max(self._last_number, int(user.id))

    def replace(self, user: User) -> None:
        """Replace the user with the same id; raise `EmailTakenError` or `KeyError`."""
        self._unshare()
        position = self._positions[user.id]
        before = self._by_position[position]
        if before.email.casefold() != user.email.casefold():
            self._claim_email(user)
            del self._by_email[before.email.casefold()]
        self._by_position[position] = user

    def remove(self, user_id: str) -> None:
        """Remove a user; raise `KeyError` if there is none."""
        self._unshare()
        position = self._positions.pop(user_id)
        self._order.remove(position)
        user = self._by_position.pop(position)
        del self._by_email[user.email.casefold()]
        self._passwords.pop(user_id, None)

    def password_matches(self, user: User, password: str) -> bool:
        """Return whether it is the user's password, in constant time."""
        expected = self._passwords.get(user.id)
        return expected is not None and hmac.compare_digest(expected.encode(), password.encode())

    def get_password(self, user_id: str) -> str | None:
        """Return a user's password in clear text, or None for a user who cannot log in."""
        return self._passwords.get(user_id)

    def page(self, *, page: int, limit: int, search: str = "") -> tuple[list[User], int]:
        """Return one page in the order of creation, and the number of matches on all pages.

        Args:
            page: which page, from 1.
            limit: users on a page.
            search: part of a name or an email address, ignoring case; empty for all.
        """
        start = (page - 1) * limit
        if not search:
            by_position = self._by_position
            return [by_position[position] for position in self._order[start : start + limit]], len(by_position)
        term = search.casefold()
        matches = [user for user in self if term in user.name.casefold() or term in user.email.casefold()]
        return matches[start : start + limit], len(matches)

    def _unshare(self) -> None:
        """Copy the tables before they are changed, if a capture has them too."""
        if self._is_shared:
            self._is_shared = False
            self._positions = self._positions.copy()
            self._by_position = self._by_position.copy()
            self._order = self._order.copy()
            self._by_email = self._by_email.copy()
            self._passwords = self._passwords.copy()

    def _claim_email(self, user: User) -> None:
        owner = self._by_email.setdefault(user.email.casefold(), user.id)
        if owner != user.id:
            raise EmailTakenError(user.email)
