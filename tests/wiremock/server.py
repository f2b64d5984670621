"""The real WireMock: a Java process that all tests of a session share."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
START_TIMEOUT = 120.0
"""Seconds until it must have started."""


class UnavailableError(Exception):
    """The real WireMock cannot be started here; the text says why."""


@contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Hold a lock on a file, which processes share."""
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class SharedServer:
    """The one WireMock of a session. Every process that uses it registers; the last one to leave stops it.

    Args:
        folder: a folder that all processes of the session share.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "wiremock"
        self._folder.mkdir(exist_ok=True)
        self._record = self._folder / "server.json"
        self._lock = self._folder / "lock"
        self._registration = self._folder / f"user-{os.getpid()}"

    @contextmanager
    def use(self) -> Iterator[int]:
        """Yield the port of the server, which belongs to the caller until the block ends.

        Raises:
            UnavailableError: it cannot be started.
        """
        with hold_lock(self._lock):
            self._registration.touch()
            if not self._record.exists():
                port, pid = start(self._folder / "root")
                self._record.write_text(json.dumps({"port": port, "pid": pid}))
            yield json.loads(self._record.read_text())["port"]

    def leave(self) -> None:
        """Say that this process needs the server no more; stop it if no other does."""
        with hold_lock(self._lock):
            self._registration.unlink(missing_ok=True)
            if self._record.exists() and not list(self._folder.glob("user-*")):
                os.kill(json.loads(self._record.read_text())["pid"], signal.SIGTERM)
                self._record.unlink()


def start(folder: Path) -> tuple[int, int]:
    """Start WireMock, and return its port and process id as soon as it serves.

    Args:
        folder: where it stores mappings.

    Raises:
        UnavailableError: it cannot be started.
    """
    java, jar = find_java(), find_jar()
    folder.mkdir(parents=True, exist_ok=True)
    port = find_free_port()
    log = folder / "wiremock.log"
    command = [java, "-Xmx512m", "-jar", str(jar), "--port", str(port), "--root-dir", str(folder), "--disable-banner"]
    pid = _start_in_background(command, log)
    _wait_until_ready(port, pid, log)
    return port, pid


def _start_in_background(command: list[str], log: Path) -> int:
    """Start a process that outlives this one, which may end before the others that use it; return its id."""
    script = 'log=$1; shift; "$@" >"$log" 2>&1 </dev/null & echo $!'
    environment = {**os.environ, "TZ": "UTC"}
    started = subprocess.run(
        ["sh", "-c", script, "sh", str(log), *command], env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return int(started.stdout)


def find_java() -> str:
    """Return the path of Java.

    Raises:
        UnavailableError: it is not installed.
    """
    path = shutil.which("java")
    if path is None:
        raise UnavailableError("Java is not installed: WireMock needs version 11 or newer.")
    return path


def find_jar() -> Path:
    """Return the path of WireMock's jar, which the npm package brings.

    Raises:
        UnavailableError: npm has not installed it.
    """
    jars = sorted((HERE / "node_modules" / "wiremock" / "build").glob("wiremock-standalone-*.jar"))
    if not jars:
        raise UnavailableError("The npm package wiremock is not installed.")
    return jars[0]


def find_free_port() -> int:
    """Return a port that no one listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _wait_until_ready(port: int, pid: int, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if not _is_running(pid):
            raise UnavailableError(f"WireMock ended as it started:\n{log.read_text()}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/__admin/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    os.kill(pid, signal.SIGTERM)
    raise UnavailableError(f"WireMock did not start within {START_TIMEOUT} s:\n{log.read_text()}")


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
