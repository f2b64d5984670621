"""The events of the connection itself, and when a lost one is made again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Final, Literal

from duologue import defaults
from duologue.errors import APIError

ConnectionEventName = Literal["connected", "disconnected", "reconnected", "reconnect_failed", "events_dropped"]

NAMES: Final[tuple[ConnectionEventName, ...]] = (
    "connected",
    "disconnected",
    "reconnected",
    "reconnect_failed",
    "events_dropped",
)


@dataclass(frozen=True, slots=True)
class ConnectionEvent:
    """A change of the connection.

    Args:
        name: `connected`, by `connect()`; `disconnected`, whether by the client, the server or the network;
            `reconnected`: events that were sent meanwhile were missed; `reconnect_failed`: there is no connection
            until the next `connect()`; `events_dropped`: callbacks were too slow, and did not get some events.
        reason: why the connection was lost, in Socket.IO's words, as `server disconnect` or `transport error`.
        attempts: how many attempts reconnecting took, or how many failed.
        dropped: how many events callbacks did not get.
        error: why reconnecting failed: an `AuthenticationError` if the server refused us, else a `ConnectionLostError`.
    """

    name: ConnectionEventName
    reason: str = ""
    attempts: int = 0
    error: APIError | None = None
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Reconnect:
    """When to reconnect; by default as the Platform API specification does, after 2, 4, 8, 16 and 32 seconds.

    A connection that is lost again before it has lasted for `max_delay` does not start over: the delays go on growing,
    so that a server which accepts connections and drops them is not flooded. The number of attempts starts over.

    Args:
        attempts: how many attempts to make; 0 for none, None for no limit.
        delay: seconds before the first attempt; each further delay doubles.
        max_delay: the longest delay, in seconds.
        jitter: the part by which a delay is varied at random, 0 to 1, so that clients do not all reconnect at once.
        random: returns a number from 0 to 1; tests pass their own.

    Raises:
        ValueError: a number is out of bounds.
    """

    attempts: int | None = defaults.RECONNECT_ATTEMPTS
    delay: float = defaults.RECONNECT_DELAY
    max_delay: float = defaults.MAX_RECONNECT_DELAY
    jitter: float = defaults.RECONNECT_JITTER
    random: Callable[[], float] = field(default=random.random, repr=False, compare=False)

    def __post_init__(self) -> None:
        if (self.attempts or 0) < 0 or not 0 < self.delay <= self.max_delay or not 0 <= self.jitter <= 1:
            raise ValueError(f"{self} is invalid: attempts ≥ 0, 0 < delay ≤ max_delay, and 0 ≤ jitter ≤ 1 are required")

    def delays(self, skip: int = 0) -> Iterator[float]:
        """Yield the seconds to wait before each attempt.

        Args:
            skip: how many delays were waited for already.
        """
        delay = min(self.delay * 2.0 ** min(skip, 64), self.max_delay)
        for number in count():
            if self.attempts is not None and number >= self.attempts:
                return
            yield delay * (1 + self.jitter * (2 * self.random() - 1))
            delay = min(delay * 2, self.max_delay)
