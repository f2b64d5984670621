r"""Java's regular expressions, as WireMock has them, in the words of the `regex` package.

Java and Python agree on most of the syntax and differ in the rest: `$`, `\Z`, `\h`, `\Q…\E`, a lone `{`, flags in the
middle, classes in classes. So an expression is read as Java reads it and written anew. Refused are comments (`(?x)`),
`(?d)`, `(?U)`, `\G`, `\N{…}`, `\b{g}`, properties of `java.lang.Character` (`\p{javaLowerCase}`), and a class or `&&`
in a negated class.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from duologue_mock.control.matching.java_regex.classes import read_class, read_class_escape
from duologue_mock.control.matching.java_regex.escapes import (
    Reader,
    RegexSyntaxError,
    read_character_escape,
    write_character,
)

_MAX_LENGTH = 2_000
"""Characters of an expression."""
_MAX_DEPTH = 30
"""Groups in groups."""
_MAX_REPEAT = 65_535
_MAX_SIZE = 10_000
"""Characters and classes, each as often as it must at least be repeated: the `regex` package writes those out."""
_LINE_END = r"(?:\r\n|[\n\r\x85\u2028\u2029])"
_LINE_BREAK = r"(?:\r\n|[\n\x0b\f\r\x85\u2028\u2029])"
_INPUT_END = rf"(?={_LINE_END}?\Z)"
_NOT_LINE_END = r"[^\n\r\x85\u2028\u2029]"
_REPEATED: Mapping[str, tuple[int, int | None]] = MappingProxyType(
    {"": (1, 1), "?": (0, 1), "*": (0, None), "+": (1, None)}
)
"""How often a quantifier repeats at least and at most."""
_MANY = 1e9
_PREFIX = re.compile(r"(?:[A-Za-z0-9/_:,;=%&@~ -](?![*+?{]))*")
"""Characters at the start that stand for themselves, as long as nothing repeats them."""
_GROUPS = ("?:", "?=", "?!", "?<=", "?<!", "?>")


@dataclass(frozen=True)
class Translated:
    """An expression in the words of the `regex` package, and what its matching can cost.

    Args:
        expression: the expression.
        prefix: what every text starts with that it matches.
        choices: in how many ways its alternatives and bounded repetitions can be combined.
        repetitions: how many parts may be repeated without a bound.
        is_nested: whether a part is repeated that has choices or repetitions in it, which can take any time.
    """

    expression: str
    prefix: str
    choices: float
    repetitions: int
    is_nested: bool


def translate_java_regex(expression: str) -> Translated:
    """Return what matches the whole of a text if Java's `matches()` does, with `DOTALL`.

    Raises:
        RegexSyntaxError: the expression is not Java's, or not served here.
    """
    if len(expression) > _MAX_LENGTH:
        raise RegexSyntaxError(f"A regular expression may have {_MAX_LENGTH:,} characters at most.")
    return _Translation(expression).translate()


@dataclass(frozen=True)
class _Flags:
    """The flags that hold at a place of an expression."""

    s: bool = True
    m: bool = False
    i: bool = False
    u: bool = False


class _Translation:
    """One expression as it is translated."""

    def __init__(self, expression: str) -> None:
        self.reader = Reader(expression)
        self.groups = 0
        self.size = 0
        self.names: set[str] = set()
        self.choices = 1.0
        self.repetitions = 0
        self.is_nested = False
        self.has_alternatives = False

    def translate(self) -> Translated:
        """Return the whole expression."""
        written = self._translate_alternatives(_Flags(), depth=0)
        if not self.reader.is_done:
            raise self.reader.error("')' without '('")
        prefix = _PREFIX.match(self.reader.text)
        has_prefix = prefix is not None and not self.has_alternatives
        return Translated(
            written, prefix[0] if prefix and has_prefix else "", self.choices, self.repetitions, self.is_nested
        )

    def _translate_alternatives(self, flags: _Flags, depth: int) -> str:
        """Return what stands before the end of the group, or of the expression."""
        if depth > _MAX_DEPTH:
            raise self.reader.error("too many groups in groups")
        written: list[str] = []
        while not self.reader.is_done and not self.reader.starts_with(")"):
            if self.reader.skip("|"):
                written.append("|")
                continue
            changed = self._read_flags(flags)
            flags = changed or flags
            if changed is None:
                written.append(self._translate_repeated(flags, depth))
        self.choices *= 1 + written.count("|")
        self.has_alternatives |= depth == 0 and "|" in written
        return "".join(written)

    def _translate_repeated(self, flags: _Flags, depth: int) -> str:
        """Return an atom and its quantifier, and count what they can cost."""
        size, choices, repetitions = self.size, self.choices, self.repetitions
        atom = self._translate_atom(flags, depth)
        quantifier, least, most = self._read_quantifier()
        self.size = size + (self.size - size + 1) * max(1, least)
        if self.size > _MAX_SIZE:
            raise self.reader.error(f"it repeats too much: {_MAX_SIZE:,} characters at most")
        if (most is None or most > 1) and (self.choices, self.repetitions) != (choices, repetitions):
            self.is_nested = True
        self.repetitions += most is None
        self.choices = min(self.choices * (1 if most is None else most - least + 1), _MANY)
        return atom + quantifier

    def _translate_atom(self, flags: _Flags, depth: int) -> str:
        reader = self.reader
        if reader.skip("\\Q"):
            return self._translate_quote(reader.take_until("\\E", required=False), flags)
        character = reader.take()
        if character == "\\":
            return self._translate_escape(flags)
        if character == "[":
            return _fold(read_class(reader, ignore_case=flags.i), flags)
        if character == "(":
            return self._translate_group(flags, depth)
        if character == ".":
            return "(?s:.)" if flags.s else _NOT_LINE_END
        if character == "^":
            return _write_line_start(flags)
        if character == "$":
            return _write_line_end(flags)
        if character in "*+?{":
            raise reader.error(f"{character!r} repeats nothing")
        return _write_literal(character, flags)

    def _translate_quote(self, quoted: str, flags: _Flags) -> str:
        """Return a quoted text; a quantifier after it repeats its last character."""
        return "".join(_write_literal(character, flags) for character in quoted) or "(?:)"

    def _translate_escape(self, flags: _Flags) -> str:
        reader = self.reader
        kind = reader.take()
        if kind in "bBAzZRX" and not reader.starts_with("{"):
            return {"z": r"\Z", "Z": _INPUT_END, "R": _LINE_BREAK}.get(kind, f"\\{kind}")
        if kind == "k":
            return self._translate_named_reference(flags)
        if kind in "123456789":
            return self._translate_reference(kind, flags)
        members = read_class_escape(reader, kind)
        if members is not None:
            return _fold(members, flags)
        character = read_character_escape(reader, kind)
        if character is None:
            raise reader.error(rf"\{kind} is not supported here")
        return _write_literal(character, flags)

    def _translate_named_reference(self, flags: _Flags) -> str:
        name = self.reader.take_until(">") if self.reader.skip("<") else ""
        if name not in self.names:
            raise self.reader.error(f"there is no group named {name[:40]!r} before it")
        self.repetitions += 1
        return _fold_all(f"(?P={name})", flags)

    def _translate_reference(self, digits: str, flags: _Flags) -> str:
        """Return a reference to a group by its number. As many digits belong to it as there are groups."""
        while self.reader.peek() in tuple("0123456789") and int(digits + self.reader.peek()) <= self.groups:
            digits += self.reader.take()
        if int(digits) > self.groups:
            raise self.reader.error(f"there is no group {digits} before it")
        self.repetitions += 1
        return _fold_all(rf"(?:\g<{digits}>)", flags)

    def _translate_group(self, flags: _Flags, depth: int) -> str:
        reader = self.reader
        opening = next((f"({kind}" for kind in sorted(_GROUPS, key=len, reverse=True) if reader.skip(kind)), None)
        if opening is None and reader.skip("?<"):
            opening = f"(?P<{self._read_name()}>"
        elif opening is None and reader.skip("?"):
            flags = self._read_flag_letters(flags, end=":")
            opening = "(?:"
        elif opening is None:
            self.groups += 1
            opening = "("
        written = self._translate_alternatives(flags, depth + 1)
        if not reader.skip(")"):
            raise reader.error("')' is missing")
        return f"{opening}{written})"

    def _read_name(self) -> str:
        name = self.reader.take_until(">")
        if not (name.isascii() and name.isalnum() and name[0].isalpha()) or name in self.names:
            raise self.reader.error(f"{name[:40]!r} is not the name of a new group")
        self.names.add(name)
        self.groups += 1
        return name

    def _read_flags(self, flags: _Flags) -> _Flags | None:
        """Return the flags that hold from here to the end of the group, if a group without a body sets them."""
        reader = self.reader
        start = reader.position
        if not (reader.skip("(?") and (reader.peek().isalpha() or reader.peek() == "-")):
            reader.position = start
            return None
        end = reader.text.find(")", reader.position)
        colon = reader.text.find(":", reader.position)
        if end < 0 or -1 < colon < end:
            reader.position = start
            return None
        return self._read_flag_letters(flags, end=")")

    def _read_flag_letters(self, flags: _Flags, end: str) -> _Flags:
        value = True
        for letter in self.reader.take_until(end):
            if letter == "-" and value:
                value = False
            elif letter in "smiu":
                flags = replace(flags, **{letter: value})
            else:
                raise self.reader.error(f"the flag or group {letter!r} is not supported here")
        return flags

    def _read_quantifier(self) -> tuple[str, int, int | None]:
        """Return the quantifier that comes next, or "", and how often it repeats at least and at most."""
        reader = self.reader
        symbol = next((one for one in "*+?" if reader.skip(one)), "")
        quantifier, least, most = symbol, *_REPEATED[symbol]
        if not symbol and reader.skip("{"):
            quantifier, least, most = self._read_counts()
        if quantifier:
            quantifier += next((one for one in "?+" if reader.skip(one)), "")
        return quantifier, least, most

    def _read_counts(self) -> tuple[str, int, int | None]:
        low, comma, high = self.reader.take_until("}").partition(",")
        for number in (low, high) if high else (low,):
            if not (number.isascii() and number.isdigit() and len(number) < 10 and int(number) <= _MAX_REPEAT):
                raise self.reader.error(f"a count must be a number up to {_MAX_REPEAT:,}; write \\{{ for a brace")
        if high and int(high) < int(low):
            raise self.reader.error("a count from more to less")
        most = int(high) if high else None if comma else int(low)
        return f"{{{low}{comma}{high}}}", int(low), most


def _write_line_start(flags: _Flags) -> str:
    return r"(?:\A|(?<=[\n\x85\u2028\u2029]|\r(?!\n))(?!\Z))" if flags.m else r"\A"


def _write_line_end(flags: _Flags) -> str:
    return r"(?:(?<!\r)(?=\n)|(?=[\r\x85\u2028\u2029])|\Z)" if flags.m else _INPUT_END


def _write_literal(character: str, flags: _Flags) -> str:
    if flags.i and character.isascii() and character.isalpha():
        return f"[{character.lower()}{character.upper()}]" if not flags.u else _fold(character, flags)
    return _fold(write_character(character), flags)


def _fold(written: str, flags: _Flags) -> str:
    """Return an expression in any case of letters, where `(?iu)` asks for it. ASCII letters alone are written twice."""
    return f"(?i-f:{written})" if flags.i and flags.u else written


def _fold_all(written: str, flags: _Flags) -> str:
    return f"(?i-f:{written})" if flags.i else written
