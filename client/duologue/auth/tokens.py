"""The login on the platform: its tokens, and when they are refreshed."""

from __future__ import annotations

import copy
import dataclasses
import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from duologue import defaults
from duologue.auth.token_storage import SharedTokenStorage, StoredTokens, TokenStorage
from duologue.concurrency import fork_safety
from duologue.concurrency.event_emitter import EventEmitter
from duologue.concurrency.timer import Timer
from duologue.contract.errors import escape_for_log
from duologue.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ClientClosedError,
    DeadlineExceeded,
    PermissionDeniedError,
)

if TYPE_CHECKING:
    from duologue.contract.users import User

_log = logging.getLogger("duologue")

AuthEventName = Literal["logged_in", "refreshed", "logged_out"]
LogoutReason = Literal["logout", "refused"]


@dataclass(frozen=True, slots=True, eq=False)
class AuthEvent:
    """A change of the login.

    Args:
        name: `logged_in`, `refreshed` or `logged_out`.
        user: the user who logged in; None for the other events.
        reason: why the login ended: `logout` was called, or the platform `refused` the refresh token.
    """

    name: AuthEventName
    user: User | None = None
    reason: LogoutReason | None = None


class _ProcessTokenStorage:
    """Makes a `SharedTokenStorage` of a storage that only this process uses."""

    def __init__(self, storage: TokenStorage) -> None:
        self._storage = storage
        self._lock = threading.Lock()
        fork_safety.watch_locks(self, "_lock")

    def load(self) -> StoredTokens | None:
        return self._storage.load()

    def save(self, tokens: StoredTokens | None) -> None:
        with self._lock:
            self._storage.save(tokens)

    def refresh_lock(self, *, timeout: float | None = None) -> AbstractContextManager[None]:
        return nullcontext()

    def compare_and_swap(self, old: StoredTokens, new: StoredTokens | None, *, timeout: float | None = None) -> bool:
        with self._lock:
            unchanged = self._storage.load() == old
            if unchanged:
                self._storage.save(new)
            return unchanged


class _Unsaved(NamedTuple):
    """What replaces the stored tokens, where it could not be stored; None for the end of the login."""

    stored: StoredTokens
    tokens: StoredTokens | None


class _FailedRefresh(NamedTuple):
    number: int
    token: str
    error: APIError

    def __repr__(self) -> str:
        return f"<_FailedRefresh {self.number}>"


