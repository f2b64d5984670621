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
TIMEOUT = 60


def missing(reason: str) -> NoReturn:
    """Skip the test without Node or its package; fail where they are required."""
    if os.environ.get("CI", "").lower() == "true" or os.environ.get("DUOLOGUE_REQUIRE_NODE") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def install() -> str:
    """Install what `package-lock.json` names, unless it is installed, and return Node's path; one process at a time."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None:
        missing("Node is not installed.")
    with (HERE / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_installed(json.load(lock)["packages"]):
            return node
        if npm is None:
            missing("Neither npm nor TanStack Query is installed.")
        command = [npm, "ci", "--prefer-offline"]
        process = subprocess.run(
            command, cwd=HERE, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if process.returncode != 0:
            missing(f"npm could not install TanStack Query:\n{process.stdout}{process.stderr}")
    return node


def _is_installed(packages: dict[str, Any]) -> bool:
    lock_file = HERE / "node_modules" / ".package-lock.json"
    installed = json.loads(lock_file.read_text())["packages"] if lock_file.exists() else {}
    return all(
        installed.get(path, {}).get("version") == package["version"] for path, package in packages.items() if path
    )


def play(node: str, scenarios: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return TanStack Query's traces of scenarios: for each its steps, and the difference that ended it, if any."""
    process = subprocess.run(
        [node, "driver.mjs"],
        cwd=HERE,
        input=json.dumps(scenarios),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    traces: list[dict[str, Any]] = json.loads(process.stdout)
    return traces
