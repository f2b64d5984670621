"""JSON parsed strictly, by client and server: what RFC 8259 leaves open is an error here.

Refused beyond malformed text: `NaN` and infinities, duplicate keys, invalid UTF-8, lone surrogates, nesting deeper
than `MAX_DEPTH`, and numbers of more than `MAX_DIGITS` digits.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

MAX_DEPTH = 64
MAX_DIGITS = 400
_MAX_KEY = 80  # characters of a key that is named; a part of a longer one might be a part of a secret


class StrictJSONError(ValueError):
    """The text is not acceptable JSON; the message is a sentence that says why."""


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        [(key, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise StrictJSONError(f"{f'The key {key!r}' if len(key) <= _MAX_KEY else 'A long key'} occurs twice.")
    return result


def _refuse_constant(name: str) -> Any:
    raise StrictJSONError(f"{name} is not JSON.")


def _parse_integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise StrictJSONError(f"A number has more than {MAX_DIGITS} digits.")
    return int(digits)


def _parse_float(digits: str) -> float:
    if len(digits) > MAX_DIGITS:
        raise StrictJSONError(f"A number has more than {MAX_DIGITS} digits.")
    number = float(digits)
    if math.isinf(number):
        raise StrictJSONError("A number is too large.")
    return number


_decoder = json.JSONDecoder(
    object_pairs_hook=_build_object, parse_constant=_refuse_constant, parse_int=_parse_integer, parse_float=_parse_float
)


def loads(data: bytes) -> Any:
    """Return the value of UTF-8 text.

    Raises:
        StrictJSONError: it is not acceptable JSON.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise StrictJSONError(f"Not UTF-8: byte {error.start} is invalid.") from error
    try:
        value = _decoder.decode(text)
    except StrictJSONError:
        raise
    except RecursionError as error:
        raise StrictJSONError(f"Nested deeper than {MAX_DEPTH} levels.") from error
    except ValueError as error:
        raise StrictJSONError(f"Not JSON: {error}.") from error
    if _bound_depth(text) > MAX_DEPTH and _measure_depth(value) > MAX_DEPTH:
        raise StrictJSONError(f"Nested deeper than {MAX_DEPTH} levels.")
    if "\\u" in text:
        _refuse_surrogates(value)
    return value


def _bound_depth(text: str) -> int:
    """Return an upper bound of the depth without walking the value: most texts have few brackets."""
    return text.count("{") + text.count("[")


def _measure_depth(value: Any) -> int:
    depth, level = 0, _select_containers([value])
    while level:
        depth += 1
        level = [
            inner for item in level for inner in _select_containers(item.values() if isinstance(item, dict) else item)
        ]
    return depth


def _select_containers(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if isinstance(value, (dict, list))]


def _refuse_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise StrictJSONError("A text holds half of a surrogate pair.") from error
