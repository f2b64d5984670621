"""Compare the time of a page of twenty among 100,000 users with that among 1,000."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import ours
from benchmarks.bars import Bar
from benchmarks.contenders import build_our_contender
from benchmarks.data import GET_ONE, PAGE_SIZE, Case, build_page_case
from benchmarks.load import WrkError, send_requests
from benchmarks.measure import Plan, check_response, log
from benchmarks.process import Server, find_free_port, run_server

SMALL = 1_000
LARGE = 100_000
MAX_RATIO = 2.0  # of the time of a page at LARGE to that at SMALL
START_TIMEOUT = 120.0  # seconds: reading 100,000 users takes a while, and is not what is measured here


@dataclass(frozen=True)
class ScaleResult:
    """Medians by number of users: the latency of the first and last page in ms, seconds to start, memory in MB."""

    first: dict[int, float]
    last: dict[int, float]
    cold_start: dict[int, float]
    memory: dict[int, float]

    def build_bars(self) -> list[Bar]:
        """Return a bar for both ends of the list: a slow implementation shows when it skips to the last page."""
        return [_build_bar("first", self.first), _build_bar("last", self.last)]


def _build_bar(which: str, latency: dict[int, float]) -> Bar:
    ratio = latency[LARGE] / latency[SMALL]
    requirement = f"{which} page of {PAGE_SIZE} at {LARGE:,} users: at most {MAX_RATIO:g} x that at {SMALL:,}"
    text = f"{requirement}: {ratio:.2f} x ({latency[SMALL]:.2f} -> {latency[LARGE]:.2f} ms)"
    return Bar(text, ratio <= MAX_RATIO)


@dataclass(frozen=True)
class _Sample:
    """One round with one number of users."""

    first: float
    last: float
    cold_start: float
    memory: float


def run_scale(template: str, plan: Plan) -> ScaleResult:
    """Measure both sizes in interleaved rounds, on one connection, so that no request waits for another."""
    samples: dict[int, list[_Sample]] = {SMALL: [], LARGE: []}
    with tempfile.TemporaryDirectory(prefix="duologue-bench-") as name:
        for number in range(1, plan.rounds + 1):
            for size in samples:
                sample = _measure_size(template, Path(name) / str(size), size, plan)
                samples[size].append(sample)
                log(f"round {number}/{plan.rounds}  {size:,} users: {_format_sample(sample)}")
    return ScaleResult(
        {size: median(sample.first for sample in samples[size]) for size in samples},
        {size: median(sample.last for sample in samples[size]) for size in samples},
        {size: median(sample.cold_start for sample in samples[size]) for size in samples},
        {size: median(sample.memory for sample in samples[size]) for size in samples},
    )


def _measure_size(template: str, folder: Path, size: int, plan: Plan) -> _Sample:
    fixtures = ours.write_fixtures(folder / "fixtures", size)
    port = find_free_port()
    command = ours.build_command(template, port, fixtures)
    env = build_our_contender(template).build_environment()
    with run_server(command, port, GET_ONE.path, folder=folder, env=env, timeout=START_TIMEOUT) as server:
        first, last = (_measure_latency(server, build_page_case(page), plan) for page in (1, size // PAGE_SIZE))
        return _Sample(first, last, server.cold_start, server.measure_memory())


def _measure_latency(server: Server, case: Case, plan: Plan) -> float:
    _, problem = check_response(server.port, case)
    if problem:
        raise WrkError(f"{case.name}: {problem}")
    if plan.warm_up:
        send_requests(server.port, case, seconds=plan.warm_up, connections=1)
    load = send_requests(server.port, case, seconds=plan.seconds, connections=1)
    if load.problem:
        raise WrkError(f"{case.name}: {load.problem}")
    return load.p50


def _format_sample(sample: _Sample) -> str:
    pages = f"first page {sample.first:.2f} ms, last page {sample.last:.2f} ms"
    return f"{pages}, up in {sample.cold_start:.2f} s, {sample.memory:.0f} MB"
