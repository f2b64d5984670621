"""Interleaved rounds: ours, peer, peer, … and again, with one server alive at a time.

A shared machine is slower for some minutes and faster for others. Taking turns spreads that over everybody, and the
median over the rounds drops the turn that was hit.
"""

from __future__ import annotations

import http.client
import secrets
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import load
from benchmarks.contenders import Contender
from benchmarks.data import CASES, GET_ONE, Case, why_wrong
from benchmarks.process import Server, StartError, free_ports, request, serving

SETTLE = 0.5  # seconds between the first answer and reading the memory, for what a server still does when it is up


@dataclass(frozen=True)
class Plan:
    """How long and how often to measure."""

    rounds: int
    seconds: int
    warm_up: int
    connections: int

    def duration(self, contenders: int) -> float:
        """About how many seconds it will take."""
        return self.rounds * contenders * (len(CASES) * (self.seconds + self.warm_up) + 2)


@dataclass(frozen=True)
class Measured:
    """One case of one run; `problem` says why it does not count, if it does not."""

    load: load.Load | None
    size: int
    problem: str = ""


@dataclass(frozen=True)
class Run:
    """One contender's turn in one round."""

    contender: str
    problem: str = ""
    cold_start: float = 0.0
    memory: float = 0.0
    memory_after: float = 0.0
    cases: dict[str, Measured] = field(default_factory=dict)


def rounds(contenders: Sequence[Contender], plan: Plan) -> list[Run]:
    """Every contender's turn in every round."""
    runs = []
    for number in range(1, plan.rounds + 1):
        for contender in contenders:
            run = turn(contender, plan)
            runs.append(run)
            say(f"round {number}/{plan.rounds}  {contender.name:<12} {_summary(run)}")
    return runs


def turn(contender: Contender, plan: Plan) -> Run:
    """Start, measure each case, stop."""
    [port] = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="duologue-bench-") as name:
        folder = Path(name)
        command = contender.prepare(folder, port)
        try:
            with serving(command, port, GET_ONE.path, folder=folder, env=contender.environment()) as server:
                return _measure(contender, server, plan)
        except (StartError, RuntimeError, OSError, http.client.HTTPException) as failure:
            return Run(contender.name, problem=str(failure))


def _measure(contender: Contender, server: Server, plan: Plan) -> Run:
    time.sleep(SETTLE)
    memory = server.memory()
    if contender.fill:
        contender.fill(server.port)
    cases = {case.name: _case(server.port, case, plan) for case in CASES}
    return Run(contender.name, "", server.cold_start, memory, server.memory(), cases)


def _case(port: int, case: Case, plan: Plan) -> Measured:
    try:
        size, problem = check(port, case)
        if problem:
            return Measured(None, size, problem)
        if plan.warm_up:
            load.send(port, case, seconds=plan.warm_up, connections=plan.connections)
        found = load.send(port, case, seconds=plan.seconds, connections=plan.connections)
    except (load.WrkError, OSError, http.client.HTTPException) as failure:
        return Measured(None, 0, f"{type(failure).__name__}: {failure}")
    return Measured(found, size, found.problem)


def check(port: int, case: Case) -> tuple[int, str]:
    """Ask once and read the answer: its size in bytes, and what is wrong with it."""
    body = case.body.replace("%RUN%", secrets.token_hex(4)).replace("%NUMBER%", "0")
    status, answer = request(port, "POST" if body else "GET", case.path, body or None)
    return len(answer), why_wrong(case, status, answer)


def _summary(run: Run) -> str:
    if run.problem:
        return f"FAILED: {run.problem}"
    cases = [
        f"{name} {'FAILED' if each.problem or not each.load else f'{each.load.per_second:,.0f}/s'}"
        for name, each in run.cases.items()
    ]
    return f"up in {run.cold_start:.2f} s, {run.memory:.0f} MB, " + ", ".join(cases)


def say(text: str) -> None:
    """Progress goes to standard error, so that standard output is the result alone."""
    print(text, file=sys.stderr, flush=True)
