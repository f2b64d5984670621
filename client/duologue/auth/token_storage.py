"""Where the tokens of a login are stored: the protocols, and the storage in memory."""

from __future__ import annotations

import secrets
import uuid
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from duologue import defaults

if TYPE_CHECKING:
    from duologue.contract.auth import Tokens


@dataclass(frozen=True, slots=True)
class StoredTokens:
    """What is stored of a login.

    Args:
        token: the access token, sent as `Authorization: Bearer …`.
        refresh_token: is exchanged for the next tokens, once; None where only an access token was given.
        expires_at: when the access token expires, None if unknown.
        refresh_at: from when on it is refreshed before use, None to derive that from `expires_at`.
        login: identifies the login: the same over all its refreshes. Not a secret; a storage may leave it out.
        refresh_key: the idempotency key of the request that exchanges the refresh token. If its response is lost, the
            same request is made again under this key, and the platform does not take that for a stolen token. A storage
            may leave it out; one that processes share should not.
    """

    token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    refresh_at: datetime | None = field(default=None, compare=False)
    login: str = field(default="", compare=False)
    refresh_key: str = field(default="", repr=False, compare=False)

    @classmethod
    def from_response(cls, tokens: Tokens, now: datetime) -> StoredTokens:
        """Return what to store of tokens that the server has just issued.

        The server says how long they live, not until when, so its clock and ours may differ.
        """
        leeway = min(defaults.REFRESH_LEEWAY, tokens.expires_in / 10)
        expires_at = now + timedelta(seconds=tokens.expires_in)
        refresh_at = expires_at - timedelta(seconds=leeway)
        return cls(
            tokens.token,
            tokens.refresh_token,
            expires_at,
            refresh_at,
            login=secrets.token_hex(8),
            refresh_key=str(uuid.uuid4()),
        )

    def needs_refresh(self, now: datetime) -> bool:
        """Return whether the access token expires so soon that it should be refreshed before it is used."""
        if self.refresh_token is None or self.expires_at is None:
            return False
        if self.refresh_at is not None:
            return now >= self.refresh_at
        return self.expires_at - now <= timedelta(seconds=defaults.REFRESH_LEEWAY)


class TokenStorage(Protocol):
    """Where tokens are stored: memory, a file, a key ring. See `SharedTokenStorage` for one that processes share."""

    def load(self) -> StoredTokens | None:
        """Return the stored tokens, None when no user is logged in."""
        ...

    def save(self, tokens: StoredTokens | None) -> None:
        """Replace the stored tokens; None removes them."""
        ...


@runtime_checkable
class SharedTokenStorage(TokenStorage, Protocol):
    """A storage that several processes use at once, as `FileTokenStorage` is.

    A refresh token can be used once; the platform revokes a login whose token is used twice. So of processes that load
    the same expired token only one may refresh it.
    """

    def refresh_lock(self, *, timeout: float | None = None) -> AbstractContextManager[None]:
        """Return a lock, as a context, that one process at a time can hold.

        Args:
            timeout: seconds to wait for it; None for no limit.

        Raises:
            DeadlineExceeded: another process held it all that time.
        """
        ...

    def compare_and_swap(self, old: StoredTokens, new: StoredTokens | None, *, timeout: float | None = None) -> bool:
        """Store `new` if `old` is what is stored, atomically; return whether it was.

        Args:
            old: what should be stored.
            new: what to store; None removes the tokens.
            timeout: seconds to wait for other processes; None for a limit of the storage's own.
        """
        ...


class MemoryTokenStorage:
    """Tokens in memory, gone with the process.

    Args:
        tokens: the tokens to start with.
    """

    def __init__(self, tokens: StoredTokens | None = None) -> None:
        self._tokens = tokens

    def load(self) -> StoredTokens | None:
        """Return the stored tokens."""
        return self._tokens

    def save(self, tokens: StoredTokens | None) -> None:
        """Replace the stored tokens."""
        self._tokens = tokens

    def __repr__(self) -> str:
        return f"<MemoryTokenStorage, {'with' if self._tokens else 'no'} tokens>"
