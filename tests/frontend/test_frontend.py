"""A front end's real libraries (axios, React Query, socket.io-client, a browser's CORS rules) against the real server.

Each `*.test.js` beside this file is one test here, run by Node's own test runner; the tests in it are its subtests.
By hand: `npm ci && PLATFORM_URL=… CHAT_URL=… npm test` in this folder, against any server.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from duologue_mock import MockServer, ReplyRequest
from tests.node_packages import find_node

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.test.js"))
SECONDS = 60

pytestmark = pytest.mark.node


@dataclass(frozen=True)
class Result:
    """What became of one test in a file."""

    name: str
    passed: bool
    skipped: str | None
    error: str | None


@pytest.fixture(scope="session")
def node() -> str:
    """The path of a Node that can run the tests, with the packages installed."""
    return find_node(HERE)


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
