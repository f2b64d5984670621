"""Running the real TanStack Query under Node."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, NoReturn

import pytest

HERE = Path(__file__).parent
SECONDS = 60


def missing(reason: str) -> NoReturn:
    """Skip for want of Node or its package; fail where they are known to be needed."""
    if os.environ.get("CI", "").lower() == "true" or os.environ.get("DUOLOGUE_REQUIRE_NODE") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def install() -> str:
    """Install what `package-lock.json` names, unless that has been done, and return Node's path; one at a time."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None:
        missing("Node is not installed.")
    with (HERE / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _installed(json.load(lock)["packages"]):
            return node
        if npm is None:
            missing("npm is not installed, and TanStack Query is not either.")
        command = [npm, "ci", "--prefer-offline"]
        done = subprocess.run(command, cwd=HERE, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            missing(f"npm could not install TanStack Query:\n{done.stdout}{done.stderr}")
    return node


def _installed(wanted: dict[str, Any]) -> bool:
    note = HERE / "node_modules" / ".package-lock.json"
    there = json.loads(note.read_text())["packages"] if note.exists() else {}
    return all(there.get(path, {}).get("version") == package["version"] for path, package in wanted.items() if path)


def play(node: str, scenarios: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what TanStack Query makes of scenarios: for each, a trace, and what ended the comparison, if anything."""
    done = subprocess.run(
        [node, "driver.mjs"],
        cwd=HERE,
        input=json.dumps(scenarios),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    traces: list[dict[str, Any]] = json.loads(done.stdout)
    return traces
