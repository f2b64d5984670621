"""Does memory stay flat over a million requests? A tool that people leave running all day must not grow."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import load
from benchmarks.bars import Bar
from benchmarks.contenders import our_own
from benchmarks.data import GET_ONE
from benchmarks.measure import say
from benchmarks.process import Server, free_ports, serving

WARM_UP = 50_000  # requests after which pools, caches and the bounded journal have reached their size
SAMPLES = 10
GROWTH = 4.0  # MB; a million requests that each left one pointer of 8 bytes behind would be twice that


@dataclass(frozen=True)
class Soaked:
    """Memory in MB after the warm-up and after each part of the requests."""

    requests: int
    memory: list[float]

    @property
    def growth(self) -> float:
        """From after the warm-up to the end."""
        return self.memory[-1] - self.memory[0]

    def bar(self) -> Bar:
        """The promise about it."""
        wanted = f"memory flat over {self.requests:,} requests (at most {GROWTH:g} MB more)"
        found = f"{self.memory[0]:.1f} -> {self.memory[-1]:.1f} MB ({self.growth:+.1f})"
        return Bar(f"{wanted}: {found}", self.growth <= GROWTH)


def soak(template: str, requests: int, connections: int) -> Soaked:
    """Start ours, warm it up, send the requests, watch its memory."""
    [port] = free_ports(1)
    ours = our_own(template)
    with tempfile.TemporaryDirectory(prefix="duologue-bench-") as name:
        folder = Path(name)
        command = ours.prepare(folder, port)
        with serving(command, port, GET_ONE.path, folder=folder, env=ours.environment()) as server:
            return _soak(server, requests, connections)


def _soak(server: Server, requests: int, connections: int) -> Soaked:
    rate = _send(server.port, WARM_UP, connections, rate=0.0)[1]
    memory, done = [server.memory()], 0
    say(f"after {WARM_UP:,} requests to warm up: {memory[0]:.1f} MB, {rate:,.0f} requests/s")
    while done < requests:
        part = min(requests - done, math.ceil(requests / SAMPLES))
        sent, rate = _send(server.port, part, connections, rate)
        done += sent
        memory.append(server.memory())
        say(f"after {done:,} requests: {memory[-1]:.1f} MB, {rate:,.0f} requests/s")
    return Soaked(done, memory)


def _send(port: int, requests: int, connections: int, rate: float) -> tuple[int, float]:
    """Send at least that many. wrk counts in seconds, so it is sent for as long as the last rate says it takes."""
    done = 0
    while done < requests:
        seconds = math.ceil((requests - done) / rate) if rate else 1
        sent = load.send(port, GET_ONE, seconds=min(seconds, 60), connections=connections)
        if sent.problem:
            raise load.WrkError(sent.problem)
        done += sent.requests
        rate = sent.per_second
    return done, rate
