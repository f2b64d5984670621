"""What goes wrong is one sentence on standard error, and an exit code that scripts tell apart."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_mock import MockServer
from duologue_mock.cli.mock.parameters import parse_duration
from tests.mockserver.cli.steering.commands import Commands


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("stub",), "Missing argument 'TARGET'"),
        (("stub", "users"), "Name an operation like 'users.LIST'"),
        (("stub", "users.LIST", "--delay", "5"), "A duration looks like 15m"),
        (("stub", "users.LIST", "--delay", "1s..2s..3s"), "A range looks like 200ms..800ms"),
        (("stub", "users.LIST", "--header", "a"), "A header looks like 'Retry-After: 5'"),
        (("stub", "users.LIST", "--body-patch", "{"), "'{' is not JSON"),
        (("stub", "users.LIST", "--status", "99"), "99"),
        (("unstub",), "Name the id of a stub, or pass --all."),
        (("unstub", "a", "--all"), "Name the id of a stub, or pass --all."),
        (("clock", "advance", "15"), "A duration looks like 15m"),
        (("clock", "advance", "minutes"), "A duration looks like 15m"),
        (("clock", "freeze", "noon"), "A time looks like 2026-03-01T09:00:00Z"),
        (("emit", "a", "{"), "is not JSON"),
        (("reset", "--url", "localhost"), "looks like 'http://localhost:3001'"),
        (("reset", "--namespace", "W1"), "A namespace is named"),
    ],
)  # fmt: skip
def test_usage(shell: Commands, words: tuple[str, ...], message: str) -> None:
    status, error = shell.fail(*words)
    assert status == 2
    assert message in error


def test_refused(shell: Commands) -> None:
    assert shell.fail("unstub", "3f2504e0-4f89-41d3-9a0c-0305e82c3301")[0] == 4
    assert shell.fail("unstub", "7")[0] == 1


def test_token() -> None:
    with MockServer(admin_token="a-long-token") as mock:
        shell = Commands({"DUOLOGUE_MOCK_URL": mock.origin})
        status, error = shell.fail("stubs")
        assert status == 3
        assert error.startswith("duologue: 401 ")
        assert shell.read("stubs", "--token", "a-long-token") == []


def test_no_server() -> None:
    with MockServer() as gone:
        url = gone.origin
    status, error = Commands({}).fail("reset", "--url", url)
    assert status == 5
    assert error == (
        f"duologue: No mock server responds at {url}: Start a mock with `duologue serve`, or name another URL.\n"
    )


DURATION = st.builds(
    timedelta, days=st.integers(0, 99), hours=st.integers(0, 23), minutes=st.integers(0, 59), seconds=st.integers(0, 59)
)


@given(DURATION)
def test_durations(duration: timedelta) -> None:
    hours, rest = divmod(duration.seconds, 3600)
    text = f"{duration.days}d{hours}h{rest // 60}m{rest % 60}s"
    assert parse_duration(text) == parse_duration(text.replace("h", "h ")) == duration


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("15m", timedelta(minutes=15)),
        ("1h30m", timedelta(minutes=90)),
        ("500ms", timedelta(milliseconds=500)),
        ("1.5s", timedelta(seconds=1.5)),
        ("7d", timedelta(days=7)),
        ("1s500ms", timedelta(seconds=1.5)),
        ("0s", timedelta()),
    ],
)
def test_duration(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize("text", ["", " ", "m", "15", "-1m", "1m1h", "1.2.3s", "1e9s", "9" * 400 + "d", "1 0m", "1M"])
def test_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


def test_table_without_rich() -> None:
    """With the extra `[mock]` alone, tables are plain."""
    code = (
        "import sys; sys.modules['rich'] = None; sys.modules['rich.console'] = None\n"
        "from duologue_mock.cli.mock.terminal import Terminal\n"
        "Terminal(as_json=False).table(('a', 'long'), [('one', '1'), ('a\\x1b', '22')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "a      long\none    1\na\\x1b  22\n"
