"""The query layer beside what one would otherwise use, in one run: `python -m benchmarks.query [--enforce]`.

The peers are not needed for anything else: `pip install requests-cache cachetools`. One that is missing is left out.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from duologue import Client, Clock, UserPage
from duologue.query import BoundQuery, QueryClient
from duologue.query.resource_queries.queries import Queries
from duologue_mock import MockServer

ROUNDS = 7
MICRO, MILLI = 1e6, 1e3


@dataclass(frozen=True)
class Line:
    """One line of the table.

    Args:
        name: what was measured.
        value: how much it was.
        unit: of what.
        bar: how much it may be, None where there is none.
    """

    name: str
    value: float
    unit: str
    bar: float | None = None

    @property
    def held(self) -> bool:
        """Whether it is within its bar."""
        return self.bar is None or self.value <= self.bar

    def __str__(self) -> str:
        bar = "" if self.bar is None else f"at most {self.bar:g}  {'held' if self.held else 'MISSED'}"
        return f"{self.name:58} {self.value:10.3f} {self.unit:8} {bar}"


def each(function: Callable[[], object], calls: int) -> float:
    """Return the seconds of one call: the best of some rounds, since others use the machine too."""
    return side_by_side([function], calls)[0]


def side_by_side(functions: Sequence[Callable[[], object]], calls: int) -> list[float]:
    """Return the seconds of one call of each; in each round all take their turn, since machines have their moods."""
    rounds: list[list[float]] = [[] for _ in functions]
    for _ in range(ROUNDS):
        for function, taken in zip(functions, rounds, strict=True):
            began = time.perf_counter()
            for _ in range(calls):
                function()
            taken.append((time.perf_counter() - began) / calls)
    return [min(taken) for taken in rounds]


def hits() -> Iterator[Line]:
    """A cache hit: ours through `api.queries`, requests-cache in memory, and a bare cachetools.TTLCache."""
    with MockServer(rate_limit=None) as mock, Client(base_url=mock.base_url, chat_base_url=mock.chat_base_url) as api:
        api.queries.users().fetch()
        queries, known = api.queries, api.queries.users()
        yield from beside_requests_cache(mock.base_url + "/users", queries)
        yield from beside_cachetools(queries, known)


def beside_requests_cache(url: str, queries: Queries) -> Iterator[Line]:
    """Yield our hit and the same with requests-cache."""
    try:
        import requests_cache
    except ImportError:
        print("requests-cache is not installed: left out")
        return
    session: Any = requests_cache.CachedSession(backend="memory")
    session.trust_env = False
    session.get(url)
    ours, theirs = side_by_side(
        [lambda: queries.users(page=1, limit=10).fetch(), lambda: session.get(url).json()], calls=200
    )
    session.close()
    yield Line("hit, requests-cache in memory, json() included", theirs * MICRO, "µs")
    yield Line("ours / requests-cache", ours / theirs, "times", 0.1)


def beside_cachetools(queries: Queries, known: BoundQuery[UserPage]) -> Iterator[Line]:
    """Yield our hit and the same with a dictionary that forgets, nothing else."""
    functions: list[Callable[[], object]] = [lambda: queries.users(page=1, limit=10).fetch(), known.fetch]
    try:
        import cachetools
    except ImportError:
        print("cachetools is not installed: left out")
    else:
        cache: Any = cachetools.TTLCache(maxsize=10_000, ttl=300)
        cache[("users", 1, 10)] = known.fetch()
        functions.append(lambda: cache[("users", 1, 10)])
    ours, held, *theirs = side_by_side(functions, calls=20_000)
    yield Line("hit, api.queries.users(page=1, limit=10).fetch()", ours * MICRO, "µs", 5)
    yield Line("hit, with the query held", held * MICRO, "µs")
    for bare in theirs:
        yield Line("hit, a bare cachetools.TTLCache", bare * MICRO, "µs")
        yield Line("ours / cachetools", ours / bare, "times", 3)
        yield Line("ours with the query held / cachetools", held / bare, "times", 3)


def invalidations() -> Iterator[Line]:
    """Invalidating a prefix that matches 10 of 100,000 entries."""
    with QueryClient(max_entries=200_000) as queries:
        for number in range(100_000):
            queries.set_data(("users", str(number // 10), {"page": number % 10, "team": number // 10}), number)
        taken = each(lambda: queries.invalidate(("users", "5000")), 100)
        yield Line("invalidate 10 of 100,000 by prefix", taken * MILLI, "ms", 1)
        taken = each(lambda: queries.invalidate(("users", "5000", {"team": 5000})), 100)
        yield Line("invalidate 10 of 100,000 by dictionary", taken * MILLI, "ms", 1)


def stampede() -> Iterator[Line]:
    """200 threads that want one key at once."""
    calls = []
    gate = threading.Barrier(200)

    def fetch() -> str:
        calls.append(1)
        time.sleep(0.02)
        return "one"

    def ask(queries: QueryClient) -> str:
        gate.wait()
        return queries.fetch(("a",), fetch)

    with QueryClient() as queries, ThreadPoolExecutor(200) as pool:
        answers = [pool.submit(ask, queries) for _ in range(200)]
        assert {answer.result() for answer in answers} == {"one"}
    yield Line("requests for 200 threads that ask one key", len(calls), "calls", 1)


def notifications() -> Iterator[Line]:
    """One change told to 10,000 observers."""
    told: list[Any] = []
    with QueryClient(clock=Clock()) as queries:
        queries.set_data(("a",), 0)
        observers = [queries.observe(("a",), None, told.append) for _ in range(10_000)]
        times = []
        for number in range(1, ROUNDS + 1):
            told.clear()
            began = time.perf_counter()
            queries.set_data(("a",), number)
            times.append(time.perf_counter() - began)
            assert len(told) == len(observers)
    yield Line("10,000 observers told of a change", min(times) * MILLI, "ms", 50)
    yield Line("the same, median", statistics.median(times) * MILLI, "ms")


def main() -> int:
    """Measure and print; return 1 if a bar is missed and that matters."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--enforce", action="store_true", help="end with code 1 unless every bar is held")
    enforce = parser.parse_args().enforce
    missed = False
    for measure in (hits, invalidations, stampede, notifications):
        for line in measure():
            print(line, flush=True)
            missed |= not line.held
    return int(missed and enforce)


if __name__ == "__main__":
    raise SystemExit(main())
