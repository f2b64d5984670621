"""The client as a command: what it prints for people and scripts, and that it reaches every operation."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest
import requests
from click.testing import CliRunner

from duologue import FileTokenStorage
from duologue.cli.command_group import commands
from duologue.config import OPTIONS, Config
from duologue.contract import Operation, operations
from duologue.http.api_requestor import APIRequestor
from duologue_mock import MockServer
from tests.client.cli.commands import (
    CLIENT_COMMANDS,
    EXAMPLES,
    Names,
    Run,
    check_failure,
    check_success,
    find_commands,
    get_examples,
    run_example,
)

pytestmark = pytest.mark.slow

UNREACHABLE = {
    "auth.REFRESH": "happens automatically, in any command",
    "health.ERROR": "a requested error is for tests, not for people",
}
"""Operations that no command calls, and why."""


# Help


@pytest.mark.parametrize("path", list(find_commands()), ids=lambda path: " ".join(path[0]))
def test_help_of_command(path: tuple[Names, click.Command]) -> None:
    names, command = path
    assert get_examples(command)
    assert all(f"duologue {' '.join(names)}" in example for example in get_examples(command))
    for option in command.params:
        assert isinstance(option, click.Argument) or getattr(option, "help", None), option.name
    shown = CliRunner().invoke(commands, [*names, "--help"]).output
    assert all(example in shown for example in get_examples(command))


@pytest.mark.parametrize("path", list(CLIENT_COMMANDS), ids=" ".join)
def test_common_flags(path: tuple[str, ...]) -> None:
    options = {option for parameter in CLIENT_COMMANDS[path].params for option in parameter.opts}
    common = {"--base-url", "--chat-url", "--api-key", "--user-id", "--environment", "--timeout", "--json"}
    assert common <= options


def test_flags_beat_variables(run: Run, mock: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--environment` too: with `DUOLOGUE_BASE_URL` set, `--environment production` calls production."""
    configs: list[Config] = []

    def record(self: APIRequestor, *_: object, **__: object) -> None:
        configs.append(self.config)
        raise ZeroDivisionError

    monkeypatch.setattr(APIRequestor, "request", record)
    run("users", "list", "--environment", "production")
    run("users", "list", "--base-url", "http://a.example", "--timeout", "off", DUOLOGUE_TIMEOUT="7")
    run("users", "list", DUOLOGUE_TIMEOUT="7")
    assert [(config.platform.base_url, config.platform.timeout) for config in configs] == [
        ("https://api.dafnckmachine.com/api", 20),
        ("http://a.example/api", None),
        (mock.base_url, 7),
    ]
    assert configs[0].chat.base_url == "https://api.dafnckmachine.com/chats-service/api/v1"


def test_flags_are_declared() -> None:
    """A flag is an option's declaration: its names, its description and its variable."""
    flags = {parameter.name: parameter for parameter in CLIENT_COMMANDS["me",].params}
    for name, declared in OPTIONS.items():
        assert (name in flags) == bool(declared.flags)
        if name in flags:
            assert flags[name].opts == list(declared.flags)
            assert flags[name].help == f"{declared.summary}  [env: {declared.env}]"


def test_anonymous_user_is_stored(run: Run, tmp_path: Path) -> None:
    created = json.loads(check_success(run("chats", "create", "Mine", "--json", DUOLOGUE_USER_ID=None)))
    assert created["_id"] in check_success(run("chats", "list", DUOLOGUE_USER_ID=None))
    assert created["_id"] not in check_success(run("chats", "list"))
    assert (tmp_path / "data" / "user-id").exists()


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples(logged_in: Run, example: str) -> None:
    check_success(run_example(logged_in, example))


