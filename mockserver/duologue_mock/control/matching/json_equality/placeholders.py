"""JsonUnit's placeholders, which stand for many values in the JSON of `equalToJson`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from duologue_mock.control.json_keys import find_nearest, show
from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.matching.java_regex.java_regex import JavaRegex

_PLACEHOLDER = re.compile(r"[$#]\{json-unit\.([^}]*)\}(.*)", re.DOTALL)
_KINDS = MappingProxyType({"any-string": "string", "any-number": "number", "any-boolean": "boolean"})
_KNOWN = ("ignore", "ignore-element", *_KINDS, "regex")


class PlaceholderError(ValueError):
    """A placeholder that is not served; the message is a sentence."""


@dataclass(frozen=True)
class Placeholder:
    """A placeholder.

    Args:
        name: what it is, without `json-unit.`.
        regex: the regular expression after `${json-unit.regex}`.
    """

    name: str
    regex: JavaRegex | None = None

    @property
    def is_optional(self) -> bool:
        """Whether an object need not have it at all."""
        return self.name == "ignore-element"

    def matches(self, value: Any, evaluation: Evaluation) -> bool:
        """Whether it stands for a value."""
        if self.name.startswith("ignore"):
            return True
        if self.name != "regex":
            return get_kind(value) == _KINDS[self.name]
        return isinstance(value, str) and self.regex is not None and self.regex.matches(value, evaluation)


def get_kind(value: Any) -> str:
    """Return what a JSON value is: `object`, `array`, `string`, `number`, `boolean` or `null`."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    kinds: tuple[tuple[type, str], ...] = ((dict, "object"), (list, "array"), (str, "string"))
    return next((kind for cls, kind in kinds if isinstance(value, cls)), "null")


def find_placeholders(value: Any) -> dict[str, Placeholder]:
    """Return the placeholders of JSON, by the text that they are written as.

    Raises:
        PlaceholderError: there is one that is not supported.
        RegexSyntaxError: there is one whose regular expression is not Java's, or not served here.
    """
    return {text: placeholder for text in _list_texts(value) if (placeholder := _parse(text)) is not None}


def _list_texts(value: Any) -> Iterator[str]:
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            pending.extend(one.values())
        elif isinstance(one, list):
            pending.extend(one)
        elif isinstance(one, str):
            yield one


def _parse(text: str) -> Placeholder | None:
    match = _PLACEHOLDER.fullmatch(text)
    if match is None:
        return None
    name, rest = match.groups()
    if name.startswith("matches:"):
        raise PlaceholderError("${json-unit.matches:…} names a matcher in Java and is not supported here.")
    if name not in _KNOWN or (rest and name != "regex"):
        nearest = find_nearest(name, _KNOWN)
        hint = f"Did you mean {nearest!r}?" if nearest and nearest != name else f"Known are {', '.join(_KNOWN)}."
        raise PlaceholderError(f"{show(text)} is not a placeholder of JsonUnit. {hint}")
    return Placeholder(name, JavaRegex(f"(?-s){rest}") if name == "regex" else None)
