"""Bodies as text and bytes: matchers, several patterns, encodings."""

from __future__ import annotations

from typing import Any

from tests.wiremock.cases import Case, Send, body_case, header, matching

_BODIES: tuple[bytes | str, ...] = (
    "", "abc", "ABC", "xabcx", "abc\n", "a\nb", "a\r\nb", " abc ", "\u00e9", b"\xe9", b"\xff\xfe", b"a\x00b",
    "\U0001f600", "null", "1", "{}", "a+b", "a%20b",
)  # fmt: skip

_PATTERNS: dict[str, dict[str, Any] | list[dict[str, Any]]] = {
    "equal": {"equalTo": "abc"},
    "equal-ignoring-case": {"equalTo": "abc", "caseInsensitive": True},
    "equal-empty": {"equalTo": ""},
    "equal-accent": {"equalTo": "\u00e9"},
    "equal-emoji": {"equalTo": "\U0001f600"},
    "equal-replacement": {"equalTo": "\ufffd"},
    "equal-plus": {"equalTo": "a+b"},
    "equal-newline": {"equalTo": "a\nb"},
    "equal-spaces": {"equalTo": " abc "},
    "contains": {"contains": "b"},
    "contains-nul": {"contains": "\u0000"},
    "does-not-contain": {"doesNotContain": "b"},
    "matches": {"matches": "a.b"},
    "matches-any": {"matches": ".*"},
    "matches-one-character": {"matches": "."},
    "matches-two-characters": {"matches": ".."},
    "does-not-match": {"doesNotMatch": "[a-z]+"},
    "absent": {"absent": True},
    "anything": {"anything": "x"},
    "binary": {"binaryEqualTo": "YWJj"},
    "binary-empty": {"binaryEqualTo": ""},
    "binary-high": {"binaryEqualTo": "6Q=="},
    "binary-nul": {"binaryEqualTo": "YQBi"},
    "not": {"not": {"contains": "b"}},
    "not-equal": {"not": {"equalTo": ""}},
    "and": {"and": [{"contains": "a"}, {"contains": "b"}]},
    "or": {"or": [{"equalTo": "abc"}, {"equalTo": "1"}]},
    "or-absent": {"or": [{"equalTo": "abc"}, {"absent": True}]},
    "two": [{"contains": "a"}, {"contains": "b"}],
    "two-kinds": [{"contains": "a"}, {"binaryEqualTo": "YWJj"}],
    "none": [],
    "equal-to-json": {"equalToJson": "1"},
    "json-path": {"matchesJsonPath": "$"},
    "schema": {"matchesJsonSchema": "{}"},
    "schema-type": {"matchesJsonSchema": {"type": "integer"}},
    "schema-null": {"matchesJsonSchema": {"type": "null"}},
}

_CHARSETS = (
    (), header("Content-Type", "text/plain"), header("Content-Type", "text/plain; charset=iso-8859-1"),
    header("Content-Type", "text/plain; charset=utf-8"), header("Content-Type", "text/plain; charset=utf-16"),
    header("Content-Type", "application/json; charset=latin1"), header("Content-Type", "text/plain; charset=nonsense"),
)  # fmt: skip

_CHARSET_BODIES: tuple[bytes, ...] = (b"\xe9", b"\xc3\xa9", b"\x00\xe9", b"\xfe\xff\x00\xe9")


