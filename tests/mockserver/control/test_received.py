"""Requests as they were received: cookies and bodies are read as WireMock reads them."""

from __future__ import annotations

import pytest

from duologue_mock.control.received import ReceivedRequest


def receive(headers: dict[str, str], body: bytes = b"") -> ReceivedRequest:
    return ReceivedRequest("POST", "/", body, tuple(headers.items()))


@pytest.mark.parametrize(
    ("header", "cookies"),
    [
        ("a=1; b=2", {"a": ["1"], "b": ["2"]}),
        ("a=1;;a=2", {"a": ["1", "2"]}),
        (" a = 1 2 ; b=", {"a": ["1 2"], "b": [""]}),
        ('a="1 2"; b=""', {"a": ["1 2"], "b": [""]}),
        ("a==1; b='1'", {"a": ["=1"], "b": ["'1'"]}),
        ("$Version=1; a=1", {"a": ["1"]}),
        ("a; b c=1; (d)=1; =1", {}),
        ('a=1,2; b="1; c=1"2; d=\xe9; e=1\\2', {}),
    ],
    ids=["two", "repeated", "spaces", "quotes", "equals", "dollar", "names", "values"],
)
def test_cookies_of_a_header(header: str, cookies: dict[str, list[str]]) -> None:
    assert receive({"Cookie": header}).cookies == cookies


@pytest.mark.parametrize(
    ("media_type", "body", "text"),
    [
        ("text/plain", b"\xc3\xa9", "\xe9"),
        ("text/plain; charset=ISO-8859-1", b"\xe9", "\xe9"),
        ('text/plain; a=b; charset="latin1"', b"\xe9", "\xe9"),
        ("text/plain; charset=utf-16", b"\x00\xe9", "\xe9"),
        ("text/plain; charset=utf-16", b"\xff\xfe\xe9\x00", "\xe9"),
        ("text/plain; charset=us-ascii", b"a\xe9", "a\ufffd"),
        ("text/plain; charset=rot13", b"a\xe9", "a\ufffd"),
    ],
    ids=["none", "latin", "quoted", "utf-16", "byte-order-mark", "ascii", "unknown"],
)
def test_text_in_its_charset(media_type: str, body: bytes, text: str) -> None:
    assert receive({"Content-Type": media_type}, body).body_text == text
