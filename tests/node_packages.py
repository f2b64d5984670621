"""What tests outside Python need: Node with the packages that a folder's `package-lock.json` names, and Chromium."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """Skip the test for want of something optional; fail where it is known to be there."""
    if os.environ.get("CI", "").lower() == "true" or os.environ.get("DUOLOGUE_REQUIRE_NODE") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)  # optional: Python and make are enough for all other tests


def find_node(folder: Path) -> str:
    """Return the path of Node, with a folder's packages installed; skip the test where that is not possible.

    Processes take turns: pytest-xdist asks for it in each of its workers. The lock is on the very file that says what
    to install, since `npm ci` deletes the folder it installs into.
    """
    node = shutil.which("node")
    if node is None:
        missing("Node is not installed.")
    oldest = json.loads((folder / "package.json").read_text())["engines"]["node"]
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if _read_version(version) < _read_version(oldest):
        missing(f"Node is {version}; these tests need {oldest}.")
    with (folder / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _are_installed(folder, json.load(lock)["packages"]):
            _install(folder)
    return node


def find_chromium() -> str:
    """Return the path of Chromium; skip the test where there is none."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        missing("Chromium is not installed.")
    return path


def _read_version(text: str) -> tuple[int, ...]:
    """Read `v20.1.0` of Node and `>=18.19` of a package."""
    return tuple(map(int, re.findall(r"\d+", text)))


def _are_installed(folder: Path, packages: dict[str, Any]) -> bool:
    """Whether the packages of a lock file are there, as npm wrote down when it had installed them all."""
    note = folder / "node_modules" / ".package-lock.json"
    there = json.loads(note.read_text())["packages"] if note.exists() else {}
    return all(
        package.get("optional") or there.get(path, {}).get("version") == package["version"]
        for path, package in packages.items()
        if path
    )


def _install(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        missing(f"npm is not installed, and the packages of {folder.name}/package-lock.json are not either.")
    command = [npm, "ci", "--prefer-offline", "--ignore-scripts"]
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        missing(f"npm could not install the packages:\n{done.stdout}{done.stderr}")
