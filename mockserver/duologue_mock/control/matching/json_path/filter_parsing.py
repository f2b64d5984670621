"""Reading filters as Jayway's library reads them.

`or = and {"||" and}`, `and = operand {"&&" operand}`,
`operand = value [operator value] | "(" or ")" | "!" operand`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from duologue_mock.control.json_keys import show
from duologue_mock.control.matching.json_path.filters import (
    OPERATORS,
    AllOf,
    AnyOf,
    Comparison,
    Exists,
    Literal,
    Negation,
    Operand,
    PathOperand,
    Regex,
)
from duologue_mock.control.matching.json_path.paths import JsonPath, JsonPathError, Predicate
from duologue_mock.control.matching.json_path.scanning import find_closing, find_quote, unescape

_MAX_DEPTH = 20
"""Parentheses in parentheses."""
_SYMBOLS = "<>=~!"
_NUMBER = re.compile(r"-?\d{1,100}(?:\.\d{1,100})?(?:[eE][+-]?\d{1,3})?")
_FLAGS = re.compile(r"[a-zA-Z]*")
_WORDS = ((re.compile(r"true\b"), True), (re.compile(r"false\b"), False), (re.compile(r"null\b"), None))


class FilterParser:
    """One filter as it is read.

    Args:
        text: the filter, with its parentheses.
        parse_path: reads a path in it.
    """

    def __init__(self, text: str, parse_path: Callable[[str], JsonPath]) -> None:
        if not (text.startswith("(") and text.endswith(")")):
            raise JsonPathError(f"A filter is in parentheses, [?(…)], not {show(text)}.")
        self.text = text[1:-1]
        self.position = 0
        self.parse_path = parse_path

    def parse(self) -> Predicate:
        """Return what the filter keeps.

        Raises:
            JsonPathError: it is not a filter of Jayway's library.
            RegexSyntaxError: it has a regular expression that is not Java's.
        """
        predicate = self._parse_or(0)
        if self._peek():
            raise self._error("expected the end")
        return predicate

    def _error(self, reason: str) -> JsonPathError:
        return JsonPathError(f"Not a filter near character {self.position} of {show(self.text)}: {reason}.")

    def _peek(self) -> str:
        """Return the next character that is no space, and go there."""
        while self.text[self.position : self.position + 1] == " ":
            self.position += 1
        return self.text[self.position : self.position + 1]

    def _skip(self, symbol: str) -> bool:
        self._peek()
        if not self.text.startswith(symbol, self.position):
            return False
        self.position += len(symbol)
        return True

    def _parse_or(self, depth: int) -> Predicate:
        if depth > _MAX_DEPTH:
            raise self._error("too many parentheses")
        predicates = [self._parse_and(depth)]
        while self._skip("||"):
            predicates.append(self._parse_and(depth))
        return predicates[0] if len(predicates) == 1 else AnyOf(tuple(predicates))

    def _parse_and(self, depth: int) -> Predicate:
        predicates = [self._parse_operand(depth)]
        while self._skip("&&"):
            predicates.append(self._parse_operand(depth))
        return predicates[0] if len(predicates) == 1 else AllOf(tuple(predicates))

    def _parse_operand(self, depth: int) -> Predicate:
        negated = False
        while self._skip("!"):
            negated = not negated
        if self._skip("("):
            predicate = self._parse_or(depth + 1)
            if not self._skip(")"):
                raise self._error("')' is missing")
        else:
            predicate = self._parse_comparison()
            if negated and isinstance(predicate, Exists):
                return Exists(predicate.path, expected=False)
        return Negation(predicate) if negated else predicate

    def _parse_comparison(self) -> Predicate:
        left = self._parse_value()
        operator = self._parse_operator()
        if operator is not None:
            return Comparison(left, operator, self._parse_value())
        if not isinstance(left, PathOperand):
            raise self._error("expected an operator")
        return Exists(left.path)

    def _parse_operator(self) -> str | None:
        """Return the operator that comes next: of symbols, or a word that a space ends."""
        if self._peek() in ("", ")", "&", "|"):
            return None
        start = end = self.position
        is_symbol = self.text[start] in _SYMBOLS
        while end < len(self.text) and (self.text[end] in _SYMBOLS if is_symbol else self.text[end] != " "):
            end += 1
        operator = self.text[start:end].upper()
        if operator not in OPERATORS:
            raise self._error(
                f"{show(self.text[start:end])} is not an operator; known are {', '.join(sorted(OPERATORS))}"
            )
        self.position = end
        return operator

    def _parse_value(self) -> Operand:
        character = self._peek()
        if character in ("$", "@") and character:
            return PathOperand(self.parse_path(self._take_path()))
        if character == "/":
            return self._parse_regex()
        return Literal(self._parse_literal(character))

    def _take_path(self) -> str:
        """Return the text of a path: up to a space, an operator or a parenthesis that is not of a function."""
        start = self.position
        position = start + 1
        while position < len(self.text) and self.text[position] not in f" ){_SYMBOLS}":
            if self.text[position] in "[(":
                position = find_closing(self.text, position)
                if position < 0:
                    raise self._error("a bracket is not closed")
            position += 1
        self.position = position
        return self.text[start:position]

    def _parse_regex(self) -> Regex:
        end = find_quote(self.text, self.position)
        if end < 0:
            raise self._error("'/' is missing")
        expression = self.text[self.position + 1 : end]
        flags = _FLAGS.match(self.text, end + 1)
        self.position = end + 1 + (len(flags[0]) if flags else 0)
        if flags and set(flags[0]) - set("ismu"):
            raise self._error(f"the flags {flags[0]!r} are not supported here")
        return Regex(expression, flags[0] if flags else "")

    def _parse_literal(self, character: str) -> Any:
        if character in ("'", '"') and character:
            return unescape(self._take_closed()[1:-1])
        if character in ("[", "{") and character:
            text = self._take_closed()
            return self._load(text)
        for word, value in _WORDS:
            if match := word.match(self.text, self.position):
                self.position = match.end()
                return value
        if match := _NUMBER.match(self.text, self.position):
            self.position = match.end()
            return json.loads(match[0])
        raise self._error("expected a value")

    def _take_closed(self) -> str:
        end = find_closing(self.text, self.position)
        if end < 0:
            raise self._error("a quote or bracket is not closed")
        start, self.position = self.position, end + 1
        return self.text[start : end + 1]

    def _load(self, text: str) -> Any:
        """Return JSON in which texts may be in single quotes."""
        double = re.sub(r"'((?:[^'\\]|\\.)*)'", lambda match: json.dumps(unescape(match[1])), text)
        try:
            return json.loads(double)
        except (ValueError, RecursionError):
            raise self._error(f"{show(text)} is not JSON") from None
