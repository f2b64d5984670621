"""Start programs in a process group of their own, and never leave one running."""

from __future__ import annotations

import http.client
import os
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from benchmarks import interrupts

HOST = "127.0.0.1"
GRACE = 3.0  # seconds a program has to end by itself before it is killed
POLL = 0.005  # seconds between two questions "are you up?": the resolution of the cold start


class StartError(Exception):
    """A server ended, or kept silent, instead of answering."""


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on. All are held while choosing, so that they differ."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((HOST, 0))
        return [int(each.getsockname()[1]) for each in sockets]


def get(port: int, path: str, timeout: float = 5.0) -> tuple[int, bytes]:
    """One GET on a connection of its own."""
    return request(port, "GET", path, timeout=timeout)


def request(port: int, method: str, path: str, body: str | None = None, timeout: float = 5.0) -> tuple[int, bytes]:
    """One request on a connection of its own: status and body."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    headers = {"Connection": "close"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    try:
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@contextmanager
def running(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdout: int | IO[bytes] = subprocess.DEVNULL,
    stderr: int | IO[bytes] = subprocess.DEVNULL,
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that is running inside the block and gone after it, with everything it started.

    Standard output goes nowhere by default: Mockoon logs each request there and cannot be told not to, and the null
    device is the cheapest place to write to.
    """
    process: subprocess.Popen[bytes] | None = None
    try:
        with interrupts.hold():
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
            with interrupts.hold():
                _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    family = _family(process.pid)  # asked first: once its parent is gone, a child cannot be found any more
    _signal_group(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()
    for left in family:
        if left.pid != process.pid and left.is_running():
            left.kill()
    psutil.wait_procs(family, GRACE)


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # all of them are gone already, which is what was wanted
        os.killpg(group, number)


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


@dataclass(frozen=True)
class Server:
    """A server that has answered its first request."""

    pid: int
    port: int
    cold_start: float

    def memory(self) -> float:
        """Resident memory in MB, summed over the process and all it started."""
        total = 0
        for process in _family(self.pid):
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total / 1_000_000


@contextmanager
def serving(
    command: Sequence[str],
    port: int,
    path: str,
    *,
    folder: Path,
    env: Mapping[str, str] | None = None,
    patience: float = 30.0,
) -> Iterator[Server]:
    """A server that runs inside the block, entered as soon as `path` has been answered with 200."""
    errors = folder / "stderr.txt"
    with errors.open("wb") as stderr:
        started = time.perf_counter()
        with running(command, env=env, cwd=folder, stderr=stderr) as process:
            try:
                _wait_for_answer(process, port, path, started + patience)
            except StartError as failure:
                raise StartError(_explain(str(failure), command, errors)) from None
            yield Server(process.pid, port, time.perf_counter() - started)


def _wait_for_answer(process: subprocess.Popen[bytes], port: int, path: str, until: float) -> None:
    last = "refused connections"
    while process.poll() is None:
        if time.perf_counter() > until:
            raise StartError(f"did not answer in time (it {last})")
        try:
            status, _ = get(port, path, timeout=1.0)
        except (OSError, http.client.HTTPException):
            time.sleep(POLL)
            continue
        if status == 200:
            return
        last = f"answered {status}"
        time.sleep(POLL)
    raise StartError(f"ended with code {process.returncode} instead of answering")


def _explain(failure: str, command: Sequence[str], errors: Path) -> str:
    text = errors.read_text(errors="replace").strip().splitlines()[-5:]
    said = "; its last words: " + " | ".join(text) if text else ""
    return f"{failure}{said} (command: {shlex.join(command)})"