_NAMED_CHARSETS = (
    (
        "\u00e9",
        "latin-1",
        "iso-8859-1 ISO8859-1 iso_8859-1 8859_1 latin1 l1 cp819 latin-1 latin_1 us-ascii x-user-defined",
    ),
    ("\u00e9", "latin-1", "nonsense utf-7 utf-8-sig rot13 hex unicode_escape idna"),
    ("\u00df\u20ac", "cp1252", "windows-1252 cp1252"),
    ("\u00df\u20ac", "iso-8859-15", "iso-8859-15 latin9 latin-9"),
    ("\u0142", "iso-8859-2", "iso-8859-2 latin2"),
    ("\u0142", "cp1250", "windows-1250 Cp1250"),
    ("\u0416", "cp1251", "windows-1251 cp1251"),
    ("\u0416", "koi8-r", "koi8-r KOI8"),
    ("\u0416", "iso-8859-5", "iso-8859-5 cyrillic"),
    ("\u0416", "cp866", "ibm866 cp866"),
    ("\u03a9", "iso-8859-7", "iso-8859-7 greek"),
    ("\u05e9", "cp1255", "windows-1255"),
    ("\u0627", "cp1256", "windows-1256"),
    ("\u0e44", "tis-620", "tis-620 windows-874 iso-8859-11"),
    ("\u3042", "shift_jis", "shift_jis Shift-JIS sjis x-sjis windows-31j ms932"),
    ("\u3042", "euc-jp", "euc-jp EUC_JP eucjp"),
    ("\u3042", "iso-2022-jp", "iso-2022-jp jis"),
    ("\u4e2d", "gbk", "gbk gb2312 gb18030 cp936"),
    ("\u4e2d", "big5", "big5 big5-hkscs euc-tw"),
    ("\ud55c", "euc-kr", "euc-kr euckr ks_c_5601-1987 ms949"),
    ("\u4e2d", "utf-16-be", "utf-16 utf16 utf-16be unicode iso-10646-ucs-2 ucs-2"),
    ("\u4e2d", "utf-16", "utf-16 utf-16be utf-16le"),
    ("\u4e2d", "utf-16-le", "utf-16le UTF-16"),
    ("\u4e2d", "utf-32-be", "utf-32 utf32 utf-32be"),
    ("\u4e2d", "utf-32", "utf-32 utf-32be utf-32le"),
    ("\u4e2d", "utf-32-le", "utf-32le"),
    ("\u00e9", "iso-8859-10", "iso-8859-10 latin6"),
    ("\u00e9", "mac-roman", "macintosh mac-roman x-MacRoman"),
    ("\u00e9", "cp037", "ibm037 cp037"),
)
"""A text, how it is encoded, and the names that the request gives for that."""


def _list_named_charset_cases() -> list[Case]:
    return [
        matching(
            f"charset-name/{number}-{codec}",
            {"bodyPatterns": [{"equalTo": text}]},
            *(
                Send(
                    method="POST",
                    headers=header("Content-Type", f"text/plain; charset={name}"),
                    body=text.encode(codec),
                )
                for name in names.split()
            ),
        )
        for number, (text, codec, names) in enumerate(_NAMED_CHARSETS)
    ]


def _list_json_charset_cases() -> list[Case]:
    patterns: dict[str, dict[str, Any]] = {
        "equal-to-json": {"equalToJson": {"a": "\u00e9"}},
        "json-path": {"matchesJsonPath": {"expression": "$.a", "equalTo": "\u00e9"}},
        "schema": {"matchesJsonSchema": {"properties": {"a": {"const": "\u00e9"}}}},
    }
    codecs = ("utf-8", "iso-8859-1", "utf-16be", "windows-1252")
    return [
        matching(
            f"charset-json/{name}",
            {"bodyPatterns": [pattern]},
            *(
                Send(
                    method="POST",
                    headers=header("Content-Type", f"application/json; charset={sent}"),
                    body='{"a": "\u00e9"}'.encode(actual),
                )
                for sent in codecs
                for actual in codecs
            ),
        )
        for name, pattern in patterns.items()
    ]


def _list_encoding_cases() -> list[Case]:
    return [
        matching(
            f"charset/{name}",
            {"bodyPatterns": [pattern]},
            *(Send(method="POST", headers=headers, body=body) for headers in _CHARSETS for body in _CHARSET_BODIES),
        )
        for name, pattern in (
            ("equal", {"equalTo": "\u00e9"}),
            ("matches", {"matches": "."}),
            ("binary", {"binaryEqualTo": "6Q=="}),
        )
    ]


def _list_method_cases() -> list[Case]:
    return [
        matching(
            f"body-method/{name}",
            {"bodyPatterns": [pattern]},
            *(Send(method=method, body=body) for method in ("GET", "DELETE", "PUT", "OPTIONS") for body in ("", "abc")),
        )
        for name, pattern in (
            ("equal", {"equalTo": "abc"}),
            ("absent", {"absent": True}),
            ("not", {"doesNotMatch": "abc"}),
        )
    ]


CASES = (
    *(body_case(f"body/{name}", pattern, *_BODIES) for name, pattern in _PATTERNS.items()),
    *_list_encoding_cases(),
    *_list_method_cases(),
    *_list_named_charset_cases(),
    *_list_json_charset_cases(),
)
