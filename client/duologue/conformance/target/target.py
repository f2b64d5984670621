"""Where the server under test is, and how to identify to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from duologue.contract import CHAT, PLATFORM


@dataclass(frozen=True)
class Target:
    """Addresses and credentials of a server."""

    base_url: str
    """Of the platform, as `http://localhost:3001/api`."""
    chat_base_url: str
    """Of the chat service, as `http://localhost:3002/chats-service/api/v1`."""
    api_key: str
    """Of the chat service."""

    @classmethod
    def from_urls(cls, url: str, chat_url: str | None = None, *, api_key: str) -> Self:
        """Return the target at these URLs; one without a path is completed with the service's usual prefix.

        Args:
            url: of the platform.
            chat_url: of the chat service; looked for beside the platform unless given.
            api_key: of the chat service.
        """
        return cls(PLATFORM.complete_url(url), CHAT.complete_url(chat_url or url), api_key)
