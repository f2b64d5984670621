"""Measure what the control API costs, and how long its calls take: `python -m benchmarks.control`.

    python -m benchmarks.control             # some ten minutes
    python -m benchmarks.control --quick     # two minutes, to check that it runs; not for comparing
    python -m benchmarks.control --soak      # does memory stay flat over 1,000,000 requests with the journal on?

Throughput is that of one server with the control API relative to the same server without it, in interleaved rounds.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks import ours
from benchmarks.bars import Bar
from benchmarks.broadcast import measure_broadcast
from benchmarks.contenders import Contender
from benchmarks.data import CASES, GET_ONE
from benchmarks.in_process import measure_exec, measure_fixture, measure_start
from benchmarks.load import WRK_NOT_INSTALLED, is_wrk_installed
from benchmarks.measure import ContenderResult, Plan, log, run_rounds
from benchmarks.process import Server, find_free_port, run_server, send_request
from benchmarks.soak import run_soak
from benchmarks.table import PER_SECOND, build_tables, render

USERS = 10_000
NAMESPACES = 1_000
SOCKETS = 500
WITHOUT = "without"

THROUGHPUT = {"journal": 0.9, "100 stubs": 0.75, "10,000 stubs": 0.5}
"""The least throughput of each variant, relative to the server without a control API."""


def build_contenders() -> list[Contender]:
    """Return our server without a control API, and with it: unused, and with stubs of which none matches."""
    return [
        _build_contender(WITHOUT, " --no-admin", 0),
        _build_contender("journal", "", 0),
        _build_contender("100 stubs", "", 100),
        _build_contender("10,000 stubs", "", 10_000),
    ]


def _build_contender(name: str, flags: str, stubs: int) -> Contender:
    def prepare(folder: Path, port: int) -> list[str]:
        return ours.build_command(ours.COMMAND + flags, port)

    def create(port: int) -> None:
        ours.create_users(port)
        if stubs:
            call(port, "POST", "/mappings/import", {"mappings": [build_stub(number) for number in range(stubs)]})

    return Contender(name, "ours", prepare, create_users=create)


def build_stub(number: int) -> dict[str, object]:
    """Return a stub that no case of the benchmark matches; of each kind of URL, and some with more conditions."""
    urls: list[dict[str, object]] = [
        {"method": "GET", "urlPath": f"/api/users/none-{number}"},
        {"method": "GET", "url": f"/api/users?page={number + 1000}"},
        {"method": "POST", "urlPath": f"/api/users/{number}/none", "bodyPatterns": [{"contains": "none"}]},
        {"method": "GET", "urlPathTemplate": f"/none/{number}/{{id}}"},
        {"method": "ANY", "urlPath": f"/none/{number}", "headers": {"X-None": {"equalTo": "none"}}},
    ]
    return {"request": urls[number % len(urls)], "response": {"status": 503}}


def call(port: int, method: str, path: str, body: object = None) -> bytes:
    """Call the control API, and return the response's body.

    Raises:
        RuntimeError: it refused the call.
    """
    text = None if body is None else json.dumps(body)
    status, content = send_request(port, method, f"/__admin{path}", text, timeout=60)
    if status >= 400:
        raise RuntimeError(f"{method} {path}: status {status}: {content[:300]!r}")
    return content


def build_throughput_bars(contenders: list[Contender], results: list[ContenderResult]) -> list[Bar]:
    """Return a bar for each variant and case."""
    bars = []
    for case, table in zip(CASES, build_tables(contenders, results), strict=False):
        print(render(table), end="\n\n")
        rates = {row.name: row.values[PER_SECOND.title] for row in table.rows if not row.problem}
        for name, least in THROUGHPUT.items():
            requirement = f"{case.name}, {name}: at least {least:.2f} x without a control API"
            if name in rates and WITHOUT in rates:
                ratio = rates[name] / rates[WITHOUT]
                bars.append(Bar(f"{requirement}: {ratio:.2f} x", ratio >= least))
            else:
                bars.append(Bar(f"{requirement}: not measured", None))
    return bars


@contextmanager
def run_ours(users: int) -> Iterator[Server]:
    """Run our server with this many users during the block."""
    port = find_free_port()
    with tempfile.TemporaryDirectory(prefix="duologue-bench-") as name:
        folder = Path(name)
        command = ours.build_command(ours.COMMAND, port, ours.write_fixtures(folder / "fixtures", users))
        with run_server(command, port, GET_ONE.path, folder=folder, timeout=120) as server:
            yield server


def time_call(repeat: int, function: Callable[[int], object]) -> float:
    """Return the median of the milliseconds that calls of a function take, given the number of the call."""
    times = []
    for number in range(repeat):
        started_at = time.perf_counter()
        function(number)
        times.append((time.perf_counter() - started_at) * 1000)
    return median(times)


def measure_calls(repeat: int) -> list[Bar]:
    """Measure the calls that tests make again and again, over HTTP, at 10,000 users."""
    with run_ours(USERS) as server:
        port = server.port

        def change(number: int) -> None:
            body = json.dumps({"name": "Ada", "email": f"ada{time.time_ns()}@example.com"})
            send_request(port, "POST", "/api/users", body)

        def reset(number: int) -> None:
            change(number)
            started_at = time.perf_counter()
            call(port, "POST", "/reset")
            resets.append((time.perf_counter() - started_at) * 1000)

        def restore(number: int) -> None:
            change(number)
            call(port, "POST", "/snapshots/bench/restore")

        resets: list[float] = []
        round_trip = time_call(repeat, lambda number: call(port, "GET", "/health"))
        time_call(repeat, reset)
        saved = time_call(repeat, lambda number: call(port, "PUT", "/snapshots/bench"))
        restored = time_call(repeat, restore)
        before = server.measure_memory()
        created = time_call(NAMESPACES, lambda number: call(port, "PUT", f"/namespaces/w{number}"))
        kilobytes = (server.measure_memory() - before) * 1000 / NAMESPACES
    return [
        Bar(f"reset at {USERS:,} users: {median(resets):.2f} ms, at most 5", median(resets) <= 5),
        Bar(f"snapshot and restore: {saved + restored:.2f} ms, at most 50", saved + restored <= 50),
        Bar(f"namespace created: {created - round_trip:.2f} ms beyond a call's {round_trip:.2f}, at most 1",
            created - round_trip <= 1),
        Bar(f"memory of a namespace: {kilobytes:.1f} kB, at most 50", kilobytes <= 50),
    ]  # fmt: skip


def measure_people(repeat: int) -> list[Bar]:
    """Measure what people wait for: a mock in a test's process, a fixture, `duologue exec`, a broadcast."""
    start, stop = measure_start(repeat)
    fixture = measure_fixture()
    executed = measure_exec(repeat)
    with run_ours(10) as server:
        broadcast = measure_broadcast(server.port, SOCKETS)
    return [
        Bar(f"start in a process that has imported the mock: {start:.1f} ms, at most 50", start <= 50),
        Bar(f"stop: {stop:.1f} ms, at most 20", stop <= 20),
        Bar(f"pytest fixture: {fixture:.2f} ms a test, at most 3", fixture <= 3),
        Bar(f"duologue exec -- true: {executed:.2f} s, at most 1", executed <= 1),
        Bar(f"an event to {SOCKETS} sockets, p99: {broadcast:.1f} ms, at most 100", broadcast <= 100),
    ]


def main() -> int:
    """Measure, print the tables and the bars; return 1 if `--enforce` was given and a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--soak", action="store_true", help="a million requests instead")
    parser.add_argument("--requests", type=int, default=1_000_000, help="requests of --soak")
    parser.add_argument("--enforce", action="store_true", help="exit with 1 unless every bar is held")
    options = parser.parse_args()
    if not is_wrk_installed():
        log(WRK_NOT_INSTALLED)
        return 2
    if options.soak:
        bars = [run_soak(ours.COMMAND, options.requests, 16).build_bar()]
    else:
        plan = Plan(1, 1, 1, 16) if options.quick else Plan(5, 3, 1, 16)
        contenders = build_contenders()
        repeat = 5 if options.quick else 20
        bars = build_throughput_bars(contenders, run_rounds(contenders, plan))
        bars += measure_calls(repeat) + measure_people(repeat)
    for bar in bars:
        print(bar)
    return 1 if options.enforce and not all(bar.held for bar in bars) else 0


if __name__ == "__main__":
    sys.exit(main())
