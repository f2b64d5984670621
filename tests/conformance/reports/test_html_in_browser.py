"""The report in Chromium, opened as a file."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from duologue.conformance.reports.formats import write_report
from duologue.conformance.running.result import Result
from tests.conformance.reports.pages import EVIL, build_full_result
from tests.node_packages import find_chromium, find_node

HERE = Path(__file__).parent / "browser"
TIMEOUT = 300
LIGHT, DARK = "rgb(245, 246, 248)", "rgb(18, 22, 28)"

pytestmark = [pytest.mark.node, pytest.mark.slow]


@pytest.fixture(scope="module")
def node() -> str:
    """The path of Node, with what drives a browser installed."""
    return find_node(HERE)


@pytest.fixture(scope="module")
def chromium() -> str:
    """The path of Chromium."""
    return find_chromium()


def browse(node: str, chromium: str, path: Path, result: Result, scheme: str, width: int) -> dict[str, Any]:
    """Return what the page of a result shows and does in a window of this width, with this preferred color scheme."""
    write_report("html", path, result)
    command = [node, "browse_report.js", str(path), scheme, str(width)]
    environment = {**os.environ, "CHROMIUM": chromium}
    done = subprocess.run(
        command, cwd=HERE, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def test_report_of_an_evil_server(node: str, chromium: str, tmp_path: Path) -> None:
    seen = browse(node, chromium, tmp_path / "report.html", build_full_result(EVIL), "light", 1280)

    assert (seen["complaints"], seen["requests"]) == ([], []), "the policy allows all that the page does"
    assert seen["title"].startswith("Broken: https://staging.example/</script>")
    assert (seen["rules"], seen["found"], seen["output"]) == (6, ["users.LIST.total"], "1 of 6 rules")
    assert (seen["notJudged"], seen["target"]) == (["events.user-created"], "health.CHATS.status")
    assert seen["selected"] == "curl http://localhost:3001/api/users"
    assert (seen["closed"], seen["opened"]) == (0, 2)
    assert (seen["obstacles"], seen["overflow"], seen["background"]) == ([], 0, LIGHT)


def test_printed_report_has_everything_open_and_no_controls(node: str, chromium: str, tmp_path: Path) -> None:
    seen = browse(node, chromium, tmp_path / "report.html", build_full_result(), "dark", 1280)

    assert seen["printed"] == {
        "pdf": "%PDF-", "rules": 6, "cases": 2, "controls": 0, "background": "rgb(255, 255, 255)"
    }  # fmt: skip
    assert seen["withoutScript"] == {"rules": 6, "controls": 0}


def test_dark_report_on_a_phone(node: str, chromium: str, tmp_path: Path) -> None:
    seen = browse(node, chromium, tmp_path / "report.html", build_full_result("x" * 300), "dark", 360)

    assert (seen["obstacles"], seen["overflow"], seen["background"]) == ([], 0, DARK)
