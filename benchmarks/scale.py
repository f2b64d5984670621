"""Does a page of twenty cost the same among a hundred thousand users as among a thousand?"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import load, ours
from benchmarks.bars import Bar
from benchmarks.contenders import our_own
from benchmarks.data import GET_ONE, PAGE, Case, page_case
from benchmarks.measure import Plan, check, say
from benchmarks.process import Server, free_ports, serving

SMALL = 1_000
LARGE = 100_000
TIMES = 2.0  # the page among many may take so many times the page among few
PATIENCE = 120.0  # seconds to start in: reading 100,000 users takes a while, and is not what is asked here


@dataclass(frozen=True)
class Scaled:
    """Median latencies in ms of the first and the last page, by number of users."""

    first: dict[int, float]
    last: dict[int, float]
    cold_start: dict[int, float]
    memory: dict[int, float]

    def bars(self) -> list[Bar]:
        """The promise, asked of both ends of the list: skipping to the last page is where a slow one shows."""
        return [_bar("first", self.first), _bar("last", self.last)]


def _bar(which: str, latency: dict[int, float]) -> Bar:
    times = latency[LARGE] / latency[SMALL]
    wanted = f"{which} page of {PAGE} at {LARGE:,} users: at most {TIMES:g} x that at {SMALL:,}"
    return Bar(f"{wanted}: {times:.2f} x ({latency[SMALL]:.2f} -> {latency[LARGE]:.2f} ms)", times <= TIMES)


@dataclass(frozen=True)
class _Turn:
    first: float
    last: float
    cold_start: float
    memory: float


def scale(template: str, plan: Plan) -> Scaled:
    """Measure both sizes in turns; one connection, so that it is the time of one page and not of a queue."""
    turns: dict[int, list[_Turn]] = {SMALL: [], LARGE: []}
    with tempfile.TemporaryDirectory(prefix="duologue-bench-") as name:
        for number in range(1, plan.rounds + 1):
            for size, found in turns.items():
                found.append(_turn(template, Path(name) / str(size), size, plan))
                say(f"round {number}/{plan.rounds}  {size:,} users: {_summary(found[-1])}")
    return Scaled(
        {size: median(turn.first for turn in found) for size, found in turns.items()},
        {size: median(turn.last for turn in found) for size, found in turns.items()},
        {size: median(turn.cold_start for turn in found) for size, found in turns.items()},
        {size: median(turn.memory for turn in found) for size, found in turns.items()},
    )


def _turn(template: str, folder: Path, size: int, plan: Plan) -> _Turn:
    fixtures = ours.write_fixtures(folder / "fixtures", size)
    [port] = free_ports(1)
    command = ours.command(template, port, fixtures)
    env = our_own(template).environment()
    with serving(command, port, GET_ONE.path, folder=folder, env=env, patience=PATIENCE) as server:
        first, last = (_latency(server, page_case(page), plan) for page in (1, size // PAGE))
        return _Turn(first, last, server.cold_start, server.memory())


def _latency(server: Server, case: Case, plan: Plan) -> float:
    _, problem = check(server.port, case)
    if problem:
        raise load.WrkError(f"{case.name}: {problem}")
    if plan.warm_up:
        load.send(server.port, case, seconds=plan.warm_up, connections=1)
    found = load.send(server.port, case, seconds=plan.seconds, connections=1)
    if found.problem:
        raise load.WrkError(f"{case.name}: {found.problem}")
    return found.p50


def _summary(turn: _Turn) -> str:
    pages = f"first page {turn.first:.2f} ms, last page {turn.last:.2f} ms"
    return f"{pages}, up in {turn.cold_start:.2f} s, {turn.memory:.0f} MB"
