"""The client as a command: what it prints for people and scripts, how it fails, and that it reaches every operation."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest
import requests
from click.testing import CliRunner, Result

from duologue import FileTokenStorage, errors
from duologue.cli.command_group import commands
from duologue.cli.exit_codes import ExitCode, get_exit_code
from duologue.cli.terminal import safe
from duologue.contract import operations
from duologue.http.api_requestor import APIRequestor
from duologue_mock import MockServer
from tests.client.servers import ScriptedServer, answer
from tests.client.test_errors import all_classes

Run = Callable[..., Result]

NOT_REACHED = {
    "auth.REFRESH": "happens by itself, in any command",
    "health.ERROR": "a fault on request is for tests, not for people",
}


@pytest.fixture
def mock() -> Iterator[MockServer]:
    with MockServer() as running:
        yield running


@pytest.fixture
def environ(mock: MockServer, tmp_path: Path) -> dict[str, str]:
    return {
        "DUOLOGUE_BASE_URL": mock.base_url,
        "DUOLOGUE_CHAT_BASE_URL": mock.chat_base_url,
        "DUOLOGUE_API_KEY": mock.api_key,
        "DUOLOGUE_USER_ID": "anonymous-user",
        "DUOLOGUE_DATA_DIR": str(tmp_path / "data"),
        "DUOLOGUE_MAX_RETRIES": "0",
    }


@pytest.fixture
def run(environ: dict[str, str]) -> Run:
    """Runs a command in this process."""

    def invoke(*arguments: str, stdin: str | None = None, **variables: str | None) -> Result:
        return CliRunner().invoke(commands, list(arguments), input=stdin, env={**environ, **variables})

    return invoke


@pytest.fixture
def logged_in(run: Run) -> Run:
    assert run("login", "--email", "john@example.com", stdin="password\n").exit_code == 0
    return run


def done(result: Result) -> str:
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return result.stdout


def refused(result: Result, code: int) -> str:
    """Assert that a command failed as it should: one line, on the standard error alone."""
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert re.fullmatch(r"duologue: [^\n]+\n", result.stderr), result.stderr
    return result.stderr


Names = tuple[str, ...]


def leaves(group: click.Group = commands, path: Names = ()) -> Iterator[tuple[Names, click.Command]]:
    """All commands that do something, with their names."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from leaves(command, (*path, name))
        else:
            yield (*path, name), command


def examples_in(command: click.Command) -> list[str]:
    return [line.strip() for line in (command.epilog or "").splitlines()[2:]]


OURS = {path: command for path, command in leaves() if path != ("serve",)}
EXAMPLES = [example for command in OURS.values() for example in examples_in(command)]


def run_example(run: Run, example: str) -> Result:
    """Run a command line from a help text, with what is piped into it."""
    before, _, line = example.rpartition("| ")
    stdin = "password\n" if "login" in line else before.removeprefix("echo ").strip(" '") + "\n"
    return run(*shlex.split(line)[1:], stdin=stdin)


# What there is


@pytest.mark.parametrize("path", list(leaves()), ids=lambda path: " ".join(path[0]))
def test_every_command_shows_an_example_and_describes_its_options(path: tuple[Names, click.Command]) -> None:
    names, command = path
    assert examples_in(command)
    assert all(f"duologue {' '.join(names)}" in example for example in examples_in(command))
    for option in command.params:
        assert isinstance(option, click.Argument) or getattr(option, "help", None), option.name
    shown = CliRunner().invoke(commands, [*names, "--help"]).output
    assert all(example in shown for example in examples_in(command))


@pytest.mark.parametrize("path", list(OURS), ids=" ".join)
def test_every_command_of_the_client_takes_the_same_options(path: tuple[str, ...]) -> None:
    known = {option for parameter in OURS[path].params for option in parameter.opts}
    common = {"--base-url", "--chat-url", "--api-key", "--user-id", "--environment", "--timeout", "--json"}
    assert common <= known


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_work(logged_in: Run, example: str) -> None:
    done(run_example(logged_in, example))


