"""`duologue serve`: as a process, and its options one by one."""

from __future__ import annotations

import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

import duologue_mock.server
from duologue.contract import operations
from duologue_mock import Settings
from duologue_mock.cli.serve import serve
from duologue_mock.settings import setting_names
from tests.mockserver.raw import PATIENCE, Answer, ask, eventually, head, peer

HEALTH = "GET /api/health HTTP/1.1"
CHAT = ("x-api-key: dev-api-key", "Unique-Reference-Code: cli-1", "x-user-id: anonymous-user")
COMMAND = [sys.executable, "-m", "duologue", "serve"]


class Serving:
    """`duologue serve` as a process. Unless it is quiet, it has been read up to the end of its banner."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self._watchdog = threading.Timer(3 * PATIENCE, self.process.kill)
        self._watchdog.start()
        self.banner = ""
        if "--quiet" not in options:
            while self.banner.count("\n  curl ") < 2:
                self.banner += self.line()
            self.banner += self.line()

    def line(self) -> str:
        """The next line of its output."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"it has ended: {self.end()}"
        return line

    @property
    def ports(self) -> tuple[int, int]:
        platform, chat = (re.search(rf"{name} +http://\S+?:(\d+)/", self.banner) for name in ("Platform", "Chat"))
        assert platform
        assert chat
        return int(platform[1]), int(chat[1])

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """Send a signal; return the exit status and what else was written."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=2 * PATIENCE)
        self._watchdog.cancel()
        return self.process.returncode, out, err


@contextmanager
def serving(*options: str, ports: bool = True) -> Iterator[Serving]:
    made = Serving(*(("--port", "0", "--chat-port", "0") if ports else ()), *options)
    try:
        yield made
    finally:
        made.end()


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def refused(*options: str) -> str:
    """Run with options that cannot work; return what it says on standard error, a sentence or two."""
    done = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=2 * PATIENCE, check=False)
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


# --- as a process


def test_the_banner_says_where_it_is_how_to_get_in_and_what_it_serves() -> None:
    with serving() as mock:
        port, chat_port = mock.ports
        said = mock.banner
        assert f"http://127.0.0.1:{port}/api" in said
        assert f"http://127.0.0.1:{chat_port}/chats-service/api/v1" in said
        assert re.search(rf"Socket\.IO +http://127\.0\.0\.1:{port} and http://127\.0\.0\.1:{chat_port}", said)
        assert f"http://127.0.0.1:{port}/openapi.json" in said
        assert "john@example.com (admin)   password: password" in said
        assert "jane@example.com (user)   password: password" in said
        assert "dev-api-key" in said
        assert "WARNING" not in said
        for one in operations():
            assert re.search(rf"^  {one.method} +{re.escape(one.route)} +{re.escape(one.summary)}$", said, re.MULTILINE)


def test_what_the_banner_says_to_try_works() -> None:
    with serving() as mock:
        commands = [shlex.split(line) for line in mock.banner.splitlines() if line.startswith("  curl ")]
        assert len(commands) == 2
        for _, _, url, *options in commands:
            assert tried(url, options[1::2]).status == 200


def tried(url: str, headers: list[str]) -> Answer:
    found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)(/.*)", url)
    assert found
    return ask(int(found[1]), f"GET {found[2]} HTTP/1.1", *headers)


def test_each_request_is_a_line_of_the_log() -> None:
    with serving() as mock:
        port, chat_port = mock.ports
        unauthenticated = "401 AUTHENTICATION_ERROR API key required"
        nowhere = "404 NOT_FOUND_ERROR There is nothing at this path"
        for to, line, path, outcome in (
            (port, "GET /api/users?page=1&limit=5 HTTP/1.1", "/api/users?page=1&limit=5", "200"),
            (chat_port, "GET /chats-service/api/v1/chats HTTP/1.1", "/chats-service/api/v1/chats", unauthenticated),
            (port, "DELETE /nowhere HTTP/1.1", "/nowhere", nowhere),
        ):
            assert ask(to, line).status == int(outcome[:3])
            method = line.partition(" ")[0]
            assert re.fullmatch(rf"\d\d:\d\d:\d\d {method} +{re.escape(path)} {outcome} \d+\.\d ms\n", mock.line())


def test_quiet_is_quiet() -> None:
    with taken_port() as port, taken_port() as chat_port:
        pass  # free again, and unlikely to be given to anybody else at once
    with serving("--quiet", "--port", str(port), "--chat-port", str(chat_port), ports=False) as mock:
        assert eventually(lambda: answers(port) and answers(chat_port))
        assert mock.end() == (0, "", "")


def answers(port: int) -> bool:
    try:
        return ask(port, HEALTH).status == 200
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_well(number: signal.Signals) -> None:
    with serving() as mock, peer(mock.ports[0]) as idle:
        idle.send(head(HEALTH))
        assert idle.answer().status == 200
        assert mock.line()
        assert mock.end(number) == (0, "", "")
        assert idle.closed()


def test_a_signal_waits_for_requests_under_way() -> None:
    body = b'{"message": "Hello"}'
    line = "POST /chats-service/api/v1/chats/test-session-1/smart-chat HTTP/1.1"
    framed = ("Content-Type: application/json", f"Content-Length: {len(body)}", "Accept: text/event-stream")
    with serving("--delta-delay", "0.05") as mock, peer(mock.ports[1]) as one:
        one.send(head(line, *CHAT, *framed) + body)
        one.until(b"message.delta")
        mock.process.send_signal(signal.SIGINT)
        one.until(b"message.completed")
        assert one.rest().endswith(b"0\r\n\r\n")
        assert mock.end()[0] == 0


def test_it_goes_on_when_nobody_reads_its_log() -> None:
    """As in `duologue serve | head`."""
    with serving() as mock:
        assert mock.process.stdout is not None
        mock.process.stdout.close()
        mock.process.stdout = None
        for _ in range(5):
            assert ask(mock.ports[0], HEALTH).status == 200
        status, _, err = mock.end()
        assert (status, err) == (0, "")


@pytest.mark.parametrize("option", ["--port", "--chat-port"])
def test_a_port_in_use_is_a_sentence(option: str) -> None:
    other = "--chat-port" if option == "--port" else "--port"
    with taken_port() as port:
        said = refused(option, str(port), other, "0")
    assert said == (
        f"duologue: Port {port} of 127.0.0.1 is in use. "
        "Stop what uses it, or choose others with --port and --chat-port (0 picks a free one)."
    )


@pytest.mark.parametrize(
    ("file", "content", "naming"),
    [
        ("users.json", '[{"id": "1", "name": "A", "email": "a", "role": "user"}]', r"users\.json: \[0\]\.email: "),
        ("chats.json", "{}", r"chats\.json: must hold a list"),
        ("messages.json", "[", r"messages\.json: Not JSON"),
        ("smart_chat.json", '{"rules": [], "fallback": []}', r"smart_chat\.json\.fallback: "),
    ],
)
def test_a_bad_fixture_is_a_sentence_that_names_file_and_field(
    tmp_path: Path, file: str, content: str, naming: str
) -> None:
    (tmp_path / file).write_text(content)
    said = refused("--port", "0", "--chat-port", "0", "--fixtures", str(tmp_path))
    assert re.match(rf"duologue: .*{naming}", said)
    assert "\n" not in said


def test_ones_own_fixtures_are_served(tmp_path: Path) -> None:
    (tmp_path / "users.json").write_text('[{"id": "7", "name": "Ada", "email": "ada@example.com", "role": "admin"}]')
    with serving("--fixtures", str(tmp_path)) as mock:
        assert "ada@example.com (admin)\n" in mock.banner, "a password of one's own is nobody's to see"
        assert ask(mock.ports[0], "GET /api/users/7 HTTP/1.1").json["name"] == "Ada"


def test_an_exposed_mock_warns() -> None:
    with serving("--expose", "--host", "127.0.0.2") as mock:
        assert "WARNING: other machines can reach this mock" in mock.banner
        assert re.search(r"Platform +http://127\.0\.0\.2:\d+/api\n", mock.banner)


# --- its options, without a process of their own

Invoke = Callable[..., "tuple[int, str]"]


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Run the command in this process; return its exit status and what it wrote on standard error."""
    monkeypatch.setattr("logging.basicConfig", lambda **_: None)

    def invoke(*options: str) -> tuple[int, str]:
        result = CliRunner().invoke(serve, options)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.stderr

    return invoke


