"""Whatever a server can make longer takes time in proportion to its length, or is cut first."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from duologue import APIError, HTTPStatusError, Response
from duologue.contract import users
from duologue.errors import error_from_body
from duologue.http.content_coding import decode
from duologue.http.response_parsing import error_from_response, find_redirect, parse_response
from duologue.http.retry import parse_retry_after
from duologue.http.sse import read_events
from duologue.observability import redaction
from duologue.observability.redaction import collect_secrets, redact, redact_headers, redact_value
from tests.linear_time import check_linear, measure

NOW = datetime(2024, 1, 1, tzinfo=UTC)
SECRETS = collect_secrets(["abababababababab", "a" * 300, "token=token", "eyJeyJeyJ"])

pytestmark = pytest.mark.slow

HOSTILE = [
    "eyJ",
    "eyJabcd.",
    "token",
    "token ",
    "token:",
    "access_token",
    "access-",
    "password=",
    'password="',
    "password='",
    '"token": "x", ',
    "Bearer ",
    "token: Bearer ",
    '"',
    "'",
    " ",
    "\t\n",
    "ab",
    "a",
    "é",
    "\\u00e9",
    ",",
    "Mon, ",
    "9",
    ": ",
]
"""Pieces of texts that a pattern might match again and again."""


def use(texts: Iterator[object]) -> None:
    for _ in texts:
        pass


def run_patterns(text: str) -> None:
    """Without the cut: the patterns themselves are linear."""
    redaction._JWT.sub("", redaction._NAMED.sub("", text))


def fail_with(text: str) -> None:
    error = error_from_response(Response(400, {"Content-Type": "application/json"}, json.dumps(text).encode()), NOW)
    assert isinstance(error, HTTPStatusError)


def parse(text: str) -> None:
    headers = {"Content-Type": f"application/{text}", "Location": text}
    for content in (json.dumps({"id": text, text: text}).encode(), text.encode()):
        for fields in (headers, {}):
            try:
                parse_response(users.GET, Response(200, fields, content), on_unknown_field=lambda _: None)
                find_redirect(Response(307, fields), "GET", "http://127.0.0.1/a")
            except APIError:
                pass


READERS: dict[str, Callable[[str], object]] = {
    "redact": lambda text: redact(text, SECRETS),
    "patterns": run_patterns,
    "value": lambda text: redact_value({"message": text, text: [text] * 3}, SECRETS),
    "headers": lambda text: redact_headers({"X-Echo": text, text: text}, SECRETS),
    "error": fail_with,
    "error text": lambda text: str(error_from_body(400, {"message": text, "details": {"fields": {text: [text]}}})),
    "body": parse,
    "Retry-After": lambda text: parse_retry_after(text, NOW),
    "events": lambda text: use(read_events([f"data: {text}\n\n{text}".encode()])),
    "events byte by byte": lambda text: use(read_events(text[at : at + 1].encode() for at in range(len(text)))),
    "gzip byte by byte": lambda text: use(
        iter(decode((bytes([byte]) for byte in gzip.compress(text.encode())), "gzip"))
    ),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS.keys())
@pytest.mark.parametrize("piece", HOSTILE, ids=repr)
def test_time_grows_linearly(read: Callable[[str], object], piece: str) -> None:
    check_linear(read, piece)


LARGE: dict[str, Callable[[], object]] = {
    "one text": lambda: "token eyJ" * 500_000,
    "many texts": lambda: ["eyJabcd"] * 500_000,
    "many names": lambda: {f"token{n}": "x" for n in range(300_000)},
    "many arrays": lambda: [[]] * 1_000_000,
    "many objects": lambda: [{}] * 1_000_000,
    "many numbers": lambda: [1] * 1_000_000,
}


@pytest.mark.parametrize("create", LARGE.values(), ids=LARGE.keys())
def test_large_values_are_cut(create: Callable[[], object]) -> None:
    """Only so much of a value is shown, and redacting it costs no more than that."""
    value = create()
    shown = redact_value({"data": value}, SECRETS)
    assert len(json.dumps(shown)) < 400_000
    assert "\u2026" in json.dumps(shown, ensure_ascii=False)
    small = redact_value({"data": ["x" * 100] * 100}, SECRETS)
    assert "\u2026" not in json.dumps(small, ensure_ascii=False)
    full = {"data": ["eyJ abc "] * 2_500}
    assert measure(lambda: redact_value({"data": value})) < 30 * measure(lambda: redact_value(full))


@pytest.mark.parametrize("secret", ["canary-1234", "ab" * 20, "a" * 50, 'quo"ted', "päss wörd", "a&b<c"])
def test_secret_at_cut(secret: str) -> None:
    """Wherever a text is cut, no part of a secret of four characters or more is left."""
    secrets = collect_secrets([secret])
    for shown in range(len(secret) + 1):
        for form in secrets:
            text = "x" * (redaction.MAX_TEXT - shown) + form * 3
            redacted = redact(text, secrets)
            assert not any(form[:size] in redacted.rstrip("x\u2026")[-60:] for size in range(4, len(form) + 1))
