"""Constants that several modules share. The default of an option is in its declaration, in `config`.

Times are in seconds.
"""

from __future__ import annotations

from typing import Final

RETRY_DELAY: Final = 1.0
"""Seconds before the first retry, in both specifications; each further wait doubles."""

MAX_RETRY_DELAY: Final = 30.0
"""Seconds; the Platform API specification's `Math.min(1000 * 2 ** attemptIndex, 30000)`."""

MAX_RETRY_AFTER: Final = 120.0
"""Seconds of the longest `Retry-After` that is waited for; a longer one is an error at once."""

RETRY_BUDGET: Final = 50
"""Retries that a client makes while none of them helps."""

MAX_REDIRECTS: Final = 5
"""Redirects that one call follows."""

POOL_SIZE: Final = 32
"""Idle connections kept for each host: one for each of as many threads."""

REFRESH_LEEWAY: Final = 30.0
"""Seconds before its expiry that an access token is refreshed, so that it does not expire on its way, or because of a
different clock; a tenth of its lifetime where that is less."""

REFRESH_BACKOFF: Final = 10.0
"""Seconds until an early refresh is attempted again after one that failed."""

REALTIME_TIMEOUT: Final = 10.0
"""Seconds that a Realtime connection, and the acknowledgement of a call over it, may take."""

RECONNECT_ATTEMPTS: Final = 5
"""The Platform API specification's `maxReconnectAttempts`."""

RECONNECT_DELAY: Final = 2.0
"""Seconds before the first attempt; the Platform API specification waits 2, 4, 8, 16 and 32."""

MAX_RECONNECT_DELAY: Final = 32.0
"""Seconds before the last attempt."""

RECONNECT_JITTER: Final = 0.2
"""Fraction by which such a wait may be shorter or longer."""

SEND_BUFFER_SIZE: Final = 64
"""Events that wait to be sent while there is no connection: fewer than the mock accepts from a client in a second."""

RECEIVE_BUFFER_SIZE: Final = 10_000
"""Received events that wait for `receive()`; then the oldest are dropped."""
