"""Who we are on the platform: the tokens of a login, kept and renewed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from duologue.contract.auth import Tokens
from duologue.errors import AuthenticationError


@dataclass(frozen=True, slots=True)
class StoredTokens:
    """What is kept of a login.

    Args:
        token: the access token, sent as `Authorization: Bearer …`.
        refresh_token: buys the next tokens, once; None where only a token was given.
        expires_at: when the access token ends, None if unknown.
    """

    token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None

    @classmethod
    def received(cls, tokens: Tokens, now: datetime) -> StoredTokens:
        """Return what to keep of tokens that the server has just given."""
        return cls(tokens.token, tokens.refresh_token, now + timedelta(seconds=tokens.expires_in))


class TokenStorage(Protocol):
    """Where tokens are kept; a seam for files and key rings."""

    def load(self) -> StoredTokens | None:
        """Return what is kept, None when nobody is logged in."""
        ...

    def save(self, tokens: StoredTokens | None) -> None:
        """Keep these tokens instead; None forgets them."""
        ...


class MemoryTokens:
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
        return f"<MemoryTokens {'kept' if self._tokens else 'empty'}>"


class TokenHolder:
    """The current tokens, and one renewal at a time however many threads ask for it."""

    def __init__(self, storage: TokenStorage) -> None:
        self._storage = storage
        self._renewing = threading.Lock()
        self._changing = threading.Lock()

    @property
    def current(self) -> StoredTokens | None:
        """What is kept now, None when nobody is logged in."""
        return self._storage.load()

    @property
    def token(self) -> str | None:
        """The access token, None when nobody is logged in."""
        tokens = self.current
        return tokens.token if tokens else None

    def keep(self, tokens: StoredTokens) -> None:
        """Log in with these tokens."""
        with self._changing:
            self._storage.save(tokens)

    def forget(self) -> None:
        """Log out."""
        with self._changing:
            self._storage.save(None)

    def renew(self, failing: str | None, spend: Callable[[str], StoredTokens]) -> StoredTokens | None:
        """Replace a token that is no longer good, unless another thread has already done so.

        Args:
            failing: the access token that was refused; None renews whatever there is.
            spend: exchanges a refresh token for new tokens.

        Returns:
            the tokens to go on with; None when there is no refresh token, or it was refused and we are logged out.
            Whoever logs in or out meanwhile has the last word.
        """
        with self._renewing:
            kept = self.current
            if kept is None or (failing is not None and kept.token != failing):
                return kept
            if kept.refresh_token is None:
                return None
            self._replace(kept, _bought(kept.refresh_token, spend))
            return self.current

    def _replace(self, old: StoredTokens, new: StoredTokens | None) -> None:
        with self._changing:
            if self._storage.load() == old:
                self._storage.save(new)


def _bought(refresh_token: str, spend: Callable[[str], StoredTokens]) -> StoredTokens | None:
    """Return new tokens, None if the refresh token is no longer good."""
    try:
        return spend(refresh_token)
    except AuthenticationError:
        return None
