"""Every default in one place, a sentence each.

The environments and the chat service's numbers are the two documents'; times are in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

EnvironmentName = Literal["development", "staging", "production"]


@dataclass(frozen=True, slots=True)
class Environment:
    """What belongs to one named environment.

    Args:
        base_url: where the platform API is.
        chat_base_url: where the chat API is.
        timeout: seconds the platform may take to connect, and between two pieces of an answer.
        max_retries: how often a failed platform call is tried again.
        api_key: the chat service's key, where it is no secret.
    """

    base_url: str
    chat_base_url: str
    timeout: float
    max_retries: int
    api_key: str | None = None


ENVIRONMENTS: Final[dict[EnvironmentName, Environment]] = {
    "development": Environment(
        base_url="http://localhost:3001/api",
        chat_base_url="http://localhost:3002/chats-service/api/v1",
        timeout=10.0,
        max_retries=3,
        api_key="dev-api-key",
    ),
    "staging": Environment(
        base_url="https://staging-api.dafnckmachine.com/api",
        chat_base_url="https://staging-api.dafnckmachine.com/chats-service/api/v1",
        timeout=15.0,
        max_retries=2,
    ),
    "production": Environment(
        base_url="https://api.dafnckmachine.com/api",
        chat_base_url="https://api.dafnckmachine.com/chats-service/api/v1",
        timeout=20.0,
        max_retries=1,
    ),
}
"""The platform document's environments. The chat document names no host but localhost: elsewhere the chat service is
taken to be behind the platform's host, which `chat_base_url` changes."""

ENVIRONMENT: Final[EnvironmentName] = "development"
"""Both documents fall back to development."""

CHAT_TIMEOUT: Final = 15.0
"""The chat document's 15 seconds, in every environment."""

CHAT_MAX_RETRIES: Final = 3
"""The chat document's three retries, in every environment."""

RETRY_DELAY: Final = 1.0
"""Both documents wait a second before the first retry; each further wait doubles."""

MAX_RETRY_DELAY: Final = 30.0
"""The platform document's `Math.min(1000 * 2 ** attemptIndex, 30000)`."""

MAX_RETRY_AFTER: Final = 120.0
"""The longest `Retry-After` that is waited for; a longer one is an error at once."""

DEADLINE: Final = 300.0
"""Seconds a call may take altogether: enough for two of the longest waits that a server may ask for."""

RETRY_BUDGET: Final = 50
"""Retries that a client makes while none of them helps."""

MAX_RESPONSE_SIZE: Final = 10 * 1024 * 1024
"""The largest body, unpacked, that is read."""

MAX_REDIRECTS: Final = 5
"""How often a `GET` follows its server to another path."""

POOL_SIZE: Final = 32
"""Idle connections kept for each host: one for each of as many threads."""

REFRESH_LEEWAY: Final = 30.0
"""Seconds before its end that an access token is renewed, so that it does not end on its way or because the server
counted from a little earlier; a tenth of its life where that is less."""

REFRESH_BACKOFF: Final = 10.0
"""Seconds without another renewal ahead of time after one that did not get through."""

API_KEY_VALIDATION: Final = 300.0
"""The chat document's `validationInterval`: for five minutes an API key that was checked is not checked again."""

REALTIME_TIMEOUT: Final = 10.0
"""Seconds a real-time connection, and the answer to a call over it, may take."""

RECONNECT_ATTEMPTS: Final = 5
"""The platform document's `maxReconnectAttempts`."""

RECONNECT_DELAY: Final = 2.0
"""The platform document waits 2, 4, 8, 16, 32 seconds."""

MAX_RECONNECT_DELAY: Final = 32.0
"""The last of those."""

RECONNECT_JITTER: Final = 0.2
"""The part by which such a wait may be shorter or longer."""

SEND_BUFFER_SIZE: Final = 64
"""How many events wait to be sent while there is no connection: fewer than the mock takes from a client in a second."""

RECEIVE_BUFFER_SIZE: Final = 10_000
"""How many received events wait for `receive()`; then the oldest are dropped."""
