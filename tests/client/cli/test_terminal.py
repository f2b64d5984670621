"""The command as a process: on a terminal, in a pipe, and where only ASCII can be printed."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

import pytest

from duologue_mock import MockServer

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals")]

LAUNCH = (
    "import fcntl, os, signal, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "signal.signal(signal.SIGINT, signal.SIG_DFL); "  # a shell that runs the tests in the background ignores it
    "os.execv(sys.executable, [sys.executable, '-m', 'duologue', *sys.argv[1:]])"
)
"""Starts a session with the pseudo-terminal as its controlling terminal, so that a typed Ctrl-C becomes a signal."""

TIMEOUT = 20.0


class PseudoTerminal:
    """A command on a terminal, and what is typed there.

    Args:
        arguments: the command line.
        environ: its environment.
    """

    def __init__(self, *arguments: str, environ: dict[str, str]) -> None:
        self._arguments = arguments
        self._environ = environ
        self.shown = ""

    def __enter__(self) -> Self:
        self._ours, theirs = os.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, *self._arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, **self._environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"},
        )
        os.close(theirs)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def see(self, pattern: str) -> str:
        """Wait until something is shown, after what was seen before, and return all up to there."""
        until = time.monotonic() + TIMEOUT
        while (match := re.search(pattern, self.shown, re.DOTALL)) is None:
            assert self._more(until - time.monotonic()), f"{pattern!r} is not in {self.shown!r}"
        before, self.shown = self.shown[: match.end()], self.shown[match.end() :]
        return before

    def end(self) -> int:
        """Wait for the end, and return the exit code."""
        until = time.monotonic() + TIMEOUT
        while self._more(until - time.monotonic()):
            pass
        return self._process.wait(TIMEOUT)

    def _more(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._ours], [], [], max(0.0, seconds))
        data = b""
        if ready:
            with suppress(OSError):  # Linux says so when the other side has closed
                data = os.read(self._ours, 65_536)
        self.shown += data.decode("utf-8", "replace")
        return bool(data)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., dict[str, str]]]:
    """Starts a mock and returns the environment variables that name it."""
    with ExitStack() as stack:

        def start_mock(**settings: object) -> dict[str, str]:
            mock = stack.enter_context(MockServer(**settings))  # type: ignore[arg-type]
            return {
                "DUOLOGUE_BASE_URL": mock.base_url,
                "DUOLOGUE_CHAT_BASE_URL": mock.chat_base_url,
                "DUOLOGUE_USER_ID": "anonymous-user",
                "DUOLOGUE_DATA_DIR": str(tmp_path / "data"),
            }

        yield start_mock


Start = Callable[..., dict[str, str]]


def shell(line: str, environ: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    """Run a line of shell in which `duologue` is our command."""
    script = f'duologue() {{ "{sys.executable}" -m duologue "$@"; }}\n{line}'
    return subprocess.run(
        ["sh", "-c", script], env={**os.environ, **environ}, capture_output=True, check=False, timeout=60
    )


# On a terminal


def test_password_prompt(start: Start) -> None:
    environ = start()
    with PseudoTerminal("login", environ=environ) as screen:
        screen.see("E-mail address: ")
        screen.type("john@example.com\n")
        screen.see("Password: ")
        screen.type("password\n")
        shown = screen.see(r"Logged in as John Doe <john@example.com>, admin\.")
        assert "password" not in shown
        assert screen.end() == 0
    with PseudoTerminal("me", environ=environ) as screen:
        screen.see("John Doe")
        assert screen.end() == 0


def test_conversation(start: Start) -> None:
    with PseudoTerminal("chat", environ=start()) as screen:
        screen.see(r"Session [0-9a-f]{24}.*you> ")
        screen.type("Hello there\n")
        screen.see(r"Hi there! How can I help you today\?\r\nyou> ")
        screen.type("\n")
        screen.see("you> ")
        screen.type("\x03")
        screen.type("\n")  # Python notices a signal that comes just before it waits only with the next key
        screen.see(r"Ctrl-D ends the conversation.*you> ")
        screen.type("\x04")
        assert screen.end() == 0
        assert "Traceback" not in screen.shown


def test_ctrl_c_stops_reply(start: Start) -> None:
    resume = threading.Event()
    requests: list[str] = []

    def reply(request: object) -> Iterator[str]:
        requests.append("")
        if len(requests) > 1:
            yield "A second reply"
            return
        yield "The first piece"
        resume.wait(TIMEOUT)

    with PseudoTerminal("chat", "test-session-1", environ=start(reply_function=reply)) as screen:
        try:
            screen.see("you> ")
            screen.type("Tell me everything\n")
            screen.see("The first piece")
            screen.type("\x03")
            screen.see(r"\[stopped\]\r\nyou> ")
        finally:
            resume.set()
        screen.type("And now?\n")
        screen.see("A second reply\r\nyou> ")
        screen.type("\x04")
        assert screen.end() == 0
        assert "Traceback" not in screen.shown


def test_spinner(start: Start) -> None:
    resume = threading.Event()

    def reply(request: object) -> str:
        resume.wait(TIMEOUT)
        return "At last"

    with PseudoTerminal("chat", "--message", "Hello", environ=start(reply_function=reply)) as screen:
        try:
            screen.see("…")
            screen.see("\x1b\\[\\?25l|⠋|⠙|⠹")
        finally:
            resume.set()
        screen.see("At last")
        assert screen.end() == 0


def test_ctrl_c_without_conversation(start: Start) -> None:
    resume = threading.Event()

    def reply(request: object) -> Iterator[str]:
        yield "The first piece"
        resume.wait(TIMEOUT)

    with PseudoTerminal("chat", "--message", "Hello", environ=start(reply_function=reply)) as screen:
        try:
            screen.see("The first piece")
            screen.type("\x03")
            screen.see(r"\[stopped\]")
            assert screen.end() == 1
        finally:
            resume.set()
        assert "Traceback" not in screen.shown


def test_conversation_after_error(start: Start) -> None:
    with PseudoTerminal("chat", "test-session-1", "--context", "x" * 10_001, environ=start()) as screen:
        screen.see("you> ")
        screen.type("Hello\n")
        screen.see(r"duologue: Validation failed: context: .*you> ")
        screen.type("\x04")
        assert screen.end() == 0


def test_session_deleted_meanwhile(start: Start) -> None:
    environ = start()
    with PseudoTerminal("chat", "test-session-1", environ=environ) as screen:
        screen.see("you> ")
        assert b"Deleted" in shell("duologue chats delete test-session-1 --yes", environ).stdout
        screen.type("Hello\n")
        screen.see("duologue: Session not found")
        assert screen.end() == 4


@pytest.mark.parametrize(("typed", "code", "left"), [("n\n", 1, 2), ("y\n", 0, 1)])
def test_confirmation(start: Start, typed: str, code: int, left: int) -> None:
    environ = start()
    with PseudoTerminal("users", "delete", "2", environ=environ) as screen:
        screen.see(r"Delete user 2 permanently\? \[y/N\]: ")
        screen.type(typed)
        assert screen.end() == code
    assert f"{left} of {left} users".encode() in shell("duologue users list", environ).stdout


def test_colors_on_terminal_only(start: Start) -> None:
    environ = start()
    with PseudoTerminal("users", "list", environ=environ) as screen:
        assert "\x1b[1m" in screen.see("John Doe")
        assert screen.end() == 0
    piped = shell("duologue users list | cat; duologue chat --message Hello | cat", environ)
    assert b"\x1b" not in piped.stdout
    assert piped.stderr == b""


# In a script


def test_table_in_pipe(start: Start) -> None:
    name = "n" * 100
    lines = shell(
        f"duologue users create --name {name} --email a@example.com && duologue users list | grep {name} | wc -l",
        {**start(), "COLUMNS": "40"},
    )
    assert lines.stdout.split()[-1] == b"1"


def test_closed_pipe(start: Start) -> None:
    done = shell("duologue users list --all --json | true; duologue messages list test-session-1 | true", start())
    assert done.stderr == b""


def test_ascii_terminal(start: Start) -> None:
    plain = {**start(), "PYTHONIOENCODING": "ascii:strict"}
    done = shell("duologue users create --name 'Zoë 👩' --email zoe@example.com && duologue users list", plain)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(rb"Zo\xeb \U0001f469") == 2


def test_exit_codes(start: Start) -> None:
    line = "for id in 1 nobody ..; do duologue users get $id >&2; echo $?; done"
    done = shell(line, start())
    assert done.stdout.split() == [b"0", b"4", b"2"]
    assert b"Traceback" not in done.stderr


def test_damaged_token_file(start: Start, tmp_path: Path) -> None:
    environ = start()
    login = "echo password | duologue login --email john@example.com"
    assert shell(login, environ).returncode == 0
    (file,) = (tmp_path / "data").glob("*.json")
    file.write_text("{")
    warned, error = shell("duologue me", environ).stderr.decode().splitlines()
    assert "is damaged" in warned
    assert "log in again" in warned
    assert error == "duologue: Not logged in. Log in with: duologue login"
    assert shell(f"{login} && duologue me", environ).stderr == b""
