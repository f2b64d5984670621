"""One burst of requests, sent by `wrk`."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.data import Case
from benchmarks.process import HOST, running

SCRIPT = Path(__file__).with_name("load.lua")
HOW_TO_GET_WRK = "`wrk`, the load generator, is not installed. Get it with: apt-get install wrk"
TIMEOUT = 5  # seconds after which wrk counts an answer as lost


class WrkError(Exception):
    """wrk itself could not do its work."""


@dataclass(frozen=True)
class Load:
    """What came back from one burst. Times are in milliseconds."""

    requests: int
    per_second: float
    p50: float
    p90: float
    p99: float
    worst: float
    not_2xx: int
    socket_errors: int
    latency: dict[str, str]
    """The distribution in wrk's own words (`--latency`), kept for whoever wants to check ours against it."""

    @property
    def problem(self) -> str:
        """Why these numbers must not be compared; empty if they may."""
        if self.not_2xx or self.socket_errors:
            return f"{self.not_2xx:,} of {self.requests:,} answers not 2xx, {self.socket_errors:,} socket errors"
        return "" if self.requests else "no request was answered"


def has_wrk() -> bool:
    """Whether wrk can be found."""
    return shutil.which("wrk") is not None


def send(port: int, case: Case, *, seconds: int, connections: int) -> Load:
    """Send the case's request over and over on kept-alive connections, from one thread: the other core is theirs."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={TIMEOUT}s", "--latency"]
    command += ["-s", str(SCRIPT), f"http://{HOST}:{port}{case.path}"]
    if case.body:
        command += ["--", case.body.replace("%RUN%", secrets.token_hex(4))]
    return _read(_run(command, seconds))


def _run(command: list[str], seconds: int) -> str:
    with tempfile.TemporaryFile() as output:
        with running(command, stdout=output, stderr=subprocess.STDOUT) as wrk:
            try:
                wrk.wait(seconds + 30)
            except subprocess.TimeoutExpired:
                raise WrkError("wrk did not come to an end") from None
        output.seek(0)
        return output.read().decode(errors="replace")


def _read(output: str) -> Load:
    report = re.search(r"^REPORT (\{.*\})$", output, re.MULTILINE)
    if report is None:
        raise WrkError(f"wrk: {' '.join(output.split())}")
    numbers: dict[str, int] = json.loads(report[1])
    return Load(
        requests=numbers["requests"],
        per_second=numbers["requests"] * 1_000_000 / numbers["microseconds"],
        p50=numbers["p50"] / 1000,
        p90=numbers["p90"] / 1000,
        p99=numbers["p99"] / 1000,
        worst=numbers["worst"] / 1000,
        not_2xx=numbers["not_2xx"],
        socket_errors=sum(numbers[kind] for kind in ("connect", "read", "write", "timeout")),
        latency=dict(re.findall(r"^ +(\d+%) +(\S+)$", output, re.MULTILINE)),
    )
