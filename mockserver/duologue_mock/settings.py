"""What can be set about a mock, with a sentence each."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path

from duologue.contract import headers
from duologue.contract.chats import ChatSession
from duologue.contract.messages import ChatMessage

_POSITIVE = (
    "access_token_lifetime",
    "refresh_token_lifetime",
    "max_request_size",
    "read_timeout",
    "idle_timeout",
    "reply_timeout",
)
_SECRET_LENGTH = 32


@dataclass(frozen=True)
class ReplyRequest:
    """What a reply function is given: the session, its history with the user's message last, and the context."""

    session: ChatSession
    history: tuple[ChatMessage, ...]
    message: str
    context: str | None


ReplyFunction = Callable[[ReplyRequest], "str | Iterator[str]"]
"""Makes the assistant's reply: all at once, or in the pieces it should be streamed in."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a mock behaves. All have a default that suits a developer's machine."""

    api_keys: tuple[str, ...] = ("dev-api-key",)
    """API keys that the chat service knows."""
    require_auth: bool = False
    """Whether the platform refuses a request without a token, and Socket.IO a handshake without credentials."""
    access_token_lifetime: float = 3600.0
    """Seconds until an access token expires."""
    refresh_token_lifetime: float = 7 * 24 * 3600.0
    """Seconds until a refresh token expires."""
    secret: str | None = field(default=None, repr=False)
    """Key of at least 32 bytes that signs tokens; None makes one at start, so that a restart ends all logins."""
    rate_limit: int | None = 600
    """Requests a minute for one caller; None for no limit."""
    max_request_size: int = 1024 * 1024
    """The longest request body, in bytes."""
    read_timeout: float = 8.0
    """Seconds a client may take to send a request, once it has begun."""
    idle_timeout: float = 75.0
    """Seconds a connection is kept open between requests."""
    allowed_origins: tuple[str, ...] = ()
    """Origins beyond those of this machine whose pages may call the mock, as `https://app.example`."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names beyond this machine's own that requests may be addressed to."""
    fixtures: Path | None = None
    """Folder with `users.json`, `chats.json`, `messages.json` and `smart_chat.json`; None for those shipped with us."""
    reply_function: ReplyFunction | None = field(default=None, repr=False)
    """Function that makes smart-chat replies, in place of the rules."""
    reply_url: str | None = None
    """Base URL of an OpenAI-compatible API that makes smart-chat replies, as `http://localhost:11434/v1`."""
    reply_model: str = "default"
    """Model to ask that API for."""
    reply_api_key: str | None = field(default=None, repr=False)
    """Key for that API."""
    reply_timeout: float = 60.0
    """Seconds that API may take."""
    stream_delay: float = 0.0
    """Seconds between the pieces of a streamed reply."""
    seed: int | None = None
    """Makes ids repeat from run to run; None draws new ones."""

    def __post_init__(self) -> None:
        """Refuse what cannot work, naming the setting."""
        for name in _POSITIVE:
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be more than 0 and not endless, not {getattr(self, name)!r}.")
        if not 0 <= self.stream_delay < math.inf:
            raise ValueError(f"stream_delay must be 0 or more and not endless, not {self.stream_delay!r}.")
        for name in ("api_keys", "allowed_origins", "allowed_hosts"):
            if isinstance(getattr(self, name), str):
                raise ValueError(f"{name} must be several, as in ({getattr(self, name)!r},), not one text.")
        for origin in self.allowed_origins:
            if not re.fullmatch(r"https?://[^/?#*]+/?", origin):
                raise ValueError(f"allowed_origins needs origins like `https://app.example:8443`, not {origin!r}.")
        for host in self.allowed_hosts:
            if not re.fullmatch(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]", host):
                raise ValueError(f"allowed_hosts needs bare names like `mock.example`, without a port, not {host!r}.")
        if self.secret is not None and len(self.secret.encode()) < _SECRET_LENGTH:
            raise ValueError(f"secret must have at least {_SECRET_LENGTH} bytes (RFC 7518, section 3.2).")
        if self.rate_limit is not None and self.rate_limit < 1:
            raise ValueError(f"rate_limit must be at least 1, or None for no limit, not {self.rate_limit!r}.")
        if not self.api_keys or not all(re.fullmatch(headers.VALUE, key) for key in self.api_keys):
            raise ValueError("api_keys needs at least one key, each of printable ASCII, as a header has to be.")


def setting_names() -> frozenset[str]:
    """Return the names of all settings."""
    return frozenset(item.name for item in fields(Settings))
