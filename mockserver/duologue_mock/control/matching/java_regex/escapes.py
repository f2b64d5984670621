"""Reading an expression character by character, and the escapes that stand for one character."""

from __future__ import annotations

from types import MappingProxyType

import regex

_CONTROLS = MappingProxyType({"t": "\t", "n": "\n", "r": "\r", "f": "\f", "a": "\a", "e": "\x1b"})
_MAX_CODE_POINT = 0x10FFFF


class RegexSyntaxError(ValueError):
    """An expression that is not Java's, or that is not served here; the message is a sentence."""


class Reader:
    """An expression, and the place that has been reached.

    Args:
        text: the expression.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    @property
    def is_done(self) -> bool:
        """Whether the end has been reached."""
        return self.position >= len(self.text)

    def starts_with(self, prefix: str) -> bool:
        """Whether what comes next starts with a text."""
        return self.text.startswith(prefix, self.position)

    def peek(self) -> str:
        """Return the next character, or "" at the end."""
        return self.text[self.position : self.position + 1]

    def take(self, count: int = 1) -> str:
        """Return the next characters and go past them."""
        taken = self.text[self.position : self.position + count]
        if len(taken) < count:
            raise self.error("it ends too early")
        self.position += count
        return taken

    def skip(self, prefix: str) -> bool:
        """Go past a text if it comes next; return whether it did."""
        if not self.starts_with(prefix):
            return False
        self.position += len(prefix)
        return True

    def take_until(self, end: str, *, required: bool = True) -> str:
        """Return what comes before a text, and go past that too; without it, at the end, if it is not required."""
        stop = self.text.find(end, self.position)
        if stop < 0:
            if required:
                raise self.error(f"{end!r} is missing")
            stop = len(self.text)
        taken = self.text[self.position : stop]
        self.position = min(stop + len(end), len(self.text))
        return taken

    def take_digits(self, digits: str, *, limit: int) -> str:
        """Return the digits that come next, `limit` of them at most."""
        start = self.position
        while self.position - start < limit and self.peek() and self.peek() in digits:
            self.position += 1
        return self.text[start : self.position]

    def error(self, reason: str) -> RegexSyntaxError:
        """Return the error of what comes at this place."""
        return RegexSyntaxError(f"Not a regular expression of Java near character {self.position}: {reason}.")


def write_character(character: str) -> str:
    """Return an expression of one character."""
    return str(regex.escape(character, special_only=True, literal_spaces=True))


def read_character_escape(reader: Reader, kind: str) -> str | None:
    r"""Return the character that an escape stands for, or None if it stands for something else.

    Args:
        reader: past the character that follows the backslash.
        kind: that character.
    """
    if kind in _CONTROLS:
        return _CONTROLS[kind]
    if kind == "0":
        return _read_octal(reader)
    if kind == "x":
        return _read_hexadecimal(reader)
    if kind == "u":
        return _read_code_unit(reader)
    if kind == "c":
        return chr(ord(reader.take()) ^ 64)
    if not (kind.isascii() and kind.isalnum()):
        return kind
    return None


def _read_octal(reader: Reader) -> str:
    digits = reader.take_digits("01234567", limit=2)
    if not digits:
        raise reader.error(r"\0 needs octal digits")
    if len(digits) == 2 and digits[0] in "0123":
        digits += reader.take_digits("01234567", limit=1)
    return chr(int(digits, 8))


def _read_hexadecimal(reader: Reader) -> str:
    if not reader.skip("{"):
        return chr(_parse_hexadecimal(reader, reader.take(2)))
    code = _parse_hexadecimal(reader, reader.take_until("}")[:8])
    if code > _MAX_CODE_POINT:
        raise reader.error("there is no such character")
    return chr(code)


def _read_code_unit(reader: Reader) -> str:
    unit = _parse_hexadecimal(reader, reader.take(4))
    if 0xD800 <= unit < 0xDC00 and reader.skip("\\u"):
        low = _parse_hexadecimal(reader, reader.take(4))
        if not 0xDC00 <= low < 0xE000:
            raise reader.error("half of a surrogate pair")
        return chr(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
    return chr(unit)


def _parse_hexadecimal(reader: Reader, digits: str) -> int:
    if not digits or set(digits) - set("0123456789abcdefABCDEF"):
        raise reader.error("hexadecimal digits are missing")
    return int(digits, 16)
