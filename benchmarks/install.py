"""Get the peers from npm, once, into a folder that git does not see."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks.process import running

MANIFEST = Path(__file__).with_name("peers") / "package.json"
CACHE = Path(__file__).with_name(".peers")
TIMEOUT = 900  # seconds; it is some 200 MB


def install(cache: Path = CACHE) -> str:
    """Install the pinned peers unless they are there already. The answer says why it could not be done, if so."""
    if _is_current(cache):
        return ""
    if shutil.which("npm") is None:
        return "npm is not installed"
    cache.mkdir(parents=True, exist_ok=True)
    shutil.copy(MANIFEST, cache / "package.json")
    problem = _npm_install(cache)
    if not problem:
        shutil.copy(MANIFEST, _stamp(cache))  # last, so that a broken-off installation is not taken for a whole one
    return problem


def _npm_install(cache: Path) -> str:
    # No lock file: it would record the addresses of whichever registry this machine uses. No scripts: no peer needs
    # one. Prism asks for a newer Node than it needs, which a strict npm would take as an error.
    options = ["--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--engine-strict=false"]
    with tempfile.TemporaryFile() as output:
        command = ["npm", "install", "--loglevel=error", *options]
        with running(command, cwd=cache, stdout=output, stderr=subprocess.STDOUT) as npm:
            try:
                code = npm.wait(TIMEOUT)
            except subprocess.TimeoutExpired:
                return f"npm install took longer than {TIMEOUT} s"
        output.seek(0)
        said = output.read().decode(errors="replace").split()
    return "" if code == 0 else f"npm install failed: {' '.join(said[:40])}"


def _stamp(cache: Path) -> Path:
    return cache / "installed.json"


def _is_current(cache: Path) -> bool:
    stamp = _stamp(cache)
    return stamp.is_file() and stamp.read_bytes() == MANIFEST.read_bytes()


def version(package: str, cache: Path = CACHE) -> str:
    """The version that is installed."""
    return str(_manifest(package, cache)["version"])


def script(package: str, name: str, cache: Path = CACHE) -> Path:
    """The file behind a package's command.

    It is run by `node` directly: going through `npx` or the shell would add to a peer's cold start what is not its own.
    """
    found = _manifest(package, cache)["bin"]
    path = found[name] if isinstance(found, dict) else found
    return cache / "node_modules" / package / str(path)


def _manifest(package: str, cache: Path) -> dict[str, object]:
    manifest: dict[str, object] = json.loads((cache / "node_modules" / package / "package.json").read_text())
    return manifest
