"""Charsets of bodies, by the names that WireMock knows, which are Java's."""

from __future__ import annotations

import codecs
from functools import lru_cache
from types import MappingProxyType

_BYTE_ORDER_MARKS = MappingProxyType(
    {"utf-16": (b"\xfe\xff", b"\xff\xfe"), "utf-32": (b"\x00\x00\xfe\xff", b"\xff\xfe\x00\x00")}
)
_PYTHON_NAMES = MappingProxyType(
    {
        **dict.fromkeys(("windows-31j", "cp943c"), "cp932"),
        **dict.fromkeys(("x-sjis", "ms_kanji"), "shift_jis"),
        **dict.fromkeys(("windows-874", "x-windows-874", "ms874"), "cp874"),
        **dict.fromkeys(("x-macroman", "macroman"), "mac-roman"),
        **dict.fromkeys(("ms949", "x-windows-949"), "cp949"),
        **dict.fromkeys(("ibm00858", "ibm858"), "cp858"),
        **dict.fromkeys(("iso-10646-ucs-2", "x-utf-16be"), "utf-16-be"),
        **{name: name.replace("ibm", "cp") for name in ("ibm1140", "ibm500")},
        "8859_1": "latin-1",
        "jis": "iso-2022-jp",
        "koi8": "koi8-r",
        "latin-9": "iso-8859-15",
        "unicode": "utf-16",
        "x-iso-8859-11": "iso-8859-11",
        "x-johab": "johab",
    }
)
"""Java's names that Python does not know."""
_UNKNOWN = frozenset({"latin-1", "latin_1", "mac-roman", "macintosh", "u7", "u8", "u16", "u32"})
"""Python's names that Java does not know."""
_CODECS = frozenset(
    {
        *("ascii", "utf-8", "utf-16", "utf-16-be", "utf-16-le", "utf-32", "utf-32-be", "utf-32-le"),
        *(f"iso8859-{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 15, 16)),
        *("cp037", "cp437", "cp500", "cp850", "cp852", "cp855", "cp857", "cp858", "cp866", "cp874", "cp1140"),
        *(f"cp{number}" for number in range(1250, 1259)),
        *("big5", "big5hkscs", "cp950", "gb18030", "gb2312", "gbk"),
        *("cp932", "euc_jp", "iso2022_jp", "shift_jis", "cp949", "euc_kr", "iso2022_kr", "johab"),
        *("koi8-r", "koi8-u", "mac-roman", "tis-620"),
    }
)
"""Python's codecs of charsets that both know. Any other charset is taken for UTF-8, as in WireMock."""


def decode(body: bytes, charset: str | None) -> str:
    """Return a body as text; bytes that are not of its charset become U+FFFD.

    Args:
        body: the body.
        charset: the charset's name, in any case; None for UTF-8.
    """
    encoding = "utf-8" if charset is None else _find_codec(charset.lower())
    marks = _BYTE_ORDER_MARKS.get(encoding)
    if marks is not None and not body.startswith(marks):
        encoding += "-be"  # Python would take the order of this machine
    text = body.decode(encoding, "replace")
    return text.removeprefix("\ufeff") if encoding.startswith("utf-32-") else text  # as Java's decoder does


@lru_cache(maxsize=64)
def _find_codec(charset: str) -> str:
    if charset in _UNKNOWN or len(charset) > 40:
        return "utf-8"
    try:
        name = codecs.lookup(_PYTHON_NAMES.get(charset, charset)).name
    except LookupError:
        return "utf-8"
    return name if name in _CODECS else "utf-8"
