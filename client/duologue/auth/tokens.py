"""Who we are on the platform: the tokens of a login, kept and renewed."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from duologue import defaults
from duologue.concurrency import fork_safety
from duologue.concurrency.event_emitter import EventEmitter
from duologue.errors import APIError, AuthenticationError, BadRequestError, DeadlineExceeded, PermissionDeniedError

if TYPE_CHECKING:
    from duologue.contract.auth import Tokens
    from duologue.contract.users import User

AuthEventName = Literal["logged_in", "refreshed", "logged_out"]
LogoutReason = Literal["logout", "refused"]


@dataclass(frozen=True, slots=True)
class AuthEvent:
    """Something that happened to our login.

    Args:
        name: `logged_in`, `refreshed` or `logged_out`.
        user: who logged in; None for the other events.
        reason: why we are logged out: `logout` was called, or the platform `refused` the refresh token.
    """

    name: AuthEventName
    user: User | None = None
    reason: LogoutReason | None = None


@dataclass(frozen=True, slots=True)
class StoredTokens:
    """What is kept of a login.

    Args:
        token: the access token, sent as `Authorization: Bearer …`.
        refresh_token: buys the next tokens, once; None where only a token was given.
        expires_at: when the access token ends, None if unknown.
        refresh_at: from when on it is renewed before use, None if that is to follow from `expires_at`.
        login: names the login: the same over all its renewals. No secret; a storage may leave it out.
    """

    token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    refresh_at: datetime | None = field(default=None, compare=False)
    login: str = field(default="", compare=False)

    @classmethod
    def received(cls, tokens: Tokens, now: datetime) -> StoredTokens:
        """Return what to keep of tokens that the server has just given.

        The server says how long they live, not until when, so its clock and ours may differ.
        """
        ahead = min(defaults.REFRESH_LEEWAY, tokens.expires_in / 10)
        ends = now + timedelta(seconds=tokens.expires_in)
        login = secrets.token_hex(8)
        return cls(tokens.token, tokens.refresh_token, ends, ends - timedelta(seconds=ahead), login)

    def needs_refresh(self, now: datetime) -> bool:
        """Tell whether the access token ends so soon that it should be renewed before it is used."""
        if self.refresh_token is None or self.expires_at is None:
            return False
        return now >= (self.refresh_at or self.expires_at - timedelta(seconds=defaults.REFRESH_LEEWAY))


class TokenStorage(Protocol):
    """Where tokens are kept; a seam for files and key rings. See `SharedTokenStorage` for one that processes share."""

    def load(self) -> StoredTokens | None:
        """Return what is kept, None when nobody is logged in."""
        ...

    def save(self, tokens: StoredTokens | None) -> None:
        """Keep these tokens instead; None forgets them."""
        ...


@runtime_checkable
class SharedTokenStorage(TokenStorage, Protocol):
    """A storage that several processes use at once, as `FileTokenStorage` is.

    A refresh token can be spent once; the platform ends a login whose token is spent twice. So of processes that find
    the same stale token only one may renew it.
    """

    def refresh_lock(self) -> AbstractContextManager[None]:
        """Return a context that one process at a time is in."""
        ...

    def compare_and_swap(self, old: StoredTokens, new: StoredTokens | None) -> bool:
        """Keep `new` if `old` is what is kept, in one step; return whether it was."""
        ...


class MemoryTokenStorage:
    """Tokens kept in memory, gone with the process."""

    def __init__(self, tokens: StoredTokens | None = None) -> None:
        self._tokens = tokens

    def load(self) -> StoredTokens | None:
        """Return what is kept."""
        return self._tokens

    def save(self, tokens: StoredTokens | None) -> None:
        """Keep these instead."""
        self._tokens = tokens

    def __repr__(self) -> str:
        return f"<MemoryTokenStorage {'kept' if self._tokens else 'empty'}>"


class _Unshared:
    """Makes a storage of this process alone a `SharedTokenStorage`: the one that the holder knows how to use."""

    def __init__(self, storage: TokenStorage) -> None:
        self._storage = storage
        self._changing = threading.Lock()
        fork_safety.watch_locks(self, "_changing")

    def load(self) -> StoredTokens | None:
        return self._storage.load()

    def save(self, tokens: StoredTokens | None) -> None:
        with self._changing:
            self._storage.save(tokens)

    def refresh_lock(self) -> AbstractContextManager[None]:
        return nullcontext()

    def compare_and_swap(self, old: StoredTokens, new: StoredTokens | None) -> bool:
        with self._changing:
            unchanged = self._storage.load() == old
            if unchanged:
                self._storage.save(new)
            return unchanged


class TokenManager:
    """The current tokens, one renewal at a time however many threads ask for it, and who is told of it.

    Attributes:
        events: those who are told what happens to the login; never while a lock is held.
    """

    def __init__(self, storage: TokenStorage) -> None:
        self._storage = storage if isinstance(storage, SharedTokenStorage) else _Unshared(storage)
        self._refreshing = threading.Lock()
        fork_safety.watch_locks(self, "_refreshing")
        self._not_before = datetime.min.replace(tzinfo=UTC)
        self.events: EventEmitter[AuthEvent] = EventEmitter(("logged_in", "refreshed", "logged_out"))

    @property
    def current(self) -> StoredTokens | None:
        """What is kept now, None when nobody is logged in."""
        return self._storage.load()

    @property
    def token(self) -> str | None:
        """The access token, None when nobody is logged in."""
        tokens = self.current
        return tokens.token if tokens else None

    def set(self, tokens: StoredTokens, user: User | None = None) -> None:
        """Log in with these tokens; `user` is who they belong to, if that is known."""
        self._storage.save(tokens)
        self._tell(AuthEvent("logged_in", user=user))

    def clear(self) -> StoredTokens | None:
        """Log out, and return what was kept until now."""
        kept = self.current
        self._storage.save(None)
        if kept is not None:
            self._tell(AuthEvent("logged_out", reason="logout"))
        return kept

    def get_valid(
        self, now: datetime, spend: Callable[[str], StoredTokens], *, timeout: float | None = None
    ) -> str | None:
        """Return the access token to send, renewed first if it is about to end; None if nobody is logged in.

        A renewal that does not get through is no reason to fail: the old token is sent, and the platform decides. It is
        not tried anew for `defaults.REFRESH_BACKOFF` seconds, so that calls are not held up while only that is broken.

        Args:
            now: the time.
            spend: exchanges a refresh token for new tokens.
            timeout: seconds to wait while another thread renews it; None for as long as that takes.

        Raises:
            AuthenticationError: the login has just ended; a call that began logged in is not sent without a name.
        """
        kept = self.current
        if kept is None or not kept.needs_refresh(now) or now < self._not_before:
            return kept.token if kept else None
        try:
            renewed = self.refresh(kept.token, spend, timeout=timeout)
        except APIError:
            self._not_before = now + timedelta(seconds=defaults.REFRESH_BACKOFF)
            return kept.token
        if renewed is None:
            raise AuthenticationError("The login has ended")
        return renewed.token

    def refresh(
        self, failing: str | None, spend: Callable[[str], StoredTokens], *, timeout: float | None = None
    ) -> StoredTokens | None:
        """Replace a token that is no longer good, unless another thread or process has already done so.

        Args:
            failing: the access token that was refused; None renews whatever there is.
            spend: exchanges a refresh token for new tokens.
            timeout: seconds to wait while another thread renews it; None for as long as that takes.

        Returns:
            the tokens to go on with; None when there is no refresh token, or it was refused and we are logged out.
            Whoever logs in or out meanwhile has the last word.
        """
        with self._announcing() as events, self._turn(timeout), self._storage.refresh_lock():
            kept = self.current
            if kept is None or (failing is not None and kept.token != failing):
                return kept
            if kept.refresh_token is None:
                return None
            new = _bought(kept, spend)
            if self._storage.compare_and_swap(kept, new):
                events.append(AuthEvent("refreshed") if new else AuthEvent("logged_out", reason="refused"))
            return self.current

    @contextmanager
    def _turn(self, timeout: float | None) -> Iterator[None]:
        """Wait until nobody else renews, but not longer than a call may take."""
        refreshing = self._refreshing  # a fork in between replaces it
        if not refreshing.acquire(timeout=-1 if timeout is None else min(max(0.0, timeout), threading.TIMEOUT_MAX)):
            raise DeadlineExceeded
        try:
            yield
        finally:
            refreshing.release()

    @contextmanager
    def _announcing(self) -> Iterator[list[AuthEvent]]:
        """Collect events and tell them at the end: entered first, it is left when all locks are."""
        events: list[AuthEvent] = []
        yield events
        for event in events:
            self._tell(event)

    def _tell(self, event: AuthEvent) -> None:
        self.events.emit(event.name, event)


def _bought(kept: StoredTokens, spend: Callable[[str], StoredTokens]) -> StoredTokens | None:
    """Return new tokens of the same login, None if the refresh token is no longer good."""
    assert kept.refresh_token is not None
    try:
        return replace(spend(kept.refresh_token), login=kept.login)
    except (AuthenticationError, BadRequestError, PermissionDeniedError):  # it will never be taken
        return None
