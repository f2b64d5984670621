"""How commands fail: one sentence, an exit code, and no control characters of a server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from duologue import errors
from duologue.cli.exit_codes import ExitCode, get_exit_code
from duologue.cli.terminal import safe
from duologue.http.api_requestor import APIRequestor
from duologue_mock import MockServer
from tests.client.cli.commands import Run, check_failure, check_success
from tests.client.servers import ScriptedServer, respond
from tests.client.test_errors import all_classes


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["users", "get", "no-such-user"], 4, "User not found"),
        (["users", "get", ".."], 2, "id must not be '..'"),
        (["users", "create", "--name", " ", "--email", "a@example.com"], 1, "Validation failed: name: "),
        (["users", "create", "--name", "x", "--email", "john@example.com"], 1, ""),
        (["chats", "list", "--api-key", "wrong"], 3, "Is the API key right?"),
        (["chats", "list", "--user-id", "a\nb"], 2, "user_id must be printable ASCII"),
        (["users", "list", "--base-url", "nonsense"], 2, "must begin with http://"),
        (["users", "list", "--timeout", "-1"], 2, "timeout is -1.0"),
        (
            ["users", "list", "--base-url", "http://localhost:1/api"],
            5,
            "Could not connect to localhost:1: Connection refused",
        ),
        (
            ["chats", "list", "--chat-url", "http://localhost:1"],
            5,
            "Could not connect to localhost:1: Connection refused",
        ),
        (["chat", "x" * 10, "--message", "Hi"], 4, "not found"),
    ],
)
def test_error_and_exit_code(run: Run, arguments: list[str], code: int, sentence: str) -> None:
    message = check_failure(run(*arguments), code)
    assert sentence in message
    assert ("(request " in message) == (code != 2)


def test_not_allowed(run: Run) -> None:
    check_success(run("login", "--email", "jane@example.com", stdin="password\n"))
    check_failure(run("users", "delete", "1", "--yes"), 3)


@pytest.mark.parametrize(
    "arguments",
    [
        ["users", "list", "--page", "0"],
        ["users", "update", "1"],
        ["users", "delete", "1"],
        ["chats", "delete", "test-session-1"],
        ["users", "create"],
        ["users", "dance"],
        ["users", "list", "--environment", "moon"],
        ["users", "list", "--timeout", "soon"],
    ],
)
def test_invalid_command_line(run: Run, arguments: list[str]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error: " in result.stderr
    assert run("users", "get", "1").exit_code == 0
    assert run("chats", "get", "test-session-1").exit_code == 0


def test_internal_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oh\nno")

    monkeypatch.setattr(APIRequestor, "request", fail)
    assert check_failure(run("users", "list"), 1) == "duologue: internal error, ZeroDivisionError: oh\\nno\n"


@pytest.mark.parametrize("kind", all_classes())
def test_exit_code_of_error(kind: type[errors.APIError]) -> None:
    code = get_exit_code(kind())
    assert code not in (ExitCode.OK, ExitCode.USAGE)
    assert (code is ExitCode.NETWORK) == issubclass(kind, (errors.NetworkError, errors.RequestTimeout))


def test_health(run: Run) -> None:
    assert set(json.loads(check_success(run("health", "--json")))) == {"platform", "chat"}
    result = run("health", "--base-url", "http://localhost:1/api", "--api-key", "wrong")
    assert result.exit_code == 5
    assert [line.split(":")[1].strip() for line in result.stderr.splitlines()] == ["platform", "chat"]
    assert result.stdout.count("error") == 2
    result = run("health", "--api-key", "wrong", "--json")
    assert result.exit_code == 3
    assert set(json.loads(result.stdout)) == {"platform"}


def test_health_urls(run: Run, mock: MockServer) -> None:
    rows = [line.split() for line in check_success(run("health")).splitlines()]
    assert ["service", "status", "version", "url"] in rows
    assert [row[-1] for row in rows if row[:1] in (["platform"], ["chat"])] == [mock.base_url, mock.chat_base_url]
    shown = run("health", "--chat-url", "http://localhost:1").stdout
    assert "http://localhost:1/chats-service/api/v1" in shown
    assert mock.chat_base_url not in shown


# Retries


@pytest.mark.parametrize("arguments", [[], ["--json"]], ids=["human", "json"])
def test_retry_is_reported(run: Run, arguments: list[str]) -> None:
    user = {"id": "1", "name": "Ada", "email": "ada@example.com", "role": "user"}
    busy = respond(503, headers={"Retry-After": "0.01"})
    with ScriptedServer(busy, busy, respond(200, user)) as server:
        result = run("users", "get", "1", *arguments, "--base-url", server.origin, DUOLOGUE_MAX_RETRIES="3")
    assert result.exit_code == 0
    assert "Ada" in result.stdout
    assert "Request" not in result.stdout
    assert result.stderr.splitlines() == [
        "Request failed (503), retrying in 0.0 s (attempt 2 of 4)",
        "Request failed (503), retrying in 0.0 s (attempt 3 of 4)",
    ]


def test_retry_of_connection(run: Run) -> None:
    """The reason stands for the status, and the chat service has retries of its own."""
    variables = {"DUOLOGUE_CHAT_MAX_RETRIES": "1", "DUOLOGUE_RETRY_DELAY": "0.01"}
    result = run("chats", "list", "--chat-url", "http://localhost:1", **variables)
    assert result.exit_code == 5
    retry, error = result.stderr.splitlines()
    assert retry == "Request failed (Connection refused), retrying in 0.0 s (attempt 2 of 2)"
    assert error.startswith("duologue: ")


# Control characters

ATTACK = "\x1b]0;owned\x07\x9b31m\u202eabc\r\n"


@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["human", "json"])
@pytest.mark.parametrize("where", ["message", "request id", "body"])
def test_control_characters_of_server(run: Run, where: str, as_json: list[str]) -> None:
    user = {"id": f"1{ATTACK}", "name": "x", "email": "a@example.com", "role": "user"}
    scripts: Mapping[str, Any] = {
        "message": respond(404, {"message": f"gone {ATTACK}", "details": {"message": ATTACK}}),
        "request id": respond(404, {"message": "gone"}, headers={"X-Request-Id": "\x1b[31m\x9b"}),
        "body": respond(200, user),
    }
    with ScriptedServer(scripts[where]) as server:
        result = run("users", "get", "1", *as_json, "--base-url", server.origin)
    printed = result.stdout + result.stderr
    assert not set(printed) & set("\x1b\x07\x9b\u202e\r")
    assert result.exit_code == (0 if where == "body" else 4)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Zoë 👩‍🚀 日本", "Zoë 👩‍🚀 日本"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\u202eevil\u2066", "\\u202eevil\\u2066"),
        ("\x9b\x7f\0", "\\x9b\\x7f\\x00"),
        ("\ud800", "\\ud800"),
    ],
)
def test_safe(text: str, shown: str) -> None:
    assert safe(text) == shown
    assert safe("a\nb\tc\x1b", lines=True) == "a\nb\tc\\x1b"
