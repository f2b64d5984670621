"""Finding the ends of what is in brackets and quotes, and reading escapes."""

from __future__ import annotations

import re
from types import MappingProxyType

_CLOSING = MappingProxyType({"(": ")", "[": "]", "{": "}"})
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_CONTROLS = MappingProxyType({"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r"})


def find_quote(text: str, start: int) -> int:
    """Return the position of the quote, or slash, that ends what the one at `start` begins; -1 if there is none."""
    position = start + 1
    while position < len(text):
        if text[position] == "\\":
            position += 1
        elif text[position] == text[start]:
            return position
        position += 1
    return -1


def find_closing(text: str, start: int) -> int:
    """Return the position of the bracket or quote that closes the one at `start`; -1 if there is none."""
    if text[start] not in _CLOSING:
        return find_quote(text, start)
    expected: list[str] = []
    position = start
    while position < len(text):
        character = text[position]
        if character in "'\"" or _starts_regex(text, position):
            position = find_quote(text, position)
            if position < 0:
                return -1
        elif character in _CLOSING:
            expected.append(_CLOSING[character])
        elif character == expected[-1]:
            expected.pop()
            if not expected:
                return position
        position += 1
    return -1


def _starts_regex(text: str, position: int) -> bool:
    """Whether a slash begins a regular expression: after `=~`, or before it."""
    return text[position] == "/" and text[:position].rstrip(" ")[-1:] in ("~", "(", "&", "|")


def unescape(text: str) -> str:
    """Return a text without its escapes, which are JSON's; any other character stands for itself."""
    return _ESCAPE.sub(lambda match: _read_escape(match[1]), text)


def _read_escape(escape: str) -> str:
    if len(escape) > 1:
        return chr(int(escape[1:], 16))
    return _CONTROLS.get(escape, escape)
