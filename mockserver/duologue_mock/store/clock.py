"""Clock and id generator, which are injected: all times and ids in the mock's data come from them.

The HTTP server alone reads the machine's clock besides, for `Date` and for its timeouts.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """The time as the mock needs it."""

    def now(self) -> datetime:
        """Return the current moment, in UTC."""

    def seconds(self) -> float:
        """Return seconds since some fixed moment; for limits and lifetimes."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current moment, in UTC and whole milliseconds, as JSON has it."""
        moment = datetime.now(UTC)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def seconds(self) -> float:
        """Return seconds since 1970."""
        return time.time()


class IdGenerator:
    """Generates ids in the formats of both services.

    Args:
        seed: the same seed generates the same ids in the same order; None generates random ones.
    """

    def __init__(self, seed: int | None = None) -> None:
        source = random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311  # to be predictable
        self._tokens = source
        self._objects = random.Random(source.getrandbits(128))  # noqa: S311  # these ids are not secrets
        self._notifications = random.Random(source.getrandbits(128))  # noqa: S311  # likewise
        self._requests = itertools.count(1)
        self._request_prefix = f"req-{source.getrandbits(40):010x}-"
        self._lock = threading.Lock()

    def object_id(self) -> str:
        """Return 24 hexadecimal digits, in the format of MongoDB's ids."""
        with self._lock:
            return f"{self._objects.getrandbits(96):024x}"

    def notification_id(self) -> str:
        """Return 24 hexadecimal digits, of a sequence of its own: notifications without subscribers are not created."""
        with self._lock:
            return f"{self._notifications.getrandbits(96):024x}"

    def token_id(self) -> str:
        """Return 32 hexadecimal digits for tokens and login sessions."""
        with self._lock:
            return f"{self._tokens.getrandbits(128):032x}"

    def request_id(self) -> str:
        """Return an id for a request that has none."""
        return f"{self._request_prefix}{next(self._requests):x}"
