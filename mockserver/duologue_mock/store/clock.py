"""Time and chance, handed in: nothing else in the mock looks at a clock or draws a number."""

from __future__ import annotations

import itertools
import random
import threading
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the mock asks of a clock."""

    def now(self) -> datetime:
        """Return the current moment, in UTC."""

    def seconds(self) -> float:
        """Return seconds since some fixed moment; for limits and lifetimes."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current moment, in UTC and whole milliseconds, as the wire writes it."""
        moment = datetime.now(UTC)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def seconds(self) -> float:
        """Return seconds since 1970."""
        return time.time()


class IdGenerator:
    """IdGenerator of the kinds the two services make.

    Args:
        seed: the same seed gives the same ids in the same order; None gives new ones.
    """

    def __init__(self, seed: int | None = None) -> None:
        chance = random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311  # repeats because asked to
        self._secrets = chance
        self._random = random.Random(chance.getrandbits(128))  # noqa: S311  # these name things and guard nothing
        self._notices = random.Random(chance.getrandbits(128))  # noqa: S311  # likewise
        self._requests = itertools.count(1)
        self._request_prefix = f"req-{chance.getrandbits(40):010x}-"
        self._lock = threading.Lock()

    def object_id(self) -> str:
        """Return 24 hexadecimal digits, like the ids of the chat service's database."""
        with self._lock:
            return f"{self._random.getrandbits(96):024x}"

    def notification_id(self) -> str:
        """Return 24 hexadecimal digits; drawn apart, since a notification that nobody hears is not made."""
        with self._lock:
            return f"{self._notices.getrandbits(96):024x}"

    def token_id(self) -> str:
        """Return 32 hexadecimal digits for tokens and login sessions."""
        with self._lock:
            return f"{self._secrets.getrandbits(128):032x}"

    def request_id(self) -> str:
        """Return an id for a request that brought none."""
        return f"{self._request_prefix}{next(self._requests):x}"
