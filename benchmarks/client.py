"""Measure our client beside bare requests and httpx: `python -m benchmarks.client`.

One run, one machine, one server (`client_server.py`, in a process of its own). Rounds are interleaved and medians
compared, because a shared machine is faster for some minutes and slower for others. Ours has everything on: retries,
deadline, validation of the answer against the contract, idempotency, strict JSON. The others only make a dictionary.
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
    """Run everything; the exit code is 1 if `--enforce` was said and a bar is missed."""
    parser = argparse.ArgumentParser(prog="benchmarks.client", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, metavar="N", help="take N turns (15)")
    parser.add_argument("--calls", type=int, default=300, metavar="N", help="make N calls in each turn (300)")
    parser.add_argument("--enforce", action="store_true", help="exit with 1 unless every bar is held")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, served() as origin:
        os.environ["DUOLOGUE_DATA_DIR"] = folder
        bars = [
            *of_one_call(origin, options.rounds, options.calls),
            of_many_threads(origin, max(3, options.rounds // 3), options.calls),
            of_importing(max(3, options.rounds // 2)),
            of_a_dead_server(origin),
            of_a_bomb(origin),
        ]
    print("", *bars, sep="\n")
    return 1 if options.enforce and not all(bar.held is not False for bar in bars) else 0


@contextmanager
def served() -> Iterator[str]:
    """The server, and its origin."""
    with subprocess.Popen([sys.executable, str(SERVER)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def of_one_call(origin: str, rounds: int, calls: int) -> list[Bar]:
    """One call after the other on a kept connection, in microseconds."""
    url = f"{origin}/api/users/1"
    with ExitStack() as stack:
        session = stack.enter_context(requests.Session())
        api = stack.enter_context(Client(base_url=f"{origin}/api", access_token="a.b.c"))
        contenders: dict[str, Call] = {"requests": lambda: session.get(url).json(), "ours": lambda: api.users.get("1")}
        if importlib.util.find_spec("httpx"):
            client = stack.enter_context(importlib.import_module("httpx").Client())
            contenders["httpx"] = lambda: client.get(url).json()
        medians = compared(contenders, rounds, lambda call: timed(call, calls) / calls * 1e6)
    show("one call", medians, "µs")
    return [
        at_most("one call", medians, "requests", 1.0),
        at_most("one call", medians, "httpx", 1.15),
    ]


def bare_call(session: requests.Session, url: str) -> object:
    """Ask as one does without us."""
    return session.get(url).json()


def of_many_threads(origin: str, rounds: int, calls: int) -> Bar:
    """Sixteen threads, ours with one client for all, bare requests with a session for each; seconds for all calls."""
    url = f"{origin}/api/users/1"
    with ExitStack() as stack:
        sessions = [stack.enter_context(requests.Session()) for _ in range(THREADS)]
        api = stack.enter_context(Client(base_url=f"{origin}/api", access_token="a.b.c"))
        work: dict[str, list[Call]] = {
            "requests": [partial(bare_call, one, url) for one in sessions],
            "ours": [lambda: api.users.get("1")] * THREADS,
        }
        turns: dict[str, Call] = {name: partial(at_once, of, calls // 4) for name, of in work.items()}
        seconds = compared(turns, rounds, lambda turn: timed(turn, 1))
    rates = {name: THREADS * (calls // 4) / each for name, each in seconds.items()}
    show(f"{THREADS} threads", rates, "calls/s")
    ratio = rates["ours"] / rates["requests"]
    return Bar(f"{THREADS} threads, one client: at least 1.0 x {THREADS} bare sessions: {ratio:.2f} x", ratio >= 1)


def of_importing(rounds: int) -> Bar:
    """A fresh Python that imports, in milliseconds, over one that imports nothing."""
    statements = {
        "nothing": "pass",
        "requests and marshmallow": "import requests, marshmallow",
        "ours": "import duologue",
        "our client": "from duologue import Client",
    }
    turns: dict[str, Call] = {name: partial(python, code) for name, code in statements.items()}
    taken = compared(turns, rounds, lambda turn: timed(turn, 1) * 1e3)
    cost = {name: each - taken["nothing"] for name, each in taken.items() if name != "nothing"}
    show("importing", cost, "ms")
    ratio = cost["ours"] / cost["requests and marshmallow"]
    return Bar(f"importing duologue: at most 1.2 x requests and marshmallow: {ratio:.2f} x", ratio <= 1.2)


def of_a_dead_server(origin: str) -> Bar:
    """A thousand calls to a server that is down, in requests on the wire."""
    with Client(base_url=f"{origin}/down", retry_delay=0) as api:
        for _ in range(1_000):
            try:
                api.users.get("1")
            except APIError:
                continue
    with requests.Session() as session:
        sent = session.get(f"{origin}/served").json()["/down/users/1"]
    return Bar(f"1,000 calls to a dead server: at most 1,100 requests: {sent:,}", sent <= 1_100)


BOMB = """
import re
from duologue import ResponseTooLargeError, Client
def peak(): return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
def ask(api):
    try: api.users.get("1")
    except ResponseTooLargeError: pass
with Client(base_url="{origin}/bomb") as api, Client(base_url="{origin}/api") as warm:
    ask(warm)
    open("/proc/self/clear_refs", "w").write("5")
    before = peak()
    ask(api)
    print(peak() - before)
"""


def of_a_bomb(origin: str) -> Bar:
    """What 50 kB that unpack to 50 MB cost, in MB."""
    if sys.platform != "linux":
        return Bar("a gzip bomb: less than 20 MB: only Linux tells", None)
    cost = int(python(BOMB.replace("{origin}", origin))) / 1e3
    return Bar(f"a gzip bomb: less than 20 MB: {cost:.1f} MB", cost < 20)


def compared(contenders: Mapping[str, Call], rounds: int, measure: Callable[[Call], float]) -> dict[str, float]:
    """The medians of interleaved rounds; the first one is for warming up, and each begins with somebody else."""
    names = list(contenders)
    taken: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds + 1):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            seconds = measure(contenders[name])
            if turn:
                taken[name].append(seconds)
    return {name: statistics.median(each) for name, each in taken.items()}


def timed(call: Call, times: int) -> float:
    """Seconds for a number of calls."""
    began = time.perf_counter()
    for _ in range(times):
        call()
    return time.perf_counter() - began


def at_once(calls: Sequence[Call], times: int) -> None:
    """Make each call many times, each on a thread of its own."""
    threads = [threading.Thread(target=timed, args=(call, times)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def python(code: str) -> str:
    """What a fresh Python prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def show(title: str, numbers: Mapping[str, float], unit: str) -> None:
    """Print what was measured."""
    print(f"{title:12}", *(f"{name}: {number:,.0f} {unit}" for name, number in numbers.items()), sep="   ")


def at_most(what: str, medians: Mapping[str, float], other: str, factor: float) -> Bar:
    """The promise that ours takes no longer than some factor of another's time."""
    wanted = f"{what}: at most {factor:.2f} x {other}"
    if other not in medians:
        return Bar(f"{wanted}: it is not installed; pip install 'duologue[bench]'", None)
    ratio = medians["ours"] / medians[other]
    return Bar(f"{wanted}: {ratio:.2f} x", ratio <= factor)


if __name__ == "__main__":
    sys.exit(main())
