"""Node with the recipes' packages, and a browser."""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import subprocess

import pytest

from tests.frontend.test_frontend import installed, missing
from tests.recipes.projects import HERE

OLDEST_NODE = 20


@pytest.fixture(scope="session")
def node() -> str:
    """The path of a Node that the tools run on, with their packages installed."""
    path, npm = shutil.which("node"), shutil.which("npm")
    if path is None or npm is None:
        missing("Node and npm are not installed.")
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    match = re.match(r"v(\d+)", version)
    if match is None or int(match[1]) < OLDEST_NODE:
        missing(f"Node {version.strip()} is older than {OLDEST_NODE}.")
    with (HERE / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # processes take turns
        packages = {path: one for path, one in json.load(lock)["packages"].items() if not one.get("optional")}
        if not installed(HERE, packages):
            done = subprocess.run(
                [npm, "ci", "--prefer-offline"],
                cwd=HERE,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                missing(f"npm could not install the packages:\n{done.stdout}{done.stderr}")
    return path


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        missing("Chromium is not installed.")
    return path
