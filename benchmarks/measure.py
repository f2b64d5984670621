"""Interleaved rounds: ours, peer, peer, … and again, with one server running at a time.

A shared machine is slower for some minutes and faster for others. Interleaving spreads that over all servers, and the
median over the rounds drops the outliers.
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

from benchmarks.contenders import Contender
from benchmarks.data import CASES, GET_ONE, Case, describe_mismatch
from benchmarks.load import Load, WrkError, send_requests
from benchmarks.process import Server, StartError, find_free_port, run_server, send_request

SETTLE_TIME = 0.5  # seconds between the first response and reading the memory, for what a server still does then


@dataclass(frozen=True)
class Plan:
    """How long and how often to measure."""

    rounds: int
    seconds: int
    warm_up: int
    connections: int

    def estimate_seconds(self, contenders: int) -> float:
        """Return about how long the run takes."""
        return self.rounds * contenders * (len(CASES) * (self.seconds + self.warm_up) + 2)


@dataclass(frozen=True)
class CaseResult:
    """One case of one contender in one round; `problem` is why it does not count, or empty."""

    load: Load | None
    size: int
    problem: str = ""


@dataclass(frozen=True)
class ContenderResult:
    """One contender in one round; `problem` is why it could not be measured, or empty."""

    contender: str
    problem: str = ""
    cold_start: float = 0.0
    memory: float = 0.0
    memory_after: float = 0.0
    cases: dict[str, CaseResult] = field(default_factory=dict)


def run_rounds(contenders: Sequence[Contender], plan: Plan) -> list[ContenderResult]:
    """Measure every contender in every round."""
    results = []
    for number in range(1, plan.rounds + 1):
        for contender in contenders:
            result = measure_contender(contender, plan)
            results.append(result)
            log(f"round {number}/{plan.rounds}  {contender.name:<12} {_format_result(result)}")
    return results


def measure_contender(contender: Contender, plan: Plan) -> ContenderResult:
    """Start a contender, measure each case, and stop it."""
    port = find_free_port()
    with tempfile.TemporaryDirectory(prefix="duologue-bench-") as name:
        folder = Path(name)
        command = contender.prepare(folder, port)
        env = contender.build_environment()
        try:
            with run_server(command, port, GET_ONE.path, folder=folder, env=env) as server:
                return _measure_server(contender, server, plan)
        except (StartError, RuntimeError, OSError, http.client.HTTPException) as error:
            return ContenderResult(contender.name, problem=str(error))


def _measure_server(contender: Contender, server: Server, plan: Plan) -> ContenderResult:
    time.sleep(SETTLE_TIME)
    memory = server.measure_memory()
    if contender.create_users:
        contender.create_users(server.port)
    cases = {case.name: _measure_case(server.port, case, plan) for case in CASES}
    return ContenderResult(contender.name, "", server.cold_start, memory, server.measure_memory(), cases)


def _measure_case(port: int, case: Case, plan: Plan) -> CaseResult:
    try:
        size, problem = check_response(port, case)
        if problem:
            return CaseResult(None, size, problem)
        if plan.warm_up:
            send_requests(port, case, seconds=plan.warm_up, connections=plan.connections)
        load = send_requests(port, case, seconds=plan.seconds, connections=plan.connections)
    except (WrkError, OSError, http.client.HTTPException) as error:
        return CaseResult(None, 0, f"{type(error).__name__}: {error}")
    return CaseResult(load, size, load.problem)


def check_response(port: int, case: Case) -> tuple[int, str]:
    """Send the case's request once; return the size of the response in bytes, and what is wrong with it."""
    body = case.body.replace("%RUN%", secrets.token_hex(4)).replace("%NUMBER%", "0")
    status, content = send_request(port, "POST" if body else "GET", case.path, body or None)
    return len(content), describe_mismatch(case, status, content)


def _format_result(result: ContenderResult) -> str:
    if result.problem:
        return f"FAILED: {result.problem}"
    cases = [
        f"{name} {'FAILED' if case.problem or not case.load else f'{case.load.per_second:,.0f}/s'}"
        for name, case in result.cases.items()
    ]
    return f"up in {result.cold_start:.2f} s, {result.memory:.0f} MB, " + ", ".join(cases)


def log(text: str) -> None:
    """Print to standard error, so that standard output has nothing but the results."""
    print(text, file=sys.stderr, flush=True)