def test_every_operation_is_reached(logged_in: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    reached: set[str] = set()
    monkeypatch.setattr(APIRequestor, "_observed", lambda self, call, error: reached.add(call.operation.id))
    logged_in("logout")
    for example in EXAMPLES:
        run_example(logged_in, "duologue login --email john@example.com")
        run_example(logged_in, example)
    missing = {operation.id for operation in operations()} - reached
    assert missing == NOT_REACHED.keys()


def test_help_loads_neither_the_client_nor_rich() -> None:
    script = (
        "import atexit, sys; atexit.register(lambda: print('\\nLOADED', *sys.modules))\n"
        "sys.argv = ['duologue', '--help']\nfrom duologue.cli import main; main()"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(ended.stdout.partition("\nLOADED")[2].split())
    assert "duologue.cli.users" in loaded
    assert not loaded & {"requests", "rich", "rich.console", "duologue.client"}


def test_without_rich_it_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "rich"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich", None)
    assert "this needs rich. Install it with: pip install 'duologue[cli]'" in refused(run("users", "list"), 2)


# Logging in and out


def test_a_login_lasts_until_the_logout(run: Run, tmp_path: Path) -> None:
    assert "Nobody is logged in. Log in with: duologue login" in refused(run("me"), 3)
    assert done(run("login", "--email", "jane@example.com", stdin="password\n")) == (
        "Logged in as Jane Smith <jane@example.com>, user.\n"
    )
    assert "Jane Smith" in done(run("me"))
    assert done(run("logout")) == "Logged out.\n"
    assert not list((tmp_path / "data").glob("*.json"))
    assert done(run("logout")) == "Nobody was logged in.\n"


def test_a_wrong_password_is_refused_and_not_shown(run: Run) -> None:
    said = refused(run("login", "--email", "john@example.com", stdin="my-secret\n"), 3)
    assert "my-secret" not in said
    assert "Log in with" not in said


def test_nothing_typed_is_a_usage_error(run: Run) -> None:
    result = run("login", "--email", "john@example.com", stdin="")
    assert result.exit_code == 2
    assert "The password is missing" in result.stderr


def test_scripts_are_shown_the_user_and_no_token(run: Run) -> None:
    shown = json.loads(done(run("login", "--email", "john@example.com", "--json", stdin="password\n")))
    assert shown == {"id": "1", "name": "John Doe", "email": "john@example.com", "role": "admin"}
    assert json.loads(done(run("logout", "--json"))) is None


def test_a_stale_login_is_renewed_and_kept(logged_in: Run, mock: MockServer, tmp_path: Path) -> None:
    kept = FileTokenStorage(mock.base_url, folder=tmp_path / "data")
    before = kept.load()
    assert before is not None
    kept.save(replace(before, refresh_at=datetime(2024, 1, 1, tzinfo=UTC)))
    done(logged_in("users", "get", "1"))
    after = kept.load()
    assert after is not None
    assert after.refresh_token != before.refresh_token


def test_a_token_of_the_surroundings_is_used_but_not_kept(logged_in: Run, mock: MockServer) -> None:
    credentials = {"email": "jane@example.com", "password": "password"}
    token = requests.post(f"{mock.base_url}/auth/login", json=credentials, timeout=10).json()["token"]
    assert "Jane Smith" in done(logged_in("me", DUOLOGUE_ACCESS_TOKEN=token))
    assert "John Doe" in done(logged_in("me"))


def test_another_server_is_another_login(logged_in: Run) -> None:
    with MockServer() as other:
        assert "Nobody is logged in" in refused(logged_in("me", "--base-url", other.base_url), 3)


def test_a_file_of_tokens_that_others_can_read_is_refused(logged_in: Run, tmp_path: Path) -> None:
    (file,) = (tmp_path / "data").glob("*.json")
    file.chmod(0o644)
    assert "Others can read" in refused(logged_in("users", "list"), 3)
    done(logged_in("login", "--email", "john@example.com", stdin="password\n"))
    done(logged_in("users", "list"))


# For scripts: the wire as it is

PLATFORM_WIRE = {("users", "list"): "/users?page=1&limit=10", ("users", "get", "2"): "/users/2"}
CHAT_WIRE = {
    ("chats", "get", "test-session-1"): "/chats/test-session-1",
    ("chats", "list"): "/chats",
    ("messages", "list", "test-session-1"): "/chats/test-session-1/messages",
}
ENVELOPE = ("message", "metadata")


@pytest.mark.parametrize("arguments", PLATFORM_WIRE, ids=" ".join)
def test_platform_json_is_the_wire_form(run: Run, mock: MockServer, arguments: tuple[str, ...]) -> None:
    wire = requests.get(mock.base_url + PLATFORM_WIRE[arguments], timeout=10).json()
    assert json.loads(done(run(*arguments, "--json"))) == wire


@pytest.mark.parametrize("arguments", CHAT_WIRE, ids=" ".join)
def test_chat_json_is_the_wire_form(run: Run, mock: MockServer, arguments: tuple[str, ...]) -> None:
    headers = {"x-api-key": mock.api_key, "x-user-id": "anonymous-user", "Unique-Reference-Code": "urc-1"}
    wire = requests.get(mock.chat_base_url + CHAT_WIRE[arguments], headers=headers, timeout=10).json()
    data = wire["data"] if arguments[1] == "get" else {name: wire[name] for name in wire if name not in ENVELOPE}
    assert json.loads(done(run(*arguments, "--json"))) == data


@pytest.mark.parametrize("example", [one for one in EXAMPLES if not re.search(r"duologue chat\b", one)])
def test_every_answer_is_one_json_document(logged_in: Run, example: str) -> None:
    json.loads(done(run_example(logged_in, example if "--json" in example else f"{example} --json")))


def test_all_users_are_one_page(run: Run) -> None:
    for number in range(3):
        done(run("users", "create", "--name", f"n{number}", "--email", f"n{number}@example.com"))
    shown = json.loads(done(run("users", "list", "--all", "--json")))
    assert (len(shown["users"]), shown["total"], shown["hasMore"]) == (5, 5, False)
    assert "1 of 5 users; more with --page 2" in done(run("users", "list", "--limit", "1"))


def test_a_user_with_a_password_can_log_in(run: Run) -> None:
    create = ("users", "create", "--name", "Ada", "--email", "ada@example.com", "--with-password")
    done(run(*create, stdin="analytical\n"))
    assert "Ada" in done(run("login", "--email", "ada@example.com", stdin="analytical\n"))


def test_a_favourite_is_marked_and_found(run: Run) -> None:
    done(run("chats", "favorite", "test-session-1"))
    assert "test-session-1" in done(run("chats", "list", "--favorite"))
    done(run("chats", "favorite", "test-session-1", "--off"))
    assert "test-session-1" not in done(run("chats", "list", "--favorite"))
    assert "test-session-1" in done(run("chats", "list", "--no-favorite", "--page", "1"))


def test_a_message_is_stored_with_its_context(run: Run) -> None:
    sent = run("messages", "send", "test-session-1", "-", "--context", '{"a": [1]}', "--json", stdin="two\nlines\n")
    assert (found := json.loads(done(sent)))["context"] == {"a": [1]}
    assert found["content"] == "two\nlines"
    assert "  two\n  lines\n" in done(run("messages", "list", "test-session-1"))
    for bad in ("[]", "{", "7"):
        assert run("messages", "send", "test-session-1", "x", "--context", bad).exit_code == 2


# Talking


def test_one_message_and_its_reply(run: Run) -> None:
    said = done(run("chat", "--message", "Hello there"))
    assert (found := re.fullmatch(r"Session ([0-9a-f]{24})\nHi there! How can I help you today\?\n", said))
    assert "assistant" in done(run("messages", "list", found[1]))
    assert "Hello there" in done(run("chats", "get", found[1]))


def test_lines_of_a_script_are_messages_and_json_lines_are_pieces(run: Run) -> None:
    printed = done(run("chat", "--json", "--title", "Mine", stdin="Hello\n\nBye\n")).splitlines()
    events = [json.loads(line) for line in printed]
    assert events[0]["event"] == "chat:created"
    assert events[0]["data"]["title"] == "Mine"
    completed = [event["data"] for event in events if event["event"] == "message.completed"]
    assert len(completed) == 2
    first = events[1 : events.index({"event": "message.completed", "data": completed[0]})]
    assert "".join(event["data"]["delta"] for event in first) == completed[0]["content"]


def test_a_session_that_is_not_there_ends_the_conversation(run: Run) -> None:
    assert "Session not found" in refused(run("chat", "nowhere", "--message", "Hello"), 4)
    refused(run("chat", "nowhere", stdin="Hello\nAgain\n"), 4)


# Failing


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["users", "get", "nobody"], 4, "User not found"),
        (["users", "get", ".."], 2, "id must not be '..'"),
        (["users", "create", "--name", " ", "--email", "a@example.com"], 1, "Validation failed: name: "),
        (["users", "create", "--name", "x", "--email", "john@example.com"], 1, ""),
        (["chats", "list", "--api-key", "wrong"], 3, "Is the API key right?"),
        (["chats", "list", "--user-id", "a\nb"], 2, "user_id must be printable ASCII"),
        (["users", "list", "--base-url", "nonsense"], 2, "must begin with http://"),
        (["users", "list", "--timeout", "-1"], 2, "timeout is -1.0"),
        (["users", "list", "--base-url", "http://localhost:1/api"], 5, "no answer from http://localhost:1/api"),
        (
            ["chats", "list", "--chat-url", "http://localhost:1"],
            5,
            "no answer from http://localhost:1/chats-service/api/v1: Connection refused",
        ),
        (["chat", "x" * 10, "--message", "Hi"], 4, "not found"),
    ],
)
def test_each_failure_is_one_sentence_and_a_code(run: Run, arguments: list[str], code: int, sentence: str) -> None:
    said = refused(run(*arguments), code)
    assert sentence in said
    assert ("(request " in said) == (code != 2)


