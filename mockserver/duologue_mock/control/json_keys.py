"""Reading what a control call sends: JSON objects whose keys are all known, or the error that names the nearest one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from duologue_mock.control.errors import invalid

MAX_SHOWN = 80
"""Characters of a refused value that its error shows."""


def join_pointer(pointer: str, key: str | int) -> str:
    """Return the JSON pointer (RFC 6901) of what is at a key below another."""
    return f"{pointer}/{str(key)[:MAX_SHOWN].replace('~', '~0').replace('/', '~1')}"


def show(value: Any) -> str:
    """Return a value as an error message shows it: cut where it is long."""
    text = repr(value[:MAX_SHOWN] if isinstance(value, str) else value)
    return text if len(text) <= MAX_SHOWN + 2 else f"{text[:MAX_SHOWN]}…"


def read_object(
    value: Any, pointer: str, known: Iterable[str], *, unsupported: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return a JSON object, without the keys whose value is null.

    Args:
        value: the JSON.
        pointer: where it is (RFC 6901).
        known: the keys that it may have.
        unsupported: keys of WireMock that are not served here, with the sentence that says so.

    Raises:
        ControlError: it is not an object, or it has a key that is not known.
    """
    if not isinstance(value, dict):
        raise invalid(pointer, f"Must be a JSON object, not {show(value)}.")
    for key in value:
        if key not in known:
            raise invalid(join_pointer(pointer, key), _describe_unknown(key, known, unsupported or {}))
    return {key: inner for key, inner in value.items() if inner is not None}


def _describe_unknown(key: str, known: Iterable[str], unsupported: Mapping[str, str]) -> str:
    if key in unsupported:
        return unsupported[key]
    nearest = find_nearest(key, known)
    hint = f"Did you mean {nearest!r}?" if nearest else f"Known are {', '.join(known)}."
    return f"Unknown key {show(key)}. {hint}"


def find_nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most similar to an unknown one, or None if none is similar."""
    lowered = {one.lower(): one for one in known}
    nearest = difflib.get_close_matches(name[:MAX_SHOWN].lower(), lowered, n=1, cutoff=0.5)
    return lowered[nearest[0]] if nearest else None
