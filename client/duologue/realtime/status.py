"""What happens to the connection itself, and when a lost one is made again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Final, Literal

from duologue import defaults
from duologue.errors import APIError

ConnectionEventName = Literal["connected", "disconnected", "reconnected", "reconnect_failed"]

NAMES: Final[tuple[ConnectionEventName, ...]] = ("connected", "disconnected", "reconnected", "reconnect_failed")


@dataclass(frozen=True, slots=True)
class ConnectionEvent:
    """Something that happened to the connection.

    Args:
        name: `connected`, by `connect()`; `disconnected`, whether by us, the server or the network; `reconnected`: what
            the server sent meanwhile was missed; or `reconnect_failed`: there will be no connection until `connect()`.
        reason: why it was lost, in Socket.IO's words, as `server disconnect` or `transport error`; else empty.
        attempts: how many it took to reconnect, or were made before giving up.
        error: why we gave up: an `AuthenticationError` if the server refused us, else a `ConnectionLostError`.
    """

    name: ConnectionEventName
    reason: str = ""
    attempts: int = 0
    error: APIError | None = None


@dataclass(frozen=True, slots=True)
class Reconnect:
    """When a lost connection is made again; by default as the platform document does: after 2, 4, 8, 16, 32 seconds.

    Args:
        attempts: how often it is tried; 0 for never, None for ever.
        delay: seconds before the first try; each further wait doubles.
        max_delay: seconds of the longest wait.
        jitter: by which part a wait may be shorter or longer, so that clients do not all come back at once.
        random: returns a number from 0 to 1; tests pass their own.

    Raises:
        ValueError: a number that cannot be meant.
    """

    attempts: int | None = defaults.RECONNECT_ATTEMPTS
    delay: float = defaults.RECONNECT_DELAY
    max_delay: float = defaults.MAX_RECONNECT_DELAY
    jitter: float = defaults.RECONNECT_JITTER
    random: Callable[[], float] = field(default=random.random, repr=False, compare=False)

    def __post_init__(self) -> None:
        if (self.attempts or 0) < 0 or not 0 < self.delay <= self.max_delay or not 0 <= self.jitter <= 1:
            raise ValueError(f"{self} cannot be meant: tries ≥ 0, 0 < delay ≤ max_delay, and 0 ≤ jitter ≤ 1")

    def waits(self) -> Iterator[float]:
        """Yield the seconds to wait before each try."""
        delay = self.delay
        for number in count():
            if self.attempts is not None and number >= self.attempts:
                return
            yield delay * (1 + self.jitter * (2 * self.random() - 1))
            delay = min(delay * 2, self.max_delay)
