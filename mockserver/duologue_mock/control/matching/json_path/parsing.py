"""Reading paths as Jayway's library reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from duologue_mock.control.json_keys import find_nearest, show
from duologue_mock.control.matching.json_path.filter_parsing import FilterParser
from duologue_mock.control.matching.json_path.functions import FUNCTIONS, FunctionCall
from duologue_mock.control.matching.json_path.paths import (
    Filter,
    Indexes,
    JsonPath,
    JsonPathError,
    Properties,
    Scan,
    Slice,
    Token,
    Wildcard,
)
from duologue_mock.control.matching.json_path.scanning import find_closing, unescape

_MAX_LENGTH = 1_000
"""Characters of a path."""
_MAX_DEPTH = 5
"""Filters in filters, and paths as arguments of functions."""
_NAME = re.compile(r"[^.\[( *][^.\[( ]*")
_QUOTED = re.compile(r"""\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*(,|\Z)""", re.DOTALL)
_INDEXES = re.compile(r"-?\d{1,9}(?:\s*,\s*-?\d{1,9})*")
_SLICE = re.compile(r"(-?\d{1,9})?:(-?\d{1,9})?")


def parse_json_path(text: str, *, depth: int = 0) -> JsonPath:
    """Return the path that a text is.

    Args:
        text: the path; one that does not start with `$` or `@` starts at the root.
        depth: how many paths it is in.

    Raises:
        JsonPathError: it is not a path of Jayway's library.
        RegexSyntaxError: it has a regular expression that is not Java's.
    """
    if len(text) > _MAX_LENGTH or depth > _MAX_DEPTH:
        raise JsonPathError(f"A JSONPath may have {_MAX_LENGTH:,} characters, and {_MAX_DEPTH} others in it, at most.")
    trimmed = text.strip(" ")
    whole = trimmed if trimmed[:1] in ("$", "@") else f"$.{trimmed}"
    if not trimmed or whole.endswith("."):
        raise JsonPathError("A JSONPath must not be empty or end with a period.")
    parser = _PathParser(whole, depth)
    tokens = tuple(parser.parse())
    return JsonPath(whole, _move_scan(tokens), starts_at_root=whole[0] == "$")


def _move_scan(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """Return `$.sum($..price)` for `$..price.sum()`: a function looks at all values that are found."""
    if len(tokens) > 1 and isinstance(tokens[0], Scan) and isinstance(tokens[-1], FunctionCall):
        return (FunctionCall(tokens[-1].name, (JsonPath("$", tokens[:-1]),)),)
    return tokens


class _PathParser:
    """One path as it is read.

    Args:
        text: the path.
        depth: how many paths it is in.
    """

    def __init__(self, text: str, depth: int) -> None:
        self.text = text
        self.depth = depth
        self.position = 1

    def parse(self) -> Iterator[Token]:
        """Yield the path's tokens."""
        if len(self.text) > 1 and self.text[1] not in ".[":
            raise self._error("expected '.' or '['")
        while self.position < len(self.text):
            if self.text.startswith("..", self.position):
                yield Scan()
                self.position += 2
                if self.text.startswith(".", self.position):
                    raise self._error("one period too many")
                yield from self._parse_member()
            elif self.text[self.position] == ".":
                self.position += 1
                yield from self._parse_member()
            elif self.text[self.position] == "[":
                yield self._parse_bracket()
            else:
                raise self._error("expected '.' or '['")

    def _error(self, reason: str) -> JsonPathError:
        return JsonPathError(f"Not a JSONPath near character {self.position} of {show(self.text)}: {reason}.")

    def _parse_member(self) -> Iterator[Token]:
        """Yield what comes after a period."""
        if self.text.startswith("[", self.position):
            yield self._parse_bracket()
        elif self.text.startswith("*", self.position):
            self.position += 1
            yield Wildcard()
        else:
            match = _NAME.match(self.text, self.position)
            if match is None:
                raise self._error("expected a name")
            self.position = match.end()
            yield self._parse_call(match[0]) if self.text.startswith("(", self.position) else Properties((match[0],))

    def _parse_call(self, name: str) -> Token:
        if name not in FUNCTIONS:
            nearest = find_nearest(name, FUNCTIONS)
            raise self._error(f"there is no function {show(name)}" + (f", but {nearest!r}" if nearest else ""))
        end = find_closing(self.text, self.position)
        if end < 0:
            raise self._error("')' is missing")
        if end + 1 < len(self.text):
            raise self._error("a function must be the end of a path here")
        inside = self.text[self.position + 1 : end]
        self.position = end + 1
        return FunctionCall(name, tuple(self._parse_argument(one) for one in _split_arguments(inside)))

    def _parse_argument(self, text: str) -> Any:
        if text.startswith(("$", "@")):
            return parse_json_path(text, depth=self.depth + 1)
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise self._error(f"{show(text)} is neither a path nor JSON") from None

    def _parse_bracket(self) -> Token:
        end = find_closing(self.text, self.position)
        if end < 0:
            raise self._error("']' is missing")
        inside = self.text[self.position + 1 : end].strip(" ")
        token = self._build_bracket(inside)
        self.position = end + 1
        return token

    def _build_bracket(self, inside: str) -> Token:
        if inside == "*":
            return Wildcard()
        if inside.startswith("?"):
            return Filter(FilterParser(inside[1:].strip(" "), self._parse_inner).parse())
        if inside[:1] in ("'", '"') and inside:
            return Properties(tuple(self._parse_names(inside)))
        if _INDEXES.fullmatch(inside):
            return Indexes(tuple(int(one) for one in inside.split(",")))
        match = _SLICE.fullmatch(inside)
        if match and (match[1] or match[2]):
            start, end = (int(one) if one else None for one in match.groups())
            return Slice(start, end)
        raise self._error("expected ?, ', 0-9 or * in brackets")

    def _parse_inner(self, text: str) -> JsonPath:
        return parse_json_path(text, depth=self.depth + 1)

    def _parse_names(self, inside: str) -> Iterator[str]:
        position, separator = 0, ","
        while separator == ",":
            match = _QUOTED.match(inside, position)
            if match is None:
                raise self._error("names in brackets are quoted and separated by commas")
            yield unescape(match[1][1:-1])
            position, separator = match.end(), match[2]


def _split_arguments(inside: str) -> list[str]:
    """Return the arguments of a call: what is between commas that are in no brackets and quotes."""
    arguments, start, position = [], 0, 0
    while position < len(inside):
        if inside[position] in "([{'\"":
            end = find_closing(inside, position)
            position = end if end > 0 else len(inside)
        elif inside[position] == ",":
            arguments.append(inside[start:position])
            start = position + 1
        position += 1
    arguments.append(inside[start:])
    return [one.strip() for one in arguments] if inside.strip() else []
