"""LoginSessions: which refresh token is the live one of each, which are spent, and which logins have ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

MAX_LOGINS = 10_000
"""Beyond this many, the oldest login ends: a test that logs in for ever must not fill the memory."""

MAX_SPENT = 50_000
"""Spent refresh tokens that are remembered; the oldest is forgotten beyond that, and is then merely unknown."""


@dataclass(slots=True)
class LoginSession:
    """One login of one user, through all its refreshes."""

    id: str
    user_id: str
    refresh_token: str
    expires: float


class LoginSessions:
    """The logins that are alive."""

    def __init__(self) -> None:
        self._sessions: dict[str, LoginSession] = {}
        self._by_refresh_token: dict[str, str] = {}
        self._spent: dict[str, str] = {}
        self._ended: list[Callable[[str], None]] = []

    def on_end(self, listener: Callable[[str], None]) -> None:
        """Call `listener(session_id)` when a login ends, however it ends."""
        self._ended.append(listener)

    def begin(self, *, session_id: str, user_id: str, refresh_token: str, expires: float) -> None:
        """Remember a new login. `expires` is when its refresh token does, in the clock's seconds."""
        while len(self._sessions) >= MAX_LOGINS:
            self.end(next(iter(self._sessions)))
        self._sessions[session_id] = LoginSession(session_id, user_id, refresh_token, expires)
        self._by_refresh_token[refresh_token] = session_id

    def is_active(self, session_id: str) -> bool:
        """Return whether the login has not ended."""
        return session_id in self._sessions

    def rotate(self, refresh_token: str, *, new_token: str, now: float, expires: float) -> LoginSession | None:
        """Spend a refresh token for a new one and return its login; None if it is unknown, expired or spent.

        A token spent twice was stolen or replayed: its whole login ends (RFC 9700, section 4.14.2).
        """
        if refresh_token in self._spent:
            self.end(self._spent[refresh_token])
            return None
        session = self._sessions.get(self._by_refresh_token.get(refresh_token, ""))
        if session is None or session.expires <= now:
            return None
        del self._by_refresh_token[refresh_token]
        self._spent[refresh_token] = session.id
        if len(self._spent) > MAX_SPENT:
            del self._spent[next(iter(self._spent))]
        session.refresh_token, session.expires = new_token, expires
        self._by_refresh_token[new_token] = session.id
        return session

    def end(self, session_id: str) -> None:
        """End a login; nothing happens if it has ended already."""
        session = self._sessions.pop(session_id, None)
        if session is None:
            return
        self._by_refresh_token.pop(session.refresh_token, None)
        self._spent = {token: owner for token, owner in self._spent.items() if owner != session_id}
        for listener in self._ended:
            listener(session_id)

    def revoke_all(self, user_id: str) -> None:
        """End every login of a user."""
        for session in [one for one in self._sessions.values() if one.user_id == user_id]:
            self.end(session.id)
