"""Compare our client with bare requests and httpx: `python -m benchmarks.client`.

One run, one machine, one server (`client_server.py`, in its own process). Rounds are interleaved and medians compared,
because a shared machine is faster for some minutes and slower for others. Our client runs with everything on: retries,
deadline, validation of the response against the contract, idempotency, strict JSON. The others only build a dictionary.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import requests

from benchmarks.bars import Bar
from duologue import APIError, Client

Call = Callable[[], object]

THREADS = 16
SERVER = Path(__file__).with_name("client_server.py")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all measurements; return 1 if `--enforce` was given and a bar is missed."""
    parser = argparse.ArgumentParser(prog="benchmarks.client", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, metavar="N", help="measure N rounds (15)")
    parser.add_argument("--calls", type=int, default=300, metavar="N", help="make N calls in each round (300)")
    parser.add_argument("--enforce", action="store_true", help="exit with 1 unless every bar is held")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, run_server() as origin:
        os.environ["DUOLOGUE_DATA_DIR"] = folder
        bars = [
            *measure_one_call(origin, options.rounds, options.calls),
            measure_many_threads(origin, max(3, options.rounds // 3), options.calls),
            measure_import(max(3, options.rounds // 2)),
            count_requests_to_failing_server(origin),
            measure_gzip_bomb(origin),
        ]
    print("", *bars, sep="\n")
    return 1 if options.enforce and any(bar.held is False for bar in bars) else 0


@contextmanager
def run_server() -> Iterator[str]:
    """Run the server in its own process, and yield its origin."""
    with subprocess.Popen([sys.executable, str(SERVER)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def measure_one_call(origin: str, rounds: int, calls: int) -> list[Bar]:
    """Measure sequential calls on one kept-alive connection, in microseconds a call."""
    url = f"{origin}/api/users/1"
    with ExitStack() as stack:
        session = stack.enter_context(requests.Session())
        api = stack.enter_context(Client(base_url=f"{origin}/api", access_token="a.b.c"))
        contenders: dict[str, Call] = {"requests": lambda: session.get(url).json(), "ours": lambda: api.users.get("1")}
        if importlib.util.find_spec("httpx"):
            client = stack.enter_context(importlib.import_module("httpx").Client())
            contenders["httpx"] = lambda: client.get(url).json()
        medians = compare(contenders, rounds, lambda call: measure_seconds(call, calls) / calls * 1e6)
    print_results("one call", medians, "µs")
    return [
        build_ratio_bar("one call", medians, "requests", 1.0),
        build_ratio_bar("one call", medians, "httpx", 1.15),
    ]


def get_json(session: requests.Session, url: str) -> object:
    """Send a GET request without our client, and return the parsed JSON."""
    return session.get(url).json()


def measure_many_threads(origin: str, rounds: int, calls: int) -> Bar:
    """Compare one of our clients shared by all threads with one bare session per thread, in calls a second."""
    url = f"{origin}/api/users/1"
    calls_per_thread = calls // 4
    with ExitStack() as stack:
        sessions = [stack.enter_context(requests.Session()) for _ in range(THREADS)]
        api = stack.enter_context(Client(base_url=f"{origin}/api", access_token="a.b.c"))
        thread_calls: dict[str, list[Call]] = {
            "requests": [partial(get_json, session, url) for session in sessions],
            "ours": [lambda: api.users.get("1")] * THREADS,
        }
        contenders: dict[str, Call] = {
            name: partial(run_in_threads, functions, calls_per_thread) for name, functions in thread_calls.items()
        }
        medians = compare(contenders, rounds, lambda contender: measure_seconds(contender, 1))
    rates = {name: THREADS * calls_per_thread / seconds for name, seconds in medians.items()}
    print_results(f"{THREADS} threads", rates, "calls/s")
    ratio = rates["ours"] / rates["requests"]
    return Bar(f"{THREADS} threads, one client: at least 1.0 x {THREADS} bare sessions: {ratio:.2f} x", ratio >= 1)


def measure_import(rounds: int) -> Bar:
    """Measure imports in a fresh interpreter, in milliseconds beyond an interpreter that imports nothing.

    All contenders run from byte code, as installed packages do, whatever the environment says of writing it.
    """
    statements = {
        "nothing": "pass",
        "requests and marshmallow": "import requests, marshmallow",
        "duologue": "import duologue",
        "its Client": "from duologue import Client",
    }
    with tempfile.TemporaryDirectory() as folder:
        env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        env["PYTHONPYCACHEPREFIX"] = folder
        contenders: dict[str, Call] = {name: partial(run_python, code, env) for name, code in statements.items()}
        medians = compare(contenders, rounds, lambda contender: measure_seconds(contender, 1) * 1e3)
    baseline = medians.pop("nothing")
    costs = {name: milliseconds - baseline for name, milliseconds in medians.items()}
    print_results("importing", costs, "ms")
    ratio = costs["its Client"] / costs["requests and marshmallow"]
    return Bar(f"importing Client: at most 1.2 x requests and marshmallow: {ratio:.2f} x", ratio <= 1.2)


def count_requests_to_failing_server(origin: str) -> Bar:
    """Count the HTTP requests, retries included, of 1,000 calls to a server that responds with 503."""
    with Client(base_url=f"{origin}/down", retry_delay=0) as api:
        for _ in range(1_000):
            try:
                api.users.get("1")
            except APIError:
                continue
    with requests.Session() as session:
        count = session.get(f"{origin}/request-counts").json()["/down/users/1"]
    return Bar(f"1,000 calls to a failing server: at most 1,100 requests: {count:,}", count <= 1_100)


GZIP_BOMB_SCRIPT = """
import re
from duologue import ResponseTooLargeError, Client
def get_peak_memory(): return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
def get_user(api):
    try: api.users.get("1")
    except ResponseTooLargeError: pass
with Client(base_url="{origin}/bomb") as api, Client(base_url="{origin}/api") as warm_up:
    get_user(warm_up)
    open("/proc/self/clear_refs", "w").write("5")
    before = get_peak_memory()
    get_user(api)
    print(get_peak_memory() - before)
"""


def measure_gzip_bomb(origin: str) -> Bar:
    """Measure the peak memory of reading 50 kB that decompress to 50 MB, in MB."""
    if sys.platform != "linux":
        return Bar("a gzip bomb: less than 20 MB: measured on Linux only", None)
    megabytes = int(run_python(GZIP_BOMB_SCRIPT.replace("{origin}", origin))) / 1e3
    return Bar(f"a gzip bomb: less than 20 MB: {megabytes:.1f} MB", megabytes < 20)


def compare(contenders: Mapping[str, Call], rounds: int, measure: Callable[[Call], float]) -> dict[str, float]:
    """Return the medians of interleaved rounds, after one round to warm up; each starts with another contender."""
    names = list(contenders)
    values: dict[str, list[float]] = {name: [] for name in names}
    for round_number in range(rounds + 1):
        first = round_number % len(names)
        for name in names[first:] + names[:first]:
            value = measure(contenders[name])
            if round_number:
                values[name].append(value)
    return {name: statistics.median(values[name]) for name in names}


def measure_seconds(call: Call, times: int) -> float:
    """Return the seconds that a number of calls take."""
    started_at = time.perf_counter()
    for _ in range(times):
        call()
    return time.perf_counter() - started_at


def run_in_threads(calls: Sequence[Call], times: int) -> None:
    """Make each call a number of times, in a thread of its own."""
    threads = [threading.Thread(target=measure_seconds, args=(call, times)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def run_python(code: str, env: Mapping[str, str] | None = None) -> str:
    """Run code in a fresh interpreter, and return its standard output."""
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout


def print_results(title: str, results: Mapping[str, float], unit: str) -> None:
    """Print one line with the result of each contender."""
    print(f"{title:12}", *(f"{name}: {number:,.0f} {unit}" for name, number in results.items()), sep="   ")


def build_ratio_bar(title: str, medians: Mapping[str, float], peer: str, factor: float) -> Bar:
    """Return the bar that ours takes no longer than `factor` times the peer's time."""
    requirement = f"{title}: at most {factor:.2f} x {peer}"
    if peer not in medians:
        return Bar(f"{requirement}: not installed; run: pip install 'duologue[bench]'", None)
    ratio = medians["ours"] / medians[peer]
    return Bar(f"{requirement}: {ratio:.2f} x", ratio <= factor)


if __name__ == "__main__":
    sys.exit(main())
