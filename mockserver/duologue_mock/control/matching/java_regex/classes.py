r"""Java's character classes: `\d`, `\p{Alpha}`, `[a-z&&[^aeiou]]`."""

from __future__ import annotations

from types import MappingProxyType

from duologue_mock.control.matching.java_regex.escapes import Reader, read_character_escape

_MAX_DEPTH = 10
_ASCII_CLASSES = MappingProxyType(
    {
        "Lower": "a-z",
        "Upper": "A-Z",
        "ASCII": r"\x00-\x7f",
        "Alpha": "a-zA-Z",
        "Digit": "0-9",
        "Alnum": "a-zA-Z0-9",
        "Punct": r"!-/:-@\[-`\{-~",
        "Graph": "!-~",
        "Print": r"\x20-~",
        "Blank": r"\x20\t",
        "Cntrl": r"\x00-\x1f\x7f",
        "XDigit": "0-9a-fA-F",
        "Space": r"\x20\t\n\x0b\f\r",
    }
)
"""POSIX classes, which are ASCII in Java."""
_SHORTHANDS = MappingProxyType(
    {
        "d": "0-9",
        "w": "a-zA-Z_0-9",
        "s": r"\x20\t\n\x0b\f\r",
        "h": r"\x20\t\xa0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000",
        "v": r"\n\x0b\f\r\x85\u2028\u2029",
    }
)


def read_class_escape(reader: Reader, kind: str) -> str | None:
    r"""Return the set that an escape stands for, as `[0-9]` for `\d`; None if it stands for something else.

    Args:
        reader: past the character that follows the backslash.
        kind: that character.
    """
    if kind.lower() in _SHORTHANDS and kind.isascii():
        return f"[{'^' if kind.isupper() else ''}{_SHORTHANDS[kind.lower()]}]"
    if kind in "pP" and kind:
        return _read_property(reader, negated=kind == "P")
    return None


def _read_property(reader: Reader, *, negated: bool) -> str:
    name = reader.take_until("}") if reader.skip("{") else reader.take()
    plain = name.removeprefix("Is")
    if name in _ASCII_CLASSES:
        return f"[{'^' if negated else ''}{_ASCII_CLASSES[name]}]"
    if not plain or name.startswith("java") or not plain.replace("_", "").replace("=", "").isalnum():
        raise reader.error(rf"\p{{{name[:40]}}} is not supported here")
    return rf"[\{'P' if negated else 'p'}{{{plain}}}]"


def read_class(reader: Reader, *, ignore_case: bool, depth: int = 0) -> str:
    """Return a class in the words of the `regex` package.

    Args:
        reader: past the opening bracket.
        ignore_case: whether ASCII letters are in it in both cases.
        depth: how many classes it is in.
    """
    if depth > _MAX_DEPTH:
        raise reader.error("too many classes in classes")
    negated = reader.skip("^")
    parts: list[list[str]] = [[]]
    is_first = True
    while is_first or not reader.starts_with("]"):
        if reader.is_done:
            raise reader.error("']' is missing")
        if reader.skip("&&"):
            parts.append([])
        else:
            parts[-1].append(_read_item(reader, ignore_case=ignore_case, depth=depth, negated=negated))
        is_first = False
    reader.take()
    if not all(parts):
        raise reader.error("'&&' needs a class on both sides")
    if negated and len(parts) > 1:
        raise reader.error("'&&' in a negated class is not supported here")
    sets = ["".join(part) for part in parts]
    return (
        f"[{'^' if negated else ''}{sets[0]}]" if len(sets) == 1 else "[" + "&&".join(f"[{one}]" for one in sets) + "]"
    )


def _read_item(reader: Reader, *, ignore_case: bool, depth: int, negated: bool) -> str:
    """Return a class in a class, an escape, a character or a range."""
    if reader.skip("["):
        if negated:
            raise reader.error("a class in a negated class is not supported here")
        return read_class(reader, ignore_case=ignore_case, depth=depth + 1)
    if reader.skip("\\Q"):
        quoted = reader.take_until("\\E", required=False)
        return "".join(_write_range(one, one, ignore_case=ignore_case) for one in quoted)
    first = _read_member(reader)
    if len(first) > 1:
        return first
    if reader.starts_with("-") and reader.text[reader.position + 1 : reader.position + 2] not in ("]", "[", ""):
        reader.take()
        last = _read_member(reader)
        if len(last) > 1 or last < first:
            raise reader.error("a range that goes nowhere")
        return _write_range(first, last, ignore_case=ignore_case)
    return _write_range(first, first, ignore_case=ignore_case)


def _read_member(reader: Reader) -> str:
    """Return one character, or a set in brackets."""
    character = reader.take()
    if character != "\\":
        return character
    kind = reader.take()
    member = read_class_escape(reader, kind) or read_character_escape(reader, kind)
    if member is None:
        raise reader.error(rf"\{kind} in a class")
    return member


def _write_range(first: str, last: str, *, ignore_case: bool) -> str:
    written = _write_code(first) if first == last else f"{_write_code(first)}-{_write_code(last)}"
    if not ignore_case:
        return written
    for start, end in (("a", "z"), ("A", "Z")):
        low, high = max(first, start), min(last, end)
        if low <= high:
            written += f"{low.swapcase()}-{high.swapcase()}"
    return written


def _write_code(character: str) -> str:
    """Return a character as it is written in a set: by its number, unless it is a letter or digit."""
    return character if character.isascii() and character.isalnum() else rf"\U{ord(character):08x}"
