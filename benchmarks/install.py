"""Install the peers from npm, once, into a folder that git ignores."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks.process import run_process

MANIFEST = Path(__file__).with_name("peers") / "package.json"
CACHE = Path(__file__).with_name(".peers")
NODE_MODULES = CACHE / "node_modules"
STAMP = CACHE / "installed.json"
TIMEOUT = 900  # seconds, for some 200 MB


def install_peers() -> str:
    """Install the pinned peers unless they are installed, and return what failed, or an empty string."""
    if STAMP.is_file() and STAMP.read_bytes() == MANIFEST.read_bytes():
        return ""
    if shutil.which("npm") is None:
        return "npm is not installed"
    CACHE.mkdir(parents=True, exist_ok=True)
    shutil.copy(MANIFEST, CACHE / "package.json")
    problem = _run_npm_install()
    if not problem:
        shutil.copy(MANIFEST, STAMP)  # last, so that an interrupted installation is repeated
    return problem


def _run_npm_install() -> str:
    # No lock file: it would record the addresses of the registry that this machine uses. No scripts: no peer needs one.
    # Prism declares a newer Node than it needs, which a strict npm would reject.
    options = ["--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--engine-strict=false"]
    with tempfile.TemporaryFile() as output:
        command = ["npm", "install", "--loglevel=error", *options]
        with run_process(command, cwd=CACHE, stdout=output, stderr=subprocess.STDOUT) as npm:
            try:
                code = npm.wait(TIMEOUT)
            except subprocess.TimeoutExpired:
                return f"npm install took longer than {TIMEOUT} s"
        output.seek(0)
        words = output.read().decode(errors="replace").split()
    return "" if code == 0 else f"npm install failed: {' '.join(words[:40])}"


def get_version(package: str) -> str:
    """Return the installed version of a package."""
    return str(_read_manifest(package)["version"])


def get_script_path(package: str, command: str) -> Path:
    """Return the script behind a package's command.

    `node` runs it directly: `npx` or a shell would add their own time to a peer's cold start.
    """
    scripts = _read_manifest(package)["bin"]
    path = scripts[command] if isinstance(scripts, dict) else scripts
    return NODE_MODULES / package / str(path)


def _read_manifest(package: str) -> dict[str, object]:
    manifest: dict[str, object] = json.loads((NODE_MODULES / package / "package.json").read_text())
    return manifest
