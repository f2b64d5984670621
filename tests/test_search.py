"""A newcomer with the field's words finds each thing by one search: a file's name, or a text that one file has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = {
    str(path.relative_to(ROOT)): path.read_text("utf-8")
    for top in ("client", "mockserver")
    for path in (ROOT / top).rglob("*.py")
    if not {"__pycache__", "conformance"} & set(path.parts)  # contract tests are named after what they judge
}


@pytest.mark.parametrize(
    ("searched", "file"),
    [
        ("class RetryPolicy", "client/duologue/http/retry.py"),
        ("Access-Control-Allow-Origin", "mockserver/duologue_mock/http/cors.py"),
        ("jwt.decode", "mockserver/duologue_mock/tokens.py"),
        ("_io.emit(", "mockserver/duologue_mock/realtime/server.py"),
        ("class Options(CallOptions", "client/duologue/config.py"),
        ("class MockSettings(", "mockserver/duologue_mock/settings.py"),
        ("def parse_response", "client/duologue/http/response_parsing.py"),
        ("does not match the contract (", "client/duologue/http/response_parsing.py"),
    ],
)
def test_text(searched: str, file: str) -> None:
    """Where a retry is decided, CORS granted, a JWT checked, an event sent, an option declared, a response checked."""
    assert [name for name, text in SOURCES.items() if searched in text] == [file]


@pytest.mark.parametrize(
    ("word", "files"),
    [
        ("retry", ["client/duologue/http/retry.py", "client/duologue/query/retry.py"]),
        ("cors", ["mockserver/duologue_mock/http/cors.py"]),
        ("rate_limit", ["mockserver/duologue_mock/http/rate_limit.py"]),
        ("idempotency", ["mockserver/duologue_mock/http/idempotency.py"]),
        ("sse", ["client/duologue/http/sse.py"]),
        ("adapter", ["client/duologue/http/adapter.py"]),
        ("openapi", ["mockserver/duologue_mock/openapi/openapi.py"]),  # of the services; the control API has its own
    ],
)
def test_file_name(word: str, files: list[str]) -> None:
    assert sorted(name for name in SOURCES if re.search(rf"/{word}\.py$", name)) == files
