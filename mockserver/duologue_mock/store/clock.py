"""Clock and id generator, which are injected: all times and ids in the mock's data come from them.

The HTTP server and the Socket.IO server read the machine's clock besides, for `Date`, timeouts and limits of packets.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

_LATEST = datetime.max.replace(microsecond=999_000, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Clock(Protocol):
    """The time as the mock needs it."""

    def now(self) -> datetime:
        """Return the current moment, in UTC."""

    def seconds(self) -> float:
        """Return seconds since 1970; for limits and lifetimes."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current moment, in UTC and whole milliseconds, as JSON has it."""
        moment = datetime.now(UTC)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    seconds = staticmethod(time.time)
    """Returns seconds since 1970."""


@dataclass(frozen=True, slots=True)
class ClockSetting:
    """How a `MockClock` is set: so far from the machine's clock, or stopped at a time."""

    offset: int = 0
    """Milliseconds that it is ahead of the machine's clock, negative if it is behind; 0 if it stands still."""
    frozen_at: datetime | None = None
    """The time at which it stands still; None if it runs."""


_REAL_TIME = ClockSetting()


class MockClock:
    """The time of one mock: the machine's, until it is set, stopped or advanced.

    It has no timers: whatever has a lifetime compares it with the time when it is used, so that moving the clock is all
    that it takes. What should happen by itself after a while (pings, delays) goes by the machine's clock, or a stopped
    one would hold it back.

    Args:
        base: the machine's clock.
    """

    def __init__(self, base: Clock | None = None) -> None:
        self.base: Clock = base or SystemClock()
        self._setting = _REAL_TIME

    def now(self) -> datetime:
        """Return the current moment, in UTC."""
        setting = self._setting  # read once: another thread may set the clock meanwhile
        if setting is _REAL_TIME:
            return self.base.now()
        if setting.frozen_at is not None:
            return setting.frozen_at
        try:
            return self.base.now() + setting.offset * _MILLISECOND
        except OverflowError:  # the clock was set to the end of the year 9999, and has run since
            return _LATEST

    def seconds(self) -> float:
        """Return seconds since 1970."""
        setting = self._setting
        if setting is _REAL_TIME:
            return self.base.seconds()
        if setting.frozen_at is not None:
            return setting.frozen_at.timestamp()
        return self.base.seconds() + setting.offset / 1000

    @property
    def is_frozen(self) -> bool:
        """Whether it stands still."""
        return self._setting.frozen_at is not None

    @property
    def offset(self) -> int:
        """Milliseconds that it is ahead of the machine's clock; 0 if it stands still."""
        return self._setting.offset

    def set(self, moment: datetime) -> None:
        """Set the time; a stopped clock stays stopped.

        Args:
            moment: the new time, with a time zone; fractions of a millisecond are dropped.
        """
        moment = moment.astimezone(UTC)
        moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        if self.is_frozen:
            self._setting = ClockSetting(frozen_at=moment)
        else:
            self._setting = ClockSetting(self._measure_offset(moment))

    def advance(self, milliseconds: int) -> None:
        """Move the time forward.

        Args:
            milliseconds: how far, at least 0.

        Raises:
            ValueError: the number is negative, or the time would be after the year 9999. Nothing has changed.
        """
        if milliseconds < 0:
            raise ValueError(f"A clock is advanced by 0 ms or more, not by {_shorten(milliseconds)}; set it instead.")
        setting = self._setting
        try:
            later = self.now() + milliseconds * _MILLISECOND
        except OverflowError:
            raise ValueError(f"{_shorten(milliseconds)} ms from now is after the year 9999.") from None
        if setting.frozen_at is not None:
            self._setting = ClockSetting(frozen_at=later)
        else:
            self._setting = ClockSetting(setting.offset + milliseconds)

    def freeze(self) -> None:
        """Stop it at the current time. Does nothing if it stands still."""
        if not self.is_frozen:
            self._setting = ClockSetting(frozen_at=self.now())

    def unfreeze(self) -> None:
        """Let it run on from where it stands. Does nothing if it runs."""
        frozen_at = self._setting.frozen_at
        if frozen_at is not None:
            self._setting = ClockSetting(self._measure_offset(frozen_at))

    def reset(self) -> None:
        """Return to the machine's time."""
        self._setting = _REAL_TIME

    def capture(self) -> ClockSetting:
        """Return how it is set."""
        return self._setting

    def check(self, setting: ClockSetting) -> None:
        """Raise `ValueError` for a setting with which it would show no year from 1 to 9999."""
        try:
            self.base.now() + setting.offset * _MILLISECOND
        except OverflowError:
            raise ValueError(f"{_shorten(setting.offset)} ms from now is not in the years 1 to 9999.") from None

    def restore(self, setting: ClockSetting) -> None:
        """Set it as it was set when it was captured: as far from the machine's clock, or stopped at the same time."""
        self._setting = _REAL_TIME if setting == _REAL_TIME else setting

    def _measure_offset(self, moment: datetime) -> int:
        """Return how far the machine's clock is behind a moment; rounded up, so that no time comes twice."""
        return -((self.base.now() - moment) // _MILLISECOND)


def _shorten(number: int) -> str:
    """Return a number for a person: Python writes no integer of more than some thousand digits."""
    return f"{number}" if abs(number) < 10**20 else f"{'-' if number < 0 else ''}10^20 and more"


@dataclass(frozen=True, slots=True)
class IdPosition:
    """How many ids of each kind that is stored have been generated."""

    objects: int = 0
    notifications: int = 0
    tokens: int = 0


class IdGenerator:
    """Generates ids in the formats of both services.

    Each is a keyed hash of its kind and number: so the generator can return to an earlier position at once.

    Args:
        seed: the same seed generates the same ids in the same order; None generates random ones.
        namespace: what ids of tokens and login sessions depend on besides, so that those of one namespace are unknown
            in another with the same seed.
    """

    def __init__(self, seed: int | None = None, *, namespace: str = "") -> None:
        self.is_seeded = seed is not None
        self._key = secrets.token_bytes(32) if seed is None else hashlib.blake2b(b"%d" % seed, digest_size=32).digest()
        self._token_key = hashlib.blake2b(namespace.encode(), key=self._key, digest_size=32).digest()
        self._request_prefix = f"req-{_hash(self._key, b'prefix', 0, size=5)}-"
        self._requests = 0
        self._lock = threading.Lock()
        self._set_position(IdPosition())

    def object_id(self) -> str:
        """Return 24 hexadecimal digits, in the format of MongoDB's ids."""
        with self._lock:
            number = self._objects
            self._objects += 1
        return _hash(self._key, b"object", number, size=12)

    def notification_id(self) -> str:
        """Return 24 hexadecimal digits, of a sequence of its own: notifications without subscribers are not created."""
        with self._lock:
            number = self._notifications
            self._notifications += 1
        return _hash(self._key, b"notification", number, size=12)

    def token_id(self) -> str:
        """Return 32 hexadecimal digits for tokens and login sessions."""
        with self._lock:
            number = self._tokens
            self._tokens += 1
        return _hash(self._token_key, b"token", number, size=16)

    def request_id(self) -> str:
        """Return an id for a request that has none."""
        with self._lock:
            self._requests += 1
            return f"{self._request_prefix}{self._requests:x}"

    def capture(self) -> IdPosition:
        """Return how many ids have been generated; those of requests, which are not stored, do not count."""
        return IdPosition(self._objects, self._notifications, self._tokens)

    def restore(self, position: IdPosition) -> None:
        """Generate the ids after a position again, if there is a seed. Random ids never come back."""
        if self.is_seeded:
            self._set_position(position)

    def restart_requests(self) -> None:
        """Generate the ids of requests from the first one again, if there is a seed."""
        if self.is_seeded:
            self._requests = 0

    def _set_position(self, position: IdPosition) -> None:
        with self._lock:
            self._objects = position.objects
            self._notifications = position.notifications
            self._tokens = position.tokens


def _hash(key: bytes, kind: bytes, number: int, *, size: int) -> str:
    return hashlib.blake2b(number.to_bytes(8), key=key, person=kind, digest_size=size).hexdigest()
