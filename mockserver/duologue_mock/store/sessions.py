"""Login sessions with their refresh tokens: the current one of each session, and those already used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

MAX_SESSIONS = 10_000
"""Beyond this many, the oldest session ends, so that a test that keeps logging in does not fill the memory."""

MAX_USED_TOKENS = 50_000
"""How many used refresh tokens are remembered; an older one is merely unknown."""


@dataclass(frozen=True, slots=True)
class LoginSession:
    """One login of a user, through all its refreshes. `expires_at` is in the clock's seconds."""

    id: str
    user_id: str
    refresh_token: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class LoginsCapture:
    """The login sessions at one moment. `LoginSessions` has the same tables, and copies them before it changes them."""

    sessions: dict[str, LoginSession]
    by_refresh_token: dict[str, str]
    used_tokens: dict[str, str]


class LoginSessions:
    """The login sessions that have not ended."""

    def __init__(self) -> None:
        self._sessions: dict[str, LoginSession] = {}
        self._by_refresh_token: dict[str, str] = {}
        self._used_tokens: dict[str, str] = {}
        self._listeners: list[Callable[[str], None]] = []
        self._is_shared = False

    def __len__(self) -> int:
        return len(self._sessions)

    def capture(self) -> LoginsCapture:
        """Return the sessions as they are now. Nothing is copied until they change."""
        self._is_shared = True
        return LoginsCapture(self._sessions, self._by_refresh_token, self._used_tokens)

    def restore(self, capture: LoginsCapture) -> None:
        """Return to the sessions of a capture, which stays as it is. Sessions that it does not have end."""
        before = self._sessions
        if before is capture.sessions:
            return
        self._is_shared = True
        self._sessions = capture.sessions
        self._by_refresh_token = capture.by_refresh_token
        self._used_tokens = capture.used_tokens
        for session in before.values():
            restored = capture.sessions.get(session.id)
            if restored is None or restored.user_id != session.user_id:
                self._notify_end(session.id)

    def on_end(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Call `listener(session_id)` whenever a session ends; return a function that ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def create(self, *, session_id: str, user_id: str, refresh_token: str, expires_at: float) -> None:
        """Add a session.

        Args:
            session_id: its id.
            user_id: whose it is.
            refresh_token: its first refresh token.
            expires_at: when that token expires, in the clock's seconds.
        """
        self._unshare()
        while len(self._sessions) >= MAX_SESSIONS:
            self.end(next(iter(self._sessions)))
        self._sessions[session_id] = LoginSession(session_id, user_id, refresh_token, expires_at)
        self._by_refresh_token[refresh_token] = session_id

    def is_active(self, session_id: str, *, user_id: str | None = None) -> bool:
        """Return whether the session has not ended, and is this user's.

        Args:
            session_id: the session.
            user_id: whose it must be; None for anyone's. A mock that returned to an earlier state may give an id again.
        """
        session = self._sessions.get(session_id)
        return session is not None and user_id in (None, session.user_id)

    def is_spent(self, refresh_token: str) -> bool:
        """Return whether a refresh token was used before, and its session has not ended since."""
        return refresh_token in self._used_tokens

    def rotate(self, refresh_token: str, *, new_token: str, now: float, expires_at: float) -> LoginSession | None:
        """Replace a refresh token by a new one, and return its session; None if it is unknown, expired or used.

        A token that is used twice has been stolen or replayed: its session ends (RFC 9700, section 4.14.2).

        Args:
            refresh_token: the token.
            new_token: the one that replaces it.
            now: the time, in the clock's seconds.
            expires_at: when the new token expires.
        """
        if refresh_token in self._used_tokens:
            self.end(self._used_tokens[refresh_token])
            return None
        session = self._sessions.get(self._by_refresh_token.get(refresh_token, ""))
        if session is None or session.expires_at <= now:
            return None
        self._unshare()
        del self._by_refresh_token[refresh_token]
        self._used_tokens[refresh_token] = session.id
        if len(self._used_tokens) > MAX_USED_TOKENS:
            del self._used_tokens[next(iter(self._used_tokens))]
        session = replace(session, refresh_token=new_token, expires_at=expires_at)
        self._sessions[session.id] = session
        self._by_refresh_token[new_token] = session.id
        return session

    def end(self, session_id: str) -> None:
        """End a session. Does nothing if it has ended already."""
        if session_id not in self._sessions:
            return
        self._unshare()
        session = self._sessions.pop(session_id)
        self._by_refresh_token.pop(session.refresh_token, None)
        self._used_tokens = {token: id for token, id in self._used_tokens.items() if id != session_id}
        self._notify_end(session_id)

    def revoke_all(self, user_id: str) -> None:
        """End all sessions of a user."""
        for session in [session for session in self._sessions.values() if session.user_id == user_id]:
            self.end(session.id)

    def _unshare(self) -> None:
        """Copy the tables before they are changed, if a capture has them too."""
        if self._is_shared:
            self._is_shared = False
            self._sessions = self._sessions.copy()
            self._by_refresh_token = self._by_refresh_token.copy()
            self._used_tokens = self._used_tokens.copy()

    def _notify_end(self, session_id: str) -> None:
        for listener in tuple(self._listeners):
            listener(session_id)
