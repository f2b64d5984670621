"""The request log: what a line says, and that no request can forge one."""

from __future__ import annotations

import re
from typing import Any

import pytest

from duologue_mock import Settings, create_app
from duologue_mock.control.request_log import log_request
from tests.mockserver.mocks import CHAT_HEADERS

CHATS = "/chats-service/api/v1/chats"


@pytest.fixture
def client() -> Any:
    return create_app(Settings(), request_hooks=[log_request]).test_client()


def read_line(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line that was logged, without its time and duration."""
    line = capsys.readouterr().out
    match = re.fullmatch(r"\d\d:\d\d:\d\d (.*) \d+\.\d ms\n", line)
    assert match, line
    return match[1]


def test_success(client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    client.get("/api/users?page=1&limit=5")
    assert read_line(capsys) == "GET     /api/users?page=1&limit=5 200"


@pytest.mark.parametrize(
    ("method", "path", "sent", "line"),
    [
        (
            "POST",
            "/api/users",
            {"json": {"name": "Ada", "email": "ada"}},
            "POST    /api/users 400 VALIDATION_ERROR email: Not a valid email address. [body-field]",
        ),
        ("GET", "/api/users/99", {}, "GET     /api/users/99 404 NOT_FOUND_ERROR User not found"),
        ("GET", CHATS, {}, f"GET     {CHATS} 401 AUTHENTICATION_ERROR API key required [api-key]"),
        ("GET", "/nowhere", {}, "GET     /nowhere 404 NOT_FOUND_ERROR There is nothing at this path [path]"),
        ("PUT", "/api/users", {}, "PUT     /api/users 405 METHOD_NOT_ALLOWED PUT is not allowed here [method]"),
        ("POST", "/", {}, "POST    / 405 METHOD_NOT_ALLOWED Method Not Allowed [method]"),
        (
            "GET",
            "/api/users",
            {"headers": {"Host": "evil.example"}},
            "GET     /api/users 421 MISDIRECTED_REQUEST Misdirected request [host]",
        ),
        (
            "POST",
            "/api/users",
            {"headers": {"Origin": "http://evil.example"}},
            "POST    /api/users 403 AUTHORIZATION_ERROR Pages of this origin may not use the mock [origin]",
        ),
        (
            "GET",
            "/socket.io/?EIO=3",
            {},
            "GET     /socket.io/?EIO=3 400 VALIDATION_ERROR Not a Socket.IO request that can be served",
        ),
        ("GET", "/api/error?status=503", {}, "GET     /api/error?status=503 503 SERVER_ERROR Service unavailable"),
    ],
)
def test_reason(client: Any, capsys: pytest.CaptureFixture[str], method: str, path: str, sent: Any, line: str) -> None:
    client.open(path, method=method, **sent)
    assert read_line(capsys) == line


def test_replayed_error(client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        client.post(
            "/api/users", json={"name": "Jane", "email": "jane@example.com"}, headers={"Idempotency-Key": "key-1"}
        )
        line = "POST    /api/users 409 CONFLICT_ERROR email: jane@example.com belongs to another user."
        assert read_line(capsys) == line


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/nowhere%0d%0aGET%20/forged%1b[31m", r"/nowhere\r\nGET /forged\x1b[31m"),
        ("/nowhere/%e2%80%ae", r"/nowhere/\u202e"),
        (f"/nowhere/{'x' * 5000}", f"/nowhere/{'x' * 291}"),
    ],
)
def test_forged_path(client: Any, capsys: pytest.CaptureFixture[str], path: str, shown: str) -> None:
    client.get(path)
    assert read_line(capsys) == f"GET     {shown} 404 NOT_FOUND_ERROR There is nothing at this path [path]"


def test_forged_reason(client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The name of an unknown field is the caller's own text."""
    client.post(CHATS, json={"title": "Plans", "\n\x1b[31m" + "x" * 900: 1}, headers=CHAT_HEADERS)
    line = read_line(capsys)
    assert line.startswith(rf"POST    {CHATS} 400 VALIDATION_ERROR \n\x1b[31mxxx")
    assert len(line) < 400


def test_tolerated_breach(client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    client.get("/api/users/?pgae=1&a=b")
    assert read_line(capsys) == "GET     /api/users/?pgae=1&a=b 200 [path-trailing-slash, query-unknown]"


def test_secrets_in_urls_are_hidden(client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    client.get("/api/users?page=1&access_token=s3cr3t")
    assert read_line(capsys) == "GET     /api/users?page=1&access_token=[REDACTED] 200 [secret-in-url]"


@pytest.mark.parametrize("path", ["/__admin/nowhere?a=b", "/__admin/requests?limit=x", "/__admin/users/"])
def test_control_calls_break_no_rule(client: Any, capsys: pytest.CaptureFixture[str], path: str) -> None:
    client.get(path)
    line = read_line(capsys)
    assert "CONTROL_ERROR" in line
    assert "[" not in line
