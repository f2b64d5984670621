"""What is masked in what is shown: by its value, by its form, and by the name before it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.observability.redaction import (
    CUT,
    MASK,
    MAX_TEXT,
    Arguments,
    collect_secrets,
    is_secret,
    is_secret_header,
    redact,
    redact_headers,
    redact_value,
)

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"a {JWT}, b", "a ***, b"),
        (f"x{JWT}", "x***"),
        (JWT[:30], "***"),
        ("eyJ eyJab", "eyJ eyJab"),
        ('{"token": "abc", "id": 1}', '{"token": ***, "id": 1}'),
        ('{"token": "abc', '{"token": ***'),
        ("password=abc&x=1", "password=***&x=1"),
        ("Authorization: Bearer abc def", "Authorization: *** def"),
        ("x-api-key: abc", "x-api-key: ***"),
        ("a tokenizer: b", "a tokenizer: b"),
    ],
)
def test_unknown_secrets(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ('quo"ted', r'{"a": "quo\"ted"}'),
        ("pässwörd", r"p\u00e4ssw\u00f6rd"),
        ('päss"word', r'{"a": "päss\"word"}'),
        ("a&b<c", "<p>a&amp;b&lt;c</p>"),
        ("two words", "/login?password_two=two%20words&x=two+words"),
    ],
)
def test_escaped_secrets(secret: str, text: str) -> None:
    """A server may echo a secret as JSON, as HTML, or in a URL."""
    shown = redact(text, collect_secrets([secret]))
    assert MASK in shown
    assert "word" not in shown.replace("password_two", "")
    assert "quo" not in shown
    assert "b&lt;c" not in shown


@given(st.text(min_size=MAX_TEXT - 5, max_size=MAX_TEXT + 50, alphabet="ab "), st.text(min_size=4, alphabet="ab"))
def test_long_texts_are_cut(text: str, secret: str) -> None:
    shown = redact(text, [secret])
    assert secret not in shown
    assert len(shown) <= MAX_TEXT + len(MASK) + len(CUT) or MASK in shown
    assert shown.endswith(CUT) == (len(text) > MAX_TEXT)


def test_uncut_text_keeps_its_end() -> None:
    """The start of a secret says nothing at the end of a text that is whole: `admin` of `admin-key`."""
    secrets = collect_secrets(["admin-key"])
    assert redact_value({"role": "admin", "admin": 1}, secrets) == {"role": "admin", "admin": 1}
    assert redact("the admin" + CUT, secrets) == "the ***" + CUT


def test_names_of_secrets() -> None:
    for name in ("token", "refreshToken", "access_token", "clientSecret", "newPassword", "X-API-Key", "Set-Cookie"):
        assert is_secret(name), name
    for name in ("tokenType", "id", "message", "passwordChangedAt", "key", "Idempotency-Key"):
        assert not is_secret(name), name
    for name in ("X-Auth", "Ocp-Apim-Subscription-Key", "X-Signature", "Authorization"):
        assert is_secret_header(name), name
    assert redact_headers({"Idempotency-Key": "1-2", "X-Auth": "abc"}) == {"Idempotency-Key": "1-2", "X-Auth": MASK}


def test_values_of_secret_fields() -> None:
    value = {"token": "abc", "password": 1234, "secret": None, "hasToken": True, "fields": {"password": ["Too short."]}}
    shown = {"token": MASK, "password": MASK, "secret": None, "hasToken": True, "fields": {"password": ["Too short."]}}
    assert redact_value(value) == shown


def test_arguments() -> None:
    arguments = Arguments(email="a@example.com", password="abc")
    assert repr(arguments) == "{'email': 'a@example.com', 'password': ***}"
    assert arguments == {"email": "a@example.com", "password": "abc"}
