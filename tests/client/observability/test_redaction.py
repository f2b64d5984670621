"""What is masked in what is shown: by its value, by its form, and by the name before it."""

from __future__ import annotations

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.observability.redaction import (
    CUT,
    MASK,
    MAX_TEXT,
    MAX_VALUE,
    Arguments,
    HiddenFrames,
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
@pytest.mark.slow
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


@pytest.mark.parametrize(
    ("secret", "start", "shown"),
    [
        ("admin-key", "the admin-ke", "the ***"),
        ("admin-key", "admi", "***"),
        ("admin-key", "the adm", "the adm"),
        ("admin-key", "the administrator", "the administrator"),
        ("admin-key", "adminadmin", "admin***"),
        ("admin-key", "admi " * 150 + "admin-k", "admi " * 150 + "***"),
        ("aaaabcdefghi", "aaaaaaab", "aaa***"),
        ("aaaa" + "b" * 500, "a" * 200, "a" * 100 + "***"),  # more would take too long
    ],
)
def test_start_of_secret(secret: str, start: str, shown: str) -> None:
    assert redact(start + CUT, [secret]) == shown + CUT


def test_forms_of_a_secret() -> None:
    """The longest comes first, so that no rest of it is left when a shorter one is masked."""
    forms = collect_secrets(['a/b "\u00e4'])
    assert set(forms) == {
        *('a/b "\u00e4', r"a/b \"\u00e4", 'a/b \\"\u00e4', "a/b &quot;\u00e4"),
        *("a%2Fb%20%22%C3%A4", "a%2Fb+%22%C3%A4"),
    }
    assert [len(form) for form in forms] == sorted((len(form) for form in forms), reverse=True)
    assert "abc%3F" in collect_secrets(["abc\ud800"])


def test_what_is_not_a_secret() -> None:
    assert collect_secrets([None, "", "abc", "Password", "BEARER"]) == ()
    assert collect_secrets(["abcd"]) == ("abcd",)


def test_large_array() -> None:
    """Each value counts as one character, besides its text."""
    assert redact_value([""] * (MAX_VALUE - 1)) == [""] * (MAX_VALUE - 1)
    assert redact_value([""] * MAX_VALUE) == [*[""] * (MAX_VALUE - 1), CUT]
    lines = redact_value(["x" * 6_000] * 5)
    assert lines == [*["x" * MAX_TEXT + CUT] * 3, "x" * (MAX_VALUE - 5 - 3 * (MAX_TEXT + 1)) + CUT, CUT]


@pytest.mark.parametrize(
    ("left", "rest", "shown"),
    [
        (0, {"b": 1}, {CUT: CUT}),
        (1, {"b": 1}, {"b": 1}),
        (1, {"bc": "text"}, {"b" + CUT: CUT}),
        (2, {"bc": "text", "d": 1}, {"bc": CUT, CUT: CUT}),
        (4, {"bc": "text"}, {"bc": "t" + CUT}),
    ],
)
def test_large_object(left: int, rest: dict[str, object], shown: dict[str, object]) -> None:
    filler = [""] * (MAX_VALUE - 3 - left)  # object, name and array count too
    assert redact_value({"a": filler, **rest}) == {"a": filler, **shown}


def test_secrets_in_a_value() -> None:
    value = {1: ("the canary", None), "canary": {"text": "canary"}, "pin_token": 1.5}
    shown = {"1": ["the ***", None], MASK: {"text": MASK}, "pin_token": MASK}
    assert redact_value(value, iter(["canary"])) == shown


def test_names_of_secrets() -> None:
    for name in ("token", "refreshToken", "access_token", "clientSecret", "newPassword", "X-API-Key", "Set-Cookie"):
        assert is_secret(name), name
    for name in ("tokenType", "id", "message", "passwordChangedAt", "key", "Idempotency-Key"):
        assert not is_secret(name), name
    for name in ("X-Auth", "Ocp-Apim-Subscription-Key", "X-Signature", "Authorization"):
        assert is_secret_header(name), name
    headers = {"Idempotency-Key": "1-2", "X-Auth": "abc", "X-Echo": "a canary"}
    assert redact_headers(headers, ["canary"]) == {"Idempotency-Key": "1-2", "X-Auth": MASK, "X-Echo": "a ***"}


def test_values_of_secret_fields() -> None:
    value = {"token": "abc", "password": 1234, "secret": None, "hasToken": True, "fields": {"password": ["Too short."]}}
    shown = {"token": MASK, "password": MASK, "secret": None, "hasToken": True, "fields": {"password": ["Too short."]}}
    assert redact_value(value) == shown


def test_arguments() -> None:
    arguments = Arguments(email="a@example.com", password="abc")
    assert repr(arguments) == "{'email': 'a@example.com', 'password': ***}"
    assert arguments == {"email": "a@example.com", "password": "abc"}


def fail(*, hide_context: bool) -> None:
    try:
        raise KeyError("context")
    except KeyError:
        if hide_context:
            raise ValueError("shown") from None
        raise ValueError("shown")  # noqa: B904


@pytest.mark.parametrize("hide_context", [True, False])
def test_hidden_frames(hide_context: bool) -> None:
    with pytest.raises(ValueError, match="shown") as caught, HiddenFrames():
        fail(hide_context=hide_context)
    assert "fail" not in [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert (caught.value.__context__ is None) == hide_context


def test_hidden_frames_no_error() -> None:
    with HiddenFrames() as context:
        pass
    assert context is None
