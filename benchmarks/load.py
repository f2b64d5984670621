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
from benchmarks.process import HOST, run_process

SCRIPT = Path(__file__).with_name("load.lua")
WRK_NOT_INSTALLED = "The load generator wrk is not installed. Install it with: apt-get install wrk"
TIMEOUT = 5  # seconds after which wrk counts a response as lost


class WrkError(Exception):
    """wrk failed, or its load was not valid."""


@dataclass(frozen=True)
class Load:
    """The result of one burst. Times are in milliseconds."""

    requests: int
    per_second: float
    p50: float
    p90: float
    p99: float
    worst: float
    not_2xx: int
    socket_errors: int
    latency: dict[str, str]
    """The distribution as printed by `wrk --latency`, to check the percentiles above against."""

    @property
    def problem(self) -> str:
        """Why these numbers must not be compared; empty if they may."""
        if self.not_2xx or self.socket_errors:
            return f"{self.not_2xx:,} of {self.requests:,} responses not 2xx, {self.socket_errors:,} socket errors"
        return "" if self.requests else "no responses"


def is_wrk_installed() -> bool:
    """Return whether wrk is on the path."""
    return shutil.which("wrk") is not None


def send_requests(port: int, case: Case, *, seconds: int, connections: int) -> Load:
    """Repeat the case's request on kept-alive connections, from one thread, which leaves other cores to the server."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={TIMEOUT}s", "--latency"]
    command += ["-s", str(SCRIPT), f"http://{HOST}:{port}{case.path}"]
    if case.body:
        command += ["--", case.body.replace("%RUN%", secrets.token_hex(4))]
    return _parse_report(_run_wrk(command, seconds))


def _run_wrk(command: list[str], seconds: int) -> str:
    with tempfile.TemporaryFile() as output:
        with run_process(command, stdout=output, stderr=subprocess.STDOUT) as wrk:
            try:
                wrk.wait(seconds + 30)
            except subprocess.TimeoutExpired:
                raise WrkError(f"wrk was still running {seconds + 30} s after its start") from None
        output.seek(0)
        return output.read().decode(errors="replace")


def _parse_report(output: str) -> Load:
    report = re.search(r"^REPORT (\{.*\})$", output, re.MULTILINE)
    if report is None:
        raise WrkError(f"wrk printed no report: {' '.join(output.split())}")
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
