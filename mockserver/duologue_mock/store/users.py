"""Users by id, by e-mail, and in the order they were made."""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from sortedcontainers import SortedDict

from duologue.contract.users import User

_MOST_DIGITS = 1000
"""Longer ids are no numbers to us: Python reads no more than some thousand digits."""


class EmailTakenError(Exception):
    """Another user has that e-mail address."""


class Users:
    """The users and their passwords. Pages cost what they return, not what they skip."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._in_order: SortedDict = SortedDict()
        self._by_email: dict[str, str] = {}
        self._passwords: dict[str, str] = {}
        self._made = 0
        self._last_number = 0

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[User]:
        return iter(self._in_order.values())

    def next_id(self) -> str:
        """Return the lowest number above every numeric id so far; a deleted user's id does not come back."""
        return str(self._last_number + 1)

    def get(self, user_id: str) -> User | None:
        """Return the user with this id, or None."""
        place = self._places.get(user_id)
        return None if place is None else self._user_at(place)

    def get_by_email(self, email: str) -> User | None:
        """Return the user with this e-mail address, ignoring case, or None."""
        user_id = self._by_email.get(email.casefold())
        return None if user_id is None else self.get(user_id)

    def add(self, user: User, password: str | None = None) -> None:
        """Add a user; raise `EmailTakenError` or, for an id that is there already, `ValueError`."""
        if user.id in self._places:
            raise ValueError(f"There is a user with the id {user.id!r} already.")
        self._claim_email(user)
        self._made += 1
        self._places[user.id] = self._made
        self._in_order[self._made] = user
        if password is not None:
            self._passwords[user.id] = password
        if user.id.isascii() and user.id.isdigit() and len(user.id) <= _MOST_DIGITS:
            self._last_number = max(self._last_number, int(user.id))

    def replace(self, user: User) -> None:
        """Put `user` in the place of the one with its id; raise `EmailTakenError` or `KeyError`."""
        place = self._places[user.id]
        before = self._user_at(place)
        if before.email.casefold() != user.email.casefold():
            self._claim_email(user)
            del self._by_email[before.email.casefold()]
        self._in_order[place] = user

    def remove(self, user_id: str) -> None:
        """Remove a user for good; raise `KeyError` if there is none."""
        place = self._places.pop(user_id)
        user = self._in_order.pop(place)
        del self._by_email[user.email.casefold()]
        self._passwords.pop(user_id, None)

    def password_matches(self, user: User, password: str) -> bool:
        """Return whether that is the user's password, in a time that tells nothing about it."""
        known = self._passwords.get(user.id)
        return known is not None and hmac.compare_digest(known.encode(), password.encode())

    def get_password(self, user_id: str) -> str | None:
        """Return the password of a user, in clear text: a mock has no secrets; None for a user that cannot log in."""
        return self._passwords.get(user_id)

    def page(self, *, page: int, limit: int, search: str = "") -> tuple[list[User], int]:
        """Return one page in the order of creation, and how many match in all.

        Args:
            page: which page, from 1.
            limit: users on a page.
            search: part of a name or an e-mail address, ignoring case; empty for all.
        """
        start = (page - 1) * limit
        if not search:
            places = self._in_order.keys()[start : start + limit]
            return [self._user_at(place) for place in places], len(self)
        wanted = search.casefold()
        found = [user for user in self if wanted in user.name.casefold() or wanted in user.email.casefold()]
        return found[start : start + limit], len(found)

    def _user_at(self, place: int) -> User:
        user: User = self._in_order[place]
        return user

    def _claim_email(self, user: User) -> None:
        holder = self._by_email.setdefault(user.email.casefold(), user.id)
        if holder != user.id:
            raise EmailTakenError(user.email)
