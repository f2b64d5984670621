"""Numbers that several modules share, a sentence each. The default of an option is in its declaration, in `config`.

Times are in seconds.
"""

from __future__ import annotations

from typing import Final

RETRY_DELAY: Final = 1.0
"""Both documents wait a second before the first retry; each further wait doubles."""

MAX_RETRY_DELAY: Final = 30.0
"""The platform document's `Math.min(1000 * 2 ** attemptIndex, 30000)`."""

MAX_RETRY_AFTER: Final = 120.0
"""The longest `Retry-After` that is waited for; a longer one is an error at once."""

RETRY_BUDGET: Final = 50
"""Retries that a client makes while none of them helps."""

MAX_REDIRECTS: Final = 5
"""How often a `GET` follows its server to another path."""

POOL_SIZE: Final = 32
"""Idle connections kept for each host: one for each of as many threads."""

REFRESH_LEEWAY: Final = 30.0
"""Seconds before its end that an access token is renewed, so that it does not end on its way or because the server
counted from a little earlier; a tenth of its life where that is less."""

REFRESH_BACKOFF: Final = 10.0
"""Seconds without another renewal ahead of time after one that did not get through."""

PAGE_SIZE: Final = 100
"""How many items an iterator asks for at a time: the most the services give."""

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