def test_who_may_not_is_refused(run: Run) -> None:
    done(run("login", "--email", "jane@example.com", stdin="password\n"))
    refused(run("users", "delete", "1", "--yes"), 3)


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
    ],
)
def test_a_command_line_that_cannot_be_meant_is_explained(run: Run, arguments: list[str]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error: " in result.stderr
    assert run("users", "get", "1").exit_code == 0
    assert run("chats", "get", "test-session-1").exit_code == 0


def test_an_error_of_our_own_shows_no_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oh\nno")

    monkeypatch.setattr(APIRequestor, "call", fail)
    assert refused(run("users", "list"), 1) == "duologue: an error of our own, ZeroDivisionError: oh\\nno\n"


@pytest.mark.parametrize("kind", all_classes())
def test_every_error_has_its_code(kind: type[errors.APIError]) -> None:
    found = get_exit_code(kind())
    assert found not in (ExitCode.OK, ExitCode.USAGE)
    assert (found is ExitCode.NETWORK) == issubclass(kind, (errors.NetworkError, errors.RequestTimeout))


def test_the_health_of_both_services(run: Run) -> None:
    assert set(json.loads(done(run("health", "--json")))) == {"platform", "chat"}
    result = run("health", "--base-url", "http://localhost:1/api", "--api-key", "wrong")
    assert result.exit_code == 5
    assert [line.split(":")[1].strip() for line in result.stderr.splitlines()] == ["platform", "chat"]
    assert result.stdout.count("not well") == 2
    result = run("health", "--api-key", "wrong", "--json")
    assert result.exit_code == 3
    assert set(json.loads(result.stdout)) == {"platform"}


# What a server might put into a terminal

ATTACK = "\x1b]0;owned\x07\x9b31m\u202eabc\r\n"


@pytest.mark.parametrize("json_too", [[], ["--json"]], ids=["human", "json"])
@pytest.mark.parametrize("where", ["message", "request id", "body"])
def test_a_server_cannot_steer_the_terminal(run: Run, where: str, json_too: list[str]) -> None:
    user = {"id": f"1{ATTACK}", "name": "x", "email": "a@example.com", "role": "user"}
    acts: Mapping[str, Any] = {
        "message": answer(404, {"message": f"gone {ATTACK}", "details": {"message": ATTACK}}),
        "request id": answer(404, {"message": "gone"}, headers={"X-Request-Id": "\x1b[31m\x9b"}),
        "body": answer(200, user),
    }
    with ScriptedServer(acts[where]) as server:
        result = run("users", "get", "1", *json_too, "--base-url", server.origin)
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
def test_what_does_not_print_is_shown_escaped(text: str, shown: str) -> None:
    assert safe(text) == shown
    assert safe("a\nb\tc\x1b", lines=True) == "a\nb\tc\\x1b"
