"""The clock of a namespace: every timestamp and lifetime in it obeys it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duologue_mock.control_client.transport import ControlTransport


class ControlClock:
    """The clock of a namespace, as `MockControl.clock`.

    Token lifetimes, rate limits, idempotency keys, timestamps and expiring stubs follow it. Each method raises
    `ControlAPIError` if the call fails.
    """

    def __init__(self, transport: ControlTransport) -> None:
        self._transport = transport

    def now(self) -> datetime:
        """Return what time it is there, with its time zone."""
        return _parse_time(self._transport.call("GET", "/clock"))

    def is_frozen(self) -> bool:
        """Return whether it stands still."""
        return bool(self._transport.call("GET", "/clock")["frozen"])

    def set(self, now: datetime) -> datetime:
        """Set the time; the clock goes on from there, or stands there if it is frozen.

        Args:
            now: the time; without a time zone, it is UTC.

        Raises:
            TypeError: it is no datetime.
        """
        return self._put(now=_format_time(now))

    def freeze(self, now: datetime | None = None) -> datetime:
        """Stop the clock, and return the time that it shows from now on.

        Args:
            now: the time to show; None for the present one.

        Raises:
            TypeError: it is no datetime.
        """
        return self._put(frozen=True, **({} if now is None else {"now": _format_time(now)}))

    def unfreeze(self) -> datetime:
        """Let the clock go on from the time that it shows."""
        return self._put(frozen=False)

    def advance(
        self,
        delta: timedelta | None = None,
        *,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
        milliseconds: float = 0,
    ) -> datetime:
        """Advance the clock, frozen or not, and return the new time. What came due meanwhile has happened then.

        Args:
            delta: by how much; what follows is added to it.
            days: days.
            hours: hours.
            minutes: minutes.
            seconds: seconds.
            milliseconds: milliseconds.

        Raises:
            ValueError: it would go backwards; `set` can do that.
            TypeError: a number has no unit.
        """
        if delta is not None and not isinstance(delta, timedelta):
            raise TypeError(f"advance takes a timedelta, or a number by its unit, as seconds=5; not {delta!r}.")
        total = (delta or timedelta()) + timedelta(
            days=days, hours=hours, minutes=minutes, seconds=seconds, milliseconds=milliseconds
        )
        if total < timedelta():
            raise ValueError(f"The clock cannot advance by {total}. Set the time instead: clock.set(…).")
        body = {"milliseconds": round(total / timedelta(milliseconds=1))}
        return _parse_time(self._transport.call("POST", "/clock/advance", body))

    def reset(self) -> datetime:
        """Go back to this machine's time."""
        return _parse_time(self._transport.call("DELETE", "/clock"))

    def _put(self, **members: Any) -> datetime:
        return _parse_time(self._transport.call("PUT", "/clock", members))


def _parse_time(clock: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(clock["now"])


def _format_time(time: datetime) -> str:
    if not isinstance(time, datetime):
        raise TypeError(f"The clock is set to a datetime, not {time!r}.")
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).isoformat()