class Recorder:
    """Stands where MockServer is, and writes down what it is made with."""

    def __init__(self) -> None:
        self.made: dict[str, Any] = {}

    def __call__(self, **options: Any) -> Recorder:
        self.made = options
        Settings(**{name: value for name, value in options.items() if name in setting_names()})
        return self

    def serve_forever(self, started: Callable[[], None]) -> None:
        self.started = started


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    made = Recorder()
    monkeypatch.setattr(duologue_mock.server, "MockServer", made)
    return made


@pytest.mark.parametrize(
    "options",
    [
        ("--port", "70000"),
        ("--port", "-1"),
        ("--port", "http"),
        ("--chat-port", "65536"),
        ("--rate-limit", "0"),
        ("--rate-limit", "-5"),
        ("--rate-limit", "many"),
        ("--max-body", "0"),
        ("--max-body", "1.5"),
        ("--token-lifetime", "0"),
        ("--token-lifetime", "nan"),
        ("--token-lifetime", "inf"),
        ("--delta-delay", "-1"),
        ("--delta-delay", "nan"),
        ("--seed", "x"),
        ("--api-key", ""),
        ("--api-key", "good", "--api-key", "  "),
        ("--fixtures", "/nonexistent/folder"),
        ("--fixtures", __file__),
        ("--host", "0.0.0.0"),
        ("--host", "::"),
        ("--host", "192.168.1.5"),
        ("--host", "example.com"),
        ("--host", ""),
        ("--host", "no-such-host.invalid", "--expose"),
        ("--unknown",),
        ("--port",),
        ("more",),
    ],
    ids=" ".join,
)
def test_options_that_cannot_work_are_refused_with_exit_status_2(invoke: Invoke, options: tuple[str, ...]) -> None:
    status, said = invoke("--chat-port", "0", *options) if "--chat-port" not in options else invoke(*options)
    assert status == 2
    assert said.strip()
    assert "Traceback" not in said
    sentence = said.strip().splitlines()[-1]
    assert sentence.startswith(("duologue: ", "Error: "))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.com"])