def test_operations_reached(logged_in: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    reached: set[str] = set()

    def record(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: APIRequestor, operation: Operation[Any], *arguments: Any, **named: Any) -> Any:
            reached.add(operation.id)
            return method(self, operation, *arguments, **named)

        return call

    for name in ("request", "stream"):
        monkeypatch.setattr(APIRequestor, name, record(getattr(APIRequestor, name)))
    logged_in("logout")
    for example in EXAMPLES:
        run_example(logged_in, "duologue login --email john@example.com")
        run_example(logged_in, example)
    missing = {operation.id for operation in operations()} - reached
    assert missing == UNREACHABLE.keys()


def test_help_is_light() -> None:
    script = (
        "import atexit, sys; atexit.register(lambda: print('\\nLOADED', *sys.modules))\n"
        "sys.argv = ['duologue', '--help']\nfrom duologue.cli import main; main()"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(ended.stdout.partition("\nLOADED")[2].split())
    assert "duologue.cli.users" in loaded
    assert not loaded & {"requests", "rich", "rich.console", "duologue.client"}


def test_rich_missing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "rich"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich", None)
    assert "This command needs rich. Install it with: pip install 'duologue[cli]'" in check_failure(
        run("users", "list"), 2
    )


# Logging in and out


def test_login_and_logout(run: Run, tmp_path: Path) -> None:
    assert "Not logged in. Log in with: duologue login" in check_failure(run("me"), 3)
    assert check_success(run("login", "--email", "jane@example.com", stdin="password\n")) == (
        "Logged in as Jane Smith <jane@example.com>, user.\n"
    )
    assert "Jane Smith" in check_success(run("me"))
    assert check_success(run("logout")) == "Logged out.\n"
    assert not list((tmp_path / "data").glob("*.json"))
    assert check_success(run("logout")) == "Not logged in.\n"


def test_wrong_password(run: Run) -> None:
    error = check_failure(run("login", "--email", "john@example.com", stdin="my-secret\n"), 3)
    assert "my-secret" not in error
    assert "Log in with" not in error


def test_password_missing(run: Run) -> None:
    result = run("login", "--email", "john@example.com", stdin="")
    assert result.exit_code == 2
    assert "The password is missing" in result.stderr


def test_login_json(run: Run) -> None:
    shown = json.loads(check_success(run("login", "--email", "john@example.com", "--json", stdin="password\n")))
    assert shown == {"id": "1", "name": "John Doe", "email": "john@example.com", "role": "admin"}
    assert json.loads(check_success(run("logout", "--json"))) is None


def test_refreshed_login_is_stored(logged_in: Run, mock: MockServer, tmp_path: Path) -> None:
    storage = FileTokenStorage(mock.base_url, folder=tmp_path / "data")
    before = storage.load()
    assert before is not None
    storage.save(replace(before, refresh_at=datetime(2024, 1, 1, tzinfo=UTC)))
    check_success(logged_in("users", "get", "1"))
    after = storage.load()
    assert after is not None
    assert after.refresh_token != before.refresh_token


def test_token_variable(logged_in: Run, mock: MockServer) -> None:
    credentials = {"email": "jane@example.com", "password": "password"}
    token = requests.post(f"{mock.base_url}/auth/login", json=credentials, timeout=10).json()["token"]
    assert "Jane Smith" in check_success(logged_in("me", DUOLOGUE_ACCESS_TOKEN=token))
    assert "John Doe" in check_success(logged_in("me"))


def test_login_per_server(logged_in: Run) -> None:
    with MockServer() as other:
        assert "Not logged in" in check_failure(logged_in("me", "--base-url", other.base_url), 3)


def test_token_file_not_private(logged_in: Run, tmp_path: Path) -> None:
    (file,) = (tmp_path / "data").glob("*.json")
    file.chmod(0o644)
    assert "Others can read" in check_failure(logged_in("users", "list"), 3)
    check_success(logged_in("login", "--email", "john@example.com", stdin="password\n"))
    check_success(logged_in("users", "list"))


# JSON

PLATFORM_PATHS = {("users", "list"): "/users?page=1&limit=10", ("users", "get", "2"): "/users/2"}
CHAT_PATHS = {
    ("chats", "get", "test-session-1"): "/chats/test-session-1",
    ("chats", "list"): "/chats",
    ("messages", "list", "test-session-1"): "/chats/test-session-1/messages",
}
ENVELOPE = ("message", "metadata")


@pytest.mark.parametrize("arguments", PLATFORM_PATHS, ids=" ".join)
def test_platform_json(run: Run, mock: MockServer, arguments: tuple[str, ...]) -> None:
    wire = requests.get(mock.base_url + PLATFORM_PATHS[arguments], timeout=10).json()
    assert json.loads(check_success(run(*arguments, "--json"))) == wire


@pytest.mark.parametrize("arguments", CHAT_PATHS, ids=" ".join)
def test_chat_json(run: Run, mock: MockServer, arguments: tuple[str, ...]) -> None:
    headers = {"x-api-key": mock.api_key, "x-user-id": "anonymous-user", "Unique-Reference-Code": "urc-1"}
    wire = requests.get(mock.chat_base_url + CHAT_PATHS[arguments], headers=headers, timeout=10).json()
    data = wire["data"] if arguments[1] == "get" else {name: wire[name] for name in wire if name not in ENVELOPE}
    assert json.loads(check_success(run(*arguments, "--json"))) == data


@pytest.mark.parametrize("example", [one for one in EXAMPLES if not re.search(r"duologue chat\b", one)])
def test_json_flag(logged_in: Run, example: str) -> None:
    json.loads(check_success(run_example(logged_in, example if "--json" in example else f"{example} --json")))


def test_all_users(run: Run) -> None:
    for number in range(3):
        check_success(run("users", "create", "--name", f"n{number}", "--email", f"n{number}@example.com"))
    shown = json.loads(check_success(run("users", "list", "--all", "--json")))
    assert (len(shown["users"]), shown["total"], shown["hasMore"]) == (5, 5, False)
    assert "1 of 5 users; more with --page 2" in check_success(run("users", "list", "--limit", "1"))


def test_user_with_password(run: Run) -> None:
    create = ("users", "create", "--name", "Ada", "--email", "ada@example.com", "--with-password")
    check_success(run(*create, stdin="analytical\n"))
    assert "Ada" in check_success(run("login", "--email", "ada@example.com", stdin="analytical\n"))


def test_favorite(run: Run) -> None:
    check_success(run("chats", "favorite", "test-session-1"))
    assert "test-session-1" in check_success(run("chats", "list", "--favorite"))
    check_success(run("chats", "favorite", "test-session-1", "--off"))
    assert "test-session-1" not in check_success(run("chats", "list", "--favorite"))
    assert "test-session-1" in check_success(run("chats", "list", "--no-favorite", "--page", "1"))


def test_message_context(run: Run) -> None:
    sent = run("messages", "send", "test-session-1", "-", "--context", '{"a": [1]}', "--json", stdin="two\nlines\n")
    assert (message := json.loads(check_success(sent)))["context"] == {"a": [1]}
    assert message["content"] == "two\nlines"
    assert "  two\n  lines\n" in check_success(run("messages", "list", "test-session-1"))
    for bad in ("[]", "{", "7"):
        assert run("messages", "send", "test-session-1", "x", "--context", bad).exit_code == 2


# Conversations


def test_chat_message(run: Run) -> None:
    output = check_success(run("chat", "--message", "Hello there"))
    assert (match := re.fullmatch(r"Session ([0-9a-f]{24})\nHi there! How can I help you today\?\n", output))
    assert "assistant" in check_success(run("messages", "list", match[1]))
    assert "Hello there" in check_success(run("chats", "get", match[1]))


def test_chat_json_lines(run: Run) -> None:
    printed = check_success(run("chat", "--json", "--title", "Mine", stdin="Hello\n\nBye\n")).splitlines()
    events = [json.loads(line) for line in printed]
    assert events[0]["event"] == "chat:created"
    assert events[0]["data"]["title"] == "Mine"
    completed = [event["data"] for event in events if event["event"] == "message.completed"]
    assert len(completed) == 2
    first = events[1 : events.index({"event": "message.completed", "data": completed[0]})]
    assert "".join(event["data"]["delta"] for event in first) == completed[0]["content"]


def test_chat_session_not_found(run: Run) -> None:
    assert "Session not found" in check_failure(run("chat", "nowhere", "--message", "Hello"), 4)
    check_failure(run("chat", "nowhere", stdin="Hello\nAgain\n"), 4)
