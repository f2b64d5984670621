"""Reading single values of a control call's JSON, as leniently as WireMock: numbers may be sent as texts."""

from __future__ import annotations

import json
import math
from typing import Any

from duologue_mock.control.errors import ControlError, invalid
from duologue_mock.control.json_keys import show

MAX_INTEGER = 2**31 - 1
"""The largest whole number that WireMock takes; as milliseconds, 24 days."""
MIN_INTEGER = -(2**31)


def read_text(value: Any, pointer: str) -> str:
    """Return a text; a number or a boolean becomes one.

    Raises:
        ControlError: it is a list or an object.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return json.dumps(value)
    raise invalid(pointer, f"Must be a text, not {show(value)}.")


def read_integer(value: Any, pointer: str, *, minimum: int = MIN_INTEGER, maximum: int = MAX_INTEGER) -> int:
    """Return a whole number, also if it is sent as a text.

    Raises:
        ControlError: it is not such a number, or out of bounds.
    """
    number = _read_number(value)
    if number is None or not minimum <= number <= maximum or number != int(number):
        raise invalid(pointer, f"Must be a whole number from {minimum} to {maximum}, not {show(value)}.")
    return int(number)


def read_number(value: Any, pointer: str, *, minimum: float, maximum: float = MAX_INTEGER) -> float:
    """Return a number, also if it is sent as a text.

    Raises:
        ControlError: it is not a number, or out of bounds.
    """
    number = _read_number(value)
    if number is None or not minimum <= number <= maximum:
        raise invalid(pointer, f"Must be a number from {minimum:g} to {maximum:g}, not {show(value)}.")
    return float(number)


def read_boolean(value: Any, pointer: str) -> bool:
    """Return true or false, also if it is sent as a text.

    Raises:
        ControlError: it is neither.
    """
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise invalid(pointer, f"Must be true or false, not {show(value)}.")


def read_list(value: Any, pointer: str) -> list[Any]:
    """Return a list.

    Raises:
        ControlError: it is not a list.
    """
    if isinstance(value, list):
        return value
    raise invalid(pointer, f"Must be a list, not {show(value)}.")


def too_many(what: str, limit: int) -> ControlError:
    """Return the 422 of what would exceed a bound of the mock."""
    return ControlError(422, f"Too many {what}", detail=f"The mock keeps at most {limit} in a namespace.")


def _read_number(value: Any) -> int | float | None:
    if isinstance(value, str) and len(value) <= len(str(MIN_INTEGER)) + 8:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
