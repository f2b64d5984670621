"""`duologue exec` as a process: the command's environment, its signals and its exit status."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from tests.mockserver.cli.processes import occupy_port
from tests.mockserver.raw import PATIENCE

pytestmark = pytest.mark.slow

EXEC = [sys.executable, "-m", "duologue", "exec"]


def run_exec(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*EXEC, *words], capture_output=True, text=True, timeout=3 * PATIENCE, check=False)


def run_python(code: str, *options: str) -> subprocess.CompletedProcess[str]:
    return run_exec(*options, "--", sys.executable, "-c", code)


@contextmanager
def start_exec(command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """Start a command; it is ended after the block, whatever happens in it."""
    process = subprocess.Popen(
        [*EXEC, "--", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=3 * PATIENCE)


def test_mock_is_ready() -> None:
    done = run_python(
        "from duologue import Client\nwith Client() as api: print(api.users.list().total, api.chats.list())"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2 ")
    assert done.stderr.splitlines()[-1] == "duologue: Violations of the contract: none."


def test_variables() -> None:
    names = (
        "DUOLOGUE_BASE_URL",
        "DUOLOGUE_CHAT_BASE_URL",
        "DUOLOGUE_WS_URL",
        "DUOLOGUE_API_KEY",
        "DUOLOGUE_MOCK_URL",
        "A",
    )
    code = f"import os; print(*(os.environ[name] for name in {names!r}))"
    done = run_python(code, "--env", "A={origin}/x?{chat_port}", "--api-key", "my-key")
    base_url, chat_base_url, ws_url, api_key, mock_url, own = done.stdout.split()
    assert base_url == f"{mock_url}/api"
    assert ws_url == mock_url.replace("http", "ws")
    assert api_key == "my-key"
    origin, _, path = chat_base_url.partition("/chats-service")
    assert path == "/api/v1"
    assert own == f"{mock_url}/x?{origin.rpartition(':')[2]}"


@pytest.mark.parametrize("status", [0, 1, 3, 255])
def test_exit_status(status: int) -> None:
    assert run_python(f"import sys; sys.exit({status})").returncode == status


def test_command_killed() -> None:
    """As a shell has it: 128 and the number of the signal."""
    done = run_python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert done.returncode == 128 + signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda number: number.name)
def test_signals_are_forwarded(number: signal.Signals) -> None:
    """What to make of a signal is the command's, which may still use the mock."""
    code = (
        "import signal, sys\n"
        "from duologue import Client\n"
        "def handle(number, frame):\n"
        "    with Client() as api: sys.exit(40 + api.users.list().total)\n"
        f"signal.signal({number.value}, handle)\n"
        "print('ready', flush=True)\n"
        "signal.pause()\n"
    )
    with start_exec([sys.executable, "-c", code]) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.wait(3 * PATIENCE) == 42


def test_options_of_the_command() -> None:
    """What follows the command's name is its own, also what looks like an option of ours."""
    done = run_exec(sys.executable, "-c", "import sys; print(sys.argv[1:])", "--port", "x", "--", "--help")
    assert done.stdout == "['--port', 'x', '--', '--help']\n", done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "Missing argument"),
        (("--env", "A", "--", "true"), "'A' is not like VITE_API_URL={base_url}"),
        (("--env", "A=}", "--", "true"), "'}' names something else than {base_url}, "),
        (("--env", "A={url}", "--", "true"), "'{url}' names something else than {base_url}, "),
        (("--env", "A={base_url.x}", "--", "true"), "names something else"),
        (("--env", "A={base_url!r}", "--", "true"), "names something else"),
        (("--env", "A={}", "--", "true"), "names something else"),
        (("--rate-limit", "0", "--", "true"), "rate-limit"),
        (("--fixtures", "/no/such/folder", "--", "true"), "/no/such/folder"),
    ],
)  # fmt: skip
def test_invalid_options(words: tuple[str, ...], message: str) -> None:
    done = run_exec(*words)
    assert done.returncode == 2, done
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_no_such_command() -> None:
    done = run_exec("--", "no-such-command-here")
    assert (done.returncode, done.stderr) == (127, "duologue: There is no command 'no-such-command-here'.\n")


def test_port_in_use() -> None:
    with occupy_port() as port:
        done = run_exec("--port", str(port), "--", "true")
    assert done.returncode == 2
    assert f"Port {port} is in use." in done.stderr


def test_failure_is_explained() -> None:
    """After a failure: what broke the contract, and what nothing answered, in whichever namespace."""
    code = (
        "import os, sys, urllib.request\n"
        "def request(path, data=None, **headers):\n"
        "    url = os.environ['DUOLOGUE_MOCK_URL'] + path\n"
        "    try: urllib.request.urlopen(urllib.request.Request(url, data, headers))\n"
        "    except OSError: pass\n"
        "request('/api/no-such-path')\n"
        "request('/api/users', b'{\"name\": 7}', **{'Content-Type': 'application/json', 'X-Mock-Namespace': 'w1'})\n"
        "sys.exit(5)\n"
    )
    done = run_python(code)
    assert done.returncode == 5
    assert "  GET /api/no-such-path\n" in done.stderr
    assert "  [w1] POST /api/users 400: " in done.stderr
    assert "name" in done.stderr


def test_summary() -> None:
    """Over all namespaces: what was covered, and which rules were broken."""
    code = (
        "import os, urllib.request as r\n"
        "def request(path, namespace):\n"
        "    url = os.environ['DUOLOGUE_BASE_URL'] + path\n"
        "    r.urlopen(r.Request(url, headers={'X-Mock-Namespace': namespace})).close()\n"
        "request('/users', 'default')\n"
        "request('/users?pgae=2', 'w1')\n"
        "request('/users/1', 'w2')\n"
    )
    done = run_python(code)
    assert (done.returncode, done.stdout) == (0, "")
    coverage, violations = done.stderr.splitlines()
    assert re.fullmatch(
        r"duologue: Coverage of the contract: 2 of \d+ operations, 2 of \d+ statuses, 0 of \d+ events\.", coverage
    )
    assert violations == "duologue: Violations of the contract: query-unknown (1)."


def test_nothing_requested() -> None:
    assert run_python("").stderr == ""


def test_without_control_api() -> None:
    done = run_python("import sys; sys.exit(1)", "--no-admin")
    assert (done.returncode, done.stderr) == (1, "")
