"""A front end's real libraries (axios, React Query, socket.io-client, a browser's CORS rules) against the real server.

Each `*.test.js` beside this file is one test here, run by Node's own test runner; the tests in it are its subtests.
By hand: `npm ci && PLATFORM_URL=… CHAT_URL=… npm test` in this folder, against any server.
"""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

from duologue_mock import MockServer, ReplyRequest

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.test.js"))
OLDEST_NODE = (18, 19)
SECONDS = 60

pytestmark = pytest.mark.node


@dataclass(frozen=True)
class Result:
    """What became of one test in a file."""

    name: str
    passed: bool
    skipped: str | None
    error: str | None


def missing(reason: str) -> NoReturn:
    """Skip for want of Node or its packages; fail where they are known to be needed."""
    if os.environ.get("CI", "").lower() == "true" or os.environ.get("DUOLOGUE_REQUIRE_NODE") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def node() -> str:
    """The path of a Node that can run the tests, with the packages installed."""
    path = shutil.which("node")
    if path is None:
        missing("Node is not installed.")
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    numbers = re.match(r"v(\d+)\.(\d+)", version)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < OLDEST_NODE:
        missing(f"Node {version} is older than {'.'.join(map(str, OLDEST_NODE))}.")
    install_packages()
    return path


def install_packages() -> None:
    """Install what `package-lock.json` names, unless that has been done.

    Processes take turns: pytest-xdist asks for it in each of its workers. The lock is on the very file that says what
    to install, since `npm ci` deletes the folder it installs into.
    """
    with (HERE / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if installed(HERE, json.load(lock)["packages"]):
            return
        npm = shutil.which("npm")
        if npm is None:
            missing("npm is not installed, and the packages are not either.")
        command = [npm, "ci", "--prefer-offline"]
        done = subprocess.run(command, cwd=HERE, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            missing(f"npm could not install the packages:\n{done.stdout}{done.stderr}")


def installed(folder: Path, wanted: dict[str, Any]) -> bool:
    """Whether the packages of a folder's lock file are there, as npm wrote down when it had installed them all."""
    note = folder / "node_modules" / ".package-lock.json"
    there = json.loads(note.read_text())["packages"] if note.exists() else {}
    versions = {path: package["version"] for path, package in there.items()}
    return all(versions.get(path) == package["version"] for path, package in wanted.items() if path)


def moody_reply(request: ReplyRequest) -> Iterator[str]:
    """Reply as an assistant who loses the thread: at once, or after a long story if one was asked for."""
    yield "I was about "
    yield "to say"
    if "story" in request.message:
        yield from itertools.repeat(" and so on", 200)
    raise RuntimeError("The assistant has lost its thread.")


@pytest.fixture(scope="session")
def environment() -> Iterator[dict[str, str]]:
    """The process environment for Node: where two mocks listen, and no proxy on the way to them."""
    with (
        MockServer(rate_limit=100_000) as mock,
        MockServer(rate_limit=20, reply_function=moody_reply, stream_delay=0.01) as moody,
    ):
        yield {
            **os.environ,
            "PLATFORM_URL": mock.base_url,
            "CHAT_URL": mock.chat_base_url,
            "API_KEY": mock.api_key,
            "MOODY_CHAT_URL": moody.chat_base_url,
            "NO_PROXY": "*",
            "no_proxy": "*",
        }


def run(node: str, path: Path, environment: dict[str, str]) -> tuple[list[Result], str]:
    """Run one file; return its tests' results and what Node printed for people."""
    command = [
        node,
        "--test",
        "--test-reporter=spec",
        "--test-reporter-destination=stderr",
        "--test-reporter=./support/json_reporter.js",
        "--test-reporter-destination=stdout",
        path.name,
    ]
    try:
        done = subprocess.run(
            command, cwd=HERE, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired as late:
        pytest.fail(f"{path.name} did not end within {SECONDS} s:\n{late.stdout!r}\n{late.stderr!r}", pytrace=False)
    lines: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    results = [Result(**line) for line in lines]
    if done.returncode != 0 and all(result.passed for result in results):
        pytest.fail(f"Node failed outside of any test:\n{done.stdout}{done.stderr}", pytrace=False)
    return results, done.stderr


@pytest.mark.parametrize("path", FILES, ids=[path.name.removesuffix(".test.js") for path in FILES])
def test_front_end(path: Path, node: str, environment: dict[str, str], subtests: pytest.Subtests) -> None:
    results, printed = run(node, path, environment)
    print(printed)  # pytest shows it if a test fails
    assert results, "Node ran no test."
    for result in results:
        with subtests.test(result.name):
            if not result.passed:
                pytest.fail(result.error or "failed", pytrace=False)
            if result.skipped is not None:
                pytest.skip(result.skipped or "skipped")
