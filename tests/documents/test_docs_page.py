"""The page at `/docs` in a browser: it works from the mock alone, and tries operations out on it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from duologue.contract import events, operations
from duologue_mock import MockServer
from tests.node_packages import find_chromium

HERE = Path(__file__).parent
TIMEOUT = 300

pytestmark = [pytest.mark.node, pytest.mark.slow]


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium."""
    return find_chromium()


def browse(node: str, chromium: str, url: str, scheme: str) -> dict[str, Any]:
    """Return what the page at a mock shows and does, in a browser that prefers a color scheme."""
    environment = {**os.environ, "CHROMIUM": chromium, "NO_PROXY": "*", "no_proxy": "*"}
    command = [node, "browse_docs.js", url, scheme]
    done = subprocess.run(
        command, cwd=HERE, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def check_content(seen: dict[str, Any]) -> None:
    assert seen["complaints"] == [], "the policy allows all that the page does"
    assert (seen["operations"], seen["events"]) == (len(operations()), len(events()))
    assert json.loads(seen["example"]).keys() == {"userId", "user"}
    assert (seen["users"]["status"], seen["sessions"]["status"]) == ("200", "200")
    assert "john@example.com" in seen["users"]["body"]
    assert "test-session-1" in seen["sessions"]["body"]


def test_namespace_in_light(node: str, chromium: str) -> None:
    """At the host of a namespace, everything is of that namespace."""
    with MockServer() as mock:
        url = f"http://w1.localhost:{mock.port}"
        seen = browse(node, chromium, url, "light")
        assert "w1" in mock.control.namespaces()
    check_content(seen)
    assert seen["origins"] == [url]
    assert (seen["isDark"], seen["background"]) == (False, "rgb(255, 255, 255)")


def test_chat_port_in_dark(node: str, chromium: str) -> None:
    """At the chat service's port, operations are called at the platform's, which grants it."""
    with MockServer() as mock:
        ports = (mock.chat_port, mock.port)
        seen = browse(node, chromium, f"http://localhost:{mock.chat_port}", "dark")
    check_content(seen)
    assert seen["origins"] == [f"http://localhost:{port}" for port in ports]
    assert (seen["isDark"], seen["background"]) == (True, "rgb(28, 32, 34)")
