"""Check that memory stays flat over a million requests: the mock server may run all day, and must not grow."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bars import Bar
from benchmarks.contenders import build_our_contender
from benchmarks.data import GET_ONE
from benchmarks.load import WrkError, send_requests
from benchmarks.measure import log
from benchmarks.process import Server, find_free_port, run_server

WARM_UP = 50_000  # requests after which pools, caches and the bounded journal have reached their size
SAMPLES = 10
MAX_GROWTH = 4.0  # MB; a leak of one 8-byte pointer a request would be 8 MB in a million requests


@dataclass(frozen=True)
class SoakResult:
    """Memory in MB after the warm-up and after each part of the requests."""

    requests: int
    memory: list[float]

    @property
    def growth(self) -> float:
        """MB gained from the end of the warm-up to the end of the run."""
        return self.memory[-1] - self.memory[0]

    def build_bar(self) -> Bar:
        """Return the bar for the growth."""
        requirement = f"memory flat over {self.requests:,} requests (at most {MAX_GROWTH:g} MB more)"
        measured = f"{self.memory[0]:.1f} -> {self.memory[-1]:.1f} MB ({self.growth:+.1f})"
        return Bar(f"{requirement}: {measured}", self.growth <= MAX_GROWTH)


def run_soak(template: str, requests: int, connections: int) -> SoakResult:
    """Start our server, warm it up, and sample its memory while sending the requests."""
    port = find_free_port()
    ours = build_our_contender(template)
    with tempfile.TemporaryDirectory(prefix="duologue-bench-") as name:
        folder = Path(name)
        command = ours.prepare(folder, port)
        with run_server(command, port, GET_ONE.path, folder=folder, env=ours.build_environment()) as server:
            return _soak(server, requests, connections)


def _soak(server: Server, requests: int, connections: int) -> SoakResult:
    _, rate = _send_at_least(server.port, WARM_UP, connections, rate=0.0)
    memory, sent = [server.measure_memory()], 0
    log(f"after {WARM_UP:,} requests to warm up: {memory[0]:.1f} MB, {rate:,.0f} requests/s")
    while sent < requests:
        part = min(requests - sent, math.ceil(requests / SAMPLES))
        count, rate = _send_at_least(server.port, part, connections, rate)
        sent += count
        memory.append(server.measure_memory())
        log(f"after {sent:,} requests: {memory[-1]:.1f} MB, {rate:,.0f} requests/s")
    return SoakResult(sent, memory)


def _send_at_least(port: int, requests: int, connections: int, rate: float) -> tuple[int, float]:
    """Send at least `requests`; return how many were sent, and how many a second.

    wrk takes seconds, not a count, so each burst lasts as long as the requests should take at the last rate.
    """
    sent = 0
    while sent < requests:
        seconds = math.ceil((requests - sent) / rate) if rate else 1
        load = send_requests(port, GET_ONE, seconds=min(seconds, 60), connections=connections)
        if load.problem:
            raise WrkError(load.problem)
        sent += load.requests
        rate = load.per_second
    return sent, rate
