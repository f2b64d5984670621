"""Where the server under test is, and how to identify to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from duologue.contract import CHAT, PLATFORM


@dataclass(frozen=True)
class Login:
    """A user of the platform who can log in."""

    email: str
    password: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the login of `EMAIL:PASSWORD`.

        Raises:
            ValueError: it has another form.
        """
        email, _, password = text.partition(":")
        if "@" not in email or not password:
            raise ValueError("A login is EMAIL:PASSWORD, as admin@example.com:secret.")
        return cls(email, password)


@dataclass(frozen=True)
class Target:
    """Addresses and credentials of a server."""

    base_url: str
    """Of the platform, as `http://localhost:3001/api`."""
    chat_base_url: str
    """Of the chat service, as `http://localhost:3002/chats-service/api/v1`."""
    api_key: str = field(repr=False)
    """Of the chat service."""
    logins: tuple[Login, ...] = ()
    """On the platform."""

    @classmethod
    def from_urls(cls, url: str, chat_url: str | None = None, *, api_key: str, logins: Iterable[Login] = ()) -> Self:
        """Return the target at these URLs; one without a path is completed with the service's usual prefix.

        Args:
            url: of the platform.
            chat_url: of the chat service; looked for beside the platform unless given.
            api_key: of the chat service.
            logins: on the platform.
        """
        return cls(PLATFORM.complete_url(url), CHAT.complete_url(chat_url or get_origin(url)), api_key, (*logins,))


def get_origin(url: str) -> str:
    """Return scheme, host and port of `url`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
