"""`duologue serve` as a process."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.mockserver.raw import PATIENCE, ask

HEALTH = "GET /api/health HTTP/1.1"
COMMAND = [sys.executable, "-m", "duologue", "serve"]
LAST_LINE = "REACT_APP_WS_URL="


class ServeProcess:
    """A process whose banner, or JSON, has been read; unless it is quiet."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self._watchdog = threading.Timer(3 * PATIENCE, self.process.kill)
        self._watchdog.start()
        self.banner = ""
        if "--json" in options:
            self.banner = self.read_line()
        elif "--quiet" not in options:
            while LAST_LINE not in self.banner:
                self.banner += self.read_line()

    def read_line(self) -> str:
        """Return the next line of its output."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"it has ended: {self.stop()}"
        return line

    @property
    def ports(self) -> tuple[int, int]:
        platform, chat = (re.search(rf"{name} +http://\S+?:(\d+)/", self.banner) for name in ("Platform", "Chat"))
        assert platform
        assert chat
        return int(platform[1]), int(chat[1])

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """Send a signal; return the exit status and what else was written."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=2 * PATIENCE)
        self._watchdog.cancel()
        return self.process.returncode, out, err


@contextmanager
def run_serve(*options: str, ports: bool = True) -> Iterator[ServeProcess]:
    process = ServeProcess(*(("--port", "0", "--chat-port", "0") if ports else ()), *options)
    try:
        yield process
    finally:
        process.stop()


@contextmanager
def occupy_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def fail_serve(*options: str) -> str:
    """Run with options that cannot work; return the one or two sentences on standard error."""
    result = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=2 * PATIENCE, check=False)
    assert result.returncode == 2, result
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return result.stderr.strip()


def is_serving(port: int) -> bool:
    try:
        return ask(port, HEALTH).status == 200
    except OSError:
        return False