def test_an_address_that_others_can_reach_needs_a_word_more(invoke: Invoke, recorder: Recorder, host: str) -> None:
    status, said = invoke("--host", host)
    assert (status, recorder.made) == (2, {})
    assert said == f"duologue: {host} can be reached by other machines. Add --expose if that is meant.\n"
    assert invoke("--host", host, "--expose")[0] == 0
    assert recorder.made["host"] == host


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_a_loopback_does_not(invoke: Invoke, recorder: Recorder, host: str) -> None:
    assert invoke("--host", host) == (0, "")
    assert recorder.made["host"] == host


REACHED: dict[str, tuple[tuple[str, ...], Any]] = {
    "api_keys": (("--api-key", "one", "--api-key", "two"), ("one", "two")),
    "require_auth": (("--require-auth",), True),
    "access_token_lifetime": (("--token-lifetime", "1.5"), 1.5),
    "rate_limit": (("--rate-limit", "off"), None),
    "max_request_size": (("--max-body", "500"), 500),
    "allowed_origins": (
        ("--allow-origin", "https://a.example", "--allow-origin", "http://b"),
        ("https://a.example", "http://b"),
    ),
    "allowed_hosts": (("--allow-host", "a.example"), ("a.example",)),
    "fixtures": (("--fixtures", "."), Path()),
    "reply_url": (("--reply-url", "http://localhost:11434/v1"), "http://localhost:11434/v1"),
    "reply_model": (("--reply-model", "tiny"), "tiny"),
    "reply_api_key": (("--reply-api-key", "sk-1"), "sk-1"),
    "stream_delay": (("--delta-delay", "0.5"), 0.5),
    "reply_timeout": (("--reply-timeout", "5"), 5.0),
    "seed": (("--seed", "7"), 7),
}
"""How each setting is reached, and what it is then."""

NOT_REACHED = {
    "reply_function": "a function has no words on a command line",
    "refresh_token_lifetime": "for tests of the refresh itself, which run in Python",
    "secret": "a mock's logins may end with it",
    "read_timeout": "for tests of the server's own patience",
    "idle_timeout": "for tests of the server's own patience",
}
"""Why each of the others is not."""


def test_every_setting_is_reached_or_deliberately_not() -> None:
    assert REACHED.keys() | NOT_REACHED.keys() == setting_names()
    assert not REACHED.keys() & NOT_REACHED.keys()


@pytest.mark.parametrize("name", REACHED)
def test_a_setting_is_reached_by_its_option(invoke: Invoke, recorder: Recorder, name: str) -> None:
    options, value = REACHED[name]
    assert invoke(*options) == (0, "")
    assert recorder.made[name] == value


def test_a_key_may_come_from_the_environment(
    invoke: Invoke, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUOLOGUE_REPLY_API_KEY", "sk-of-the-environment")
    assert invoke() == (0, "")
    assert recorder.made["reply_api_key"] == "sk-of-the-environment"


def test_the_options_say_the_settings_own_defaults(invoke: Invoke, recorder: Recorder) -> None:
    assert invoke() == (0, "")
    defaults = {field.name: field.default for field in fields(Settings)}
    assert {name: recorder.made[name] for name in REACHED if name in recorder.made} == {
        name: defaults[name] for name in REACHED if name in recorder.made
    }
    assert (recorder.made["port"], recorder.made["chat_port"], recorder.made["host"]) == (3001, 3002, "localhost")


def test_every_option_is_explained() -> None:
    for option in serve.params:
        assert isinstance(option, click.Option)
        assert option.help, option.name
        assert option.help[0].isupper()
    said = CliRunner().invoke(serve, ["--help"])
    assert said.exit_code == 0
    assert all(option.opts[0] in said.output for option in serve.params)
