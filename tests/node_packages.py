"""Node with the packages that a folder's `package-lock.json` names."""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import subprocess
from pathlib import Path

from tests.frontend.test_frontend import installed, missing

OLDEST_NODE = 20


def find_node(folder: Path) -> str:
    """Return the path of Node, with a folder's packages installed; skip the test where that is not possible."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        missing("Node and npm are not installed.")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    match = re.match(r"v(\d+)", version)
    if match is None or int(match[1]) < OLDEST_NODE:
        missing(f"Node {version.strip()} is older than {OLDEST_NODE}.")
    with (folder / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # processes take turns
        packages = {path: one for path, one in json.load(lock)["packages"].items() if not one.get("optional")}
        if not installed(folder, packages):
            _install(npm, folder)
    return node


def _install(npm: str, folder: Path) -> None:
    command = [npm, "ci", "--prefer-offline", "--ignore-scripts"]
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        missing(f"npm could not install the packages:\n{done.stdout}{done.stderr}")
