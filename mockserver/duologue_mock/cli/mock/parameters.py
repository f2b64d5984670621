"""Values on the command line: durations, times, JSON, and headers."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click

_UNITS = ("d", "h", "m", "s", "ms")
_DURATION = re.compile(
    r"(?:([0-9.]+)d)? ?(?:([0-9.]+)h)? ?(?:([0-9.]+)m)? ?(?:([0-9.]+)s)? ?(?:([0-9.]+)ms)?", re.ASCII
)


def parse_duration(text: str) -> timedelta:
    """Return a duration: `15m`, `1h30m`, `500ms`, `1.5s`, `7d`.

    Raises:
        ValueError: it is none; numbers need a unit.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        raise ValueError(f"A duration looks like 15m, 1h30m, 1.5s or 500ms, not {text!r}.")
    try:
        days, hours, minutes, seconds, milliseconds = (float(number or 0) for number in match.groups())
        return timedelta(days, seconds, 0, milliseconds, minutes, hours)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is not a duration.") from None


class DurationType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """A duration."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the duration that a text stands for."""
        try:
            return value if isinstance(value, timedelta) else parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class DelayType(click.ParamType):  # type: ignore[type-arg]  # as above
    """A delay: a duration, or two with `..` between them, in seconds."""

    name = "delay"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the seconds that a text stands for, or the range of seconds."""
        if not isinstance(value, str):
            return value
        try:
            parts = [parse_duration(part).total_seconds() for part in value.split("..")]
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if len(parts) > 2:
            self.fail(f"A range looks like 200ms..800ms, not {value!r}.", param, ctx)
        return parts[0] if len(parts) == 1 else tuple(parts)


class TimeType(click.ParamType):  # type: ignore[type-arg]  # as above
    """A time (ISO 8601); without a time zone, it is UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the time that a text stands for."""
        if isinstance(value, datetime):
            return value
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"A time looks like 2026-03-01T09:00:00Z, not {value!r}.", param, ctx)
        return time if time.tzinfo else time.replace(tzinfo=UTC)


class JSONType(click.ParamType):  # type: ignore[type-arg]  # as above
    """A JSON value."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the value that a text stands for."""
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError as error:
            self.fail(f"{value!r} is not JSON: {error}", param, ctx)


def parse_headers(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> dict[str, str] | None:
    """Return headers that are given as `Name: value`; None if there are none."""
    headers = {}
    for value in values:
        name, separator, text = value.partition(":")
        if not separator or not name.strip():
            raise click.BadParameter(f"A header looks like 'Retry-After: 5', not {value!r}.", ctx, param)
        headers[name.strip()] = text.strip()
    return headers or None
