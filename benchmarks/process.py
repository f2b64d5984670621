"""Start programs in their own process groups, and stop all of them."""

from __future__ import annotations

import http.client
import os
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from benchmarks import interrupts

HOST = "127.0.0.1"
SHUTDOWN_TIMEOUT = 3.0  # seconds from SIGTERM to SIGKILL
POLL_INTERVAL = 0.005  # seconds between two requests to a server that starts: the resolution of the cold start


class StartError(Exception):
    """A server ended or sent no valid response while starting."""


def find_free_port() -> int:
    """Return a port that no process listens on."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def send_request(port: int, method: str, path: str, body: str | None = None, timeout: float = 5.0) -> tuple[int, bytes]:
    """Send one request on its own connection; return the status and the body of the response."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    headers = {"Connection": "close"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    try:
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@contextmanager
def run_process(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdout: int | IO[bytes] = subprocess.DEVNULL,
    stderr: int | IO[bytes] = subprocess.DEVNULL,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program during the block, and stop it with all its child processes afterwards.

    Standard output goes to the null device by default: Mockoon logs each request there, has no option against it, and
    the null device is the cheapest to write to.
    """
    process: subprocess.Popen[bytes] | None = None
    try:
        with interrupts.defer_interrupts():
            process = subprocess.Popen(
                list(command),
                env=env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        yield process
    finally:
        if process is not None:
            with interrupts.defer_interrupts():
                _stop_process(process)


def _stop_process(process: subprocess.Popen[bytes]) -> None:
    tree = _list_process_tree(process.pid)  # first: once the parent has ended, its children can no longer be listed
    _signal_group(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(SHUTDOWN_TIMEOUT)
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()
    for member in tree:
        if member.pid != process.pid and member.is_running():
            member.kill()
    psutil.wait_procs(tree, SHUTDOWN_TIMEOUT)


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # the whole group has ended already
        os.killpg(group, number)


def _list_process_tree(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


@dataclass(frozen=True)
class Server:
    """A server that has responded to its first request."""

    pid: int
    port: int
    cold_start: float

    def measure_memory(self) -> float:
        """Return the resident memory in MB, summed over the process and all its child processes."""
        total = 0
        for process in _list_process_tree(self.pid):
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total / 1_000_000


@contextmanager
def run_server(
    command: Sequence[str],
    port: int,
    path: str,
    *,
    folder: Path,
    env: Mapping[str, str] | None = None,
    timeout: float = 30.0,
) -> Iterator[Server]:
    """Run a server during the block, which is entered as soon as a GET of `path` returns 200."""
    stderr_path = folder / "stderr.txt"
    with stderr_path.open("wb") as stderr:
        started_at = time.perf_counter()
        with run_process(command, env=env, cwd=folder, stderr=stderr) as process:
            try:
                _wait_until_ready(process, port, path, started_at + timeout)
            except StartError as error:
                raise StartError(f"{error}{_format_stderr(stderr_path)} (command: {shlex.join(command)})") from None
            yield Server(process.pid, port, time.perf_counter() - started_at)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, path: str, deadline: float) -> None:
    last_response = "it accepted no connection"
    while process.poll() is None:
        if time.perf_counter() > deadline:
            raise StartError(f"was not ready in time ({last_response})")
        try:
            status, _ = send_request(port, "GET", path, timeout=1.0)
        except (OSError, http.client.HTTPException):
            time.sleep(POLL_INTERVAL)
            continue
        if status == 200:
            return
        last_response = f"its last response had status {status}"
        time.sleep(POLL_INTERVAL)
    raise StartError(f"ended with code {process.returncode} before it was ready")


def _format_stderr(path: Path) -> str:
    lines = path.read_text(errors="replace").strip().splitlines()[-5:]
    return "; end of its standard error: " + " | ".join(lines) if lines else ""