class TokenManager:
    """The current tokens. However many threads need it, one refresh runs at a time; if it fails, it fails for all.

    Args:
        storage: where the tokens are stored.

    Attributes:
        events: emits the changes of the login; never while a lock is held.
    """

    def __init__(self, storage: TokenStorage) -> None:
        self._storage = storage if isinstance(storage, SharedTokenStorage) else _ProcessTokenStorage(storage)
        self._refreshing = threading.Lock()
        fork_safety.watch_locks(self, "_refreshing")
        self._next_refresh = datetime.min.replace(tzinfo=UTC)
        self._refreshes = 0  # how many have ended
        self._failed_refresh: _FailedRefresh | None = None
        self._refresh_key = ("", "")  # a refresh token, and the key for it
        self._unsaved: _Unsaved | None = None
        self.events: EventEmitter[AuthEvent] = EventEmitter(("logged_in", "refreshed", "logged_out"))

    @property
    def current(self) -> StoredTokens | None:
        """The stored tokens, or what replaces them where that could not be stored; None when no user is logged in."""
        stored, unsaved = self._storage.load(), self._unsaved
        if unsaved is None:
            return stored
        if stored == unsaved.stored:
            return unsaved.tokens
        self._unsaved = None  # another login, or its end, has been stored since
        return stored

    @property
    def token(self) -> str | None:
        """The access token, None when no user is logged in."""
        tokens = self.current
        return tokens.token if tokens else None

    def set(self, tokens: StoredTokens, user: User | None = None) -> None:
        """Log in.

        Args:
            tokens: the tokens of the login.
            user: the user who has logged in, if known.
        """
        self._storage.save(tokens)
        self._unsaved = None
        self._emit(AuthEvent("logged_in", user=user))

    def clear(self) -> StoredTokens | None:
        """Log out, and return the tokens until now."""
        tokens = self.current
        self._storage.save(None)
        self._unsaved = None
        if tokens is not None:
            self._emit(AuthEvent("logged_out", reason="logout"))
        return tokens

    def get_valid(
        self, now: datetime, fetch_tokens: Callable[[StoredTokens], StoredTokens], *, timeout: float | None = None
    ) -> str | None:
        """Return the access token to send, refreshed first if it is about to expire; None if no user is logged in.

        A refresh that fails on the way is no reason to fail: the old token is sent, and the platform decides. No other
        is attempted for `defaults.REFRESH_BACKOFF` seconds, so that calls are not delayed while only that is broken.

        Args:
            now: the time.
            fetch_tokens: exchanges a refresh token for new tokens.
            timeout: seconds to wait while another thread refreshes; None for no limit.

        Raises:
            AuthenticationError: the login has just ended; a call that started logged in is not sent anonymously.
        """
        tokens = self.current
        if tokens is None or not tokens.needs_refresh(now) or now < self._next_refresh:
            return tokens.token if tokens else None
        try:
            fresh = self.refresh(tokens.token, fetch_tokens, timeout=timeout)
        except APIError:
            self._next_refresh = now + timedelta(seconds=defaults.REFRESH_BACKOFF)
            return tokens.token
        if fresh is None:
            raise AuthenticationError("The login has ended. Log in again")
        return fresh.token

    def refresh(
        self,
        rejected: str | None,
        fetch_tokens: Callable[[StoredTokens], StoredTokens],
        *,
        timeout: float | None = None,
    ) -> StoredTokens | None:
        """Replace a token that is no longer valid, unless another thread or process has already done so.

        Args:
            rejected: the access token that was rejected; None refreshes any.
            fetch_tokens: exchanges a refresh token for new tokens.
            timeout: seconds to wait while another thread refreshes; None for no limit.

        Returns:
            the tokens to use from now on; None when there is no refresh token, or it was refused and the login has
            ended. A login or logout in the meantime takes precedence.
        """
        seen, wait = self._refreshes, Timer(timeout)
        with (
            self._emit_afterwards() as events,
            self._hold_refresh_lock(timeout),
            self._storage.refresh_lock(timeout=wait.left),
        ):
            tokens = self.current
            if tokens is None or (rejected is not None and tokens.token != rejected):
                return tokens
            if tokens.refresh_token is None:
                return None
            self._share_failure(tokens, seen)
            fresh = self._exchange(tokens, fetch_tokens)
            if self._replace(tokens, fresh, timeout=wait.left):
                events.append(AuthEvent("refreshed") if fresh else AuthEvent("logged_out", reason="refused"))
            return self.current

    def _share_failure(self, tokens: StoredTokens, seen: int) -> None:
        """Raise what another thread's refresh of these tokens has failed with, while this thread waited for it."""
        failed = self._failed_refresh
        if failed is not None and failed.number > seen and failed.token == tokens.token:
            raise copy.copy(failed.error)

    def _exchange(
        self, tokens: StoredTokens, fetch_tokens: Callable[[StoredTokens], StoredTokens]
    ) -> StoredTokens | None:
        """Return the tokens that the platform issues in exchange; None if it refuses, which ends the login."""
        try:
            fresh = fetch_tokens(self._add_refresh_key(tokens))
        except (AuthenticationError, BadRequestError, PermissionDeniedError):  # it will never be accepted
            return None
        except (DeadlineExceeded, ClientClosedError):  # this call's, not that of those who wait
            raise
        except APIError as error:
            self._failed_refresh = _FailedRefresh(self._refreshes + 1, tokens.token, copy.copy(error))
            raise
        finally:
            self._refreshes += 1
        return dataclasses.replace(fresh, login=tokens.login)

    def _add_refresh_key(self, tokens: StoredTokens) -> StoredTokens:
        """Return tokens with the key under which they are refreshed, however often that is attempted."""
        if tokens.refresh_key:
            return tokens
        assert tokens.refresh_token is not None
        if self._refresh_key[0] != tokens.refresh_token:
            self._refresh_key = (tokens.refresh_token, str(uuid.uuid4()))
        return dataclasses.replace(tokens, refresh_key=self._refresh_key[1])

    def _replace(self, tokens: StoredTokens, fresh: StoredTokens | None, *, timeout: float | None) -> bool:
        """Store tokens unless others have been stored meanwhile, and return whether they count.

        Where they cannot be stored, as on a full disk, they are kept in memory: the old ones are spent.
        """
        stored = self._unsaved.stored if self._unsaved is not None and self._unsaved.tokens == tokens else tokens
        try:
            replaced = self._storage.compare_and_swap(stored, fresh, timeout=timeout)
        except Exception as error:  # a storage of the caller's may raise anything
            self._unsaved = _Unsaved(stored, fresh)
            reason = error.details.get("reason") if isinstance(error, APIError) else None
            _log.warning(
                "The refreshed tokens could not be stored (%s). They are kept in memory: other programs, and the next "
                "start of this one, have to log in again",
                escape_for_log(f"{type(error).__name__}: {reason}" if reason else type(error).__name__),
            )
            return True
        if replaced:
            self._unsaved = None
        return replaced

    @contextmanager
    def _hold_refresh_lock(self, timeout: float | None) -> Iterator[None]:
        """Wait until no other thread refreshes, but not longer than a call may take."""
        refreshing = self._refreshing  # a fork in between replaces it
        if not refreshing.acquire(timeout=-1 if timeout is None else min(max(0.0, timeout), threading.TIMEOUT_MAX)):
            raise DeadlineExceeded
        try:
            yield
        finally:
            refreshing.release()

    @contextmanager
    def _emit_afterwards(self) -> Iterator[list[AuthEvent]]:
        """Collect events and emit them at the end: entered first, this context is left when all locks are released."""
        events: list[AuthEvent] = []
        yield events
        for event in events:
            self._emit(event)

    def _emit(self, event: AuthEvent) -> None:
        self.events.emit(event.name, event)
