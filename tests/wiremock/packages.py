"""Installing the real WireMock and its clients for Node: what `package-lock.json` names."""

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


def skip(reason: str) -> NoReturn:
    """Skip the test for want of Java, Node or packages; fail where they are required."""
    if os.environ.get("CI", "").lower() == "true" or os.environ.get("DUOLOGUE_REQUIRE_NODE") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def install() -> str:
    """Install the packages unless they are installed, and return Node's path; one process at a time."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None:
        skip("Node is not installed.")
    with (HERE / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_installed(json.load(lock)["packages"]):
            return node
        if npm is None:
            skip("Neither npm nor WireMock is installed.")
        command = [npm, "ci", "--prefer-offline"]
        process = subprocess.run(
            command, cwd=HERE, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if process.returncode != 0:
            skip(f"npm could not install WireMock:\n{process.stdout}{process.stderr}")
    return node


def _is_installed(packages: dict[str, Any]) -> bool:
    lock_file = HERE / "node_modules" / ".package-lock.json"
    installed = json.loads(lock_file.read_text())["packages"] if lock_file.exists() else {}
    return all(
        installed.get(path, {}).get("version") == package["version"] for path, package in packages.items() if path
    )
