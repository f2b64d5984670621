"""JSON read strictly, by both halves: what RFC 8259 leaves to chance is an error here.

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


class StrictJSONError(ValueError):
    """The text is not JSON that we accept; the message says why, in a sentence."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        [(twice, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise StrictJSONError(f"The key {twice[:80]!r} occurs twice.")
    return made


def _constant(name: str) -> Any:
    raise StrictJSONError(f"{name} is not JSON.")


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise StrictJSONError(f"A number has more than {MAX_DIGITS} digits.")
    return int(digits)


def _float(digits: str) -> float:
    if len(digits) > MAX_DIGITS:
        raise StrictJSONError(f"A number has more than {MAX_DIGITS} digits.")
    number = float(digits)
    if math.isinf(number):
        raise StrictJSONError("A number is too large.")
    return number


_decoder = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant, parse_int=_integer, parse_float=_float)


def loads(data: bytes) -> Any:
    """Return the value that `data`, UTF-8 text, stands for; raise `StrictJSONError` if it is not acceptable."""
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
    if _depth_of_brackets(text) > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise StrictJSONError(f"Nested deeper than {MAX_DEPTH} levels.")
    if "\\u" in text:
        _refuse_surrogates(value)
    return value


def _depth_of_brackets(text: str) -> int:
    """An upper bound on the depth, found without walking the value: most texts have few brackets."""
    return text.count("{") + text.count("[")


def _depth(value: Any) -> int:
    depth, level = 0, _containers([value])
    while level:
        depth += 1
        level = [inner for item in level for inner in _containers(item.values() if isinstance(item, dict) else item)]
    return depth


def _containers(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if isinstance(value, (dict, list))]


def _refuse_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise StrictJSONError("A text holds half of a surrogate pair.") from error
