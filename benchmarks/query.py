"""Compare the query layer with requests-cache and cachetools, in one run: `python -m benchmarks.query [--enforce]`.

Only this benchmark needs the peers: `pip install 'duologue[bench]'`. One that is not installed is left out.
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
MICROSECONDS, MILLISECONDS = 1e6, 1e3


@dataclass(frozen=True)
class Measurement:
    """One line of the output.

    Args:
        name: what was measured.
        value: the result.
        unit: its unit.
        limit: the bar: the highest value allowed, or None for no bar.
    """

    name: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def held(self) -> bool:
        """Whether the value is within its limit."""
        return self.limit is None or self.value <= self.limit

    def __str__(self) -> str:
        bar = "" if self.limit is None else f"at most {self.limit:g}  {'PASS' if self.held else 'MISS'}"
        return f"{self.name:58} {self.value:10.3f} {self.unit:8} {bar}"


def measure_seconds(functions: Sequence[Callable[[], object]], calls: int) -> list[float]:
    """Return the seconds of one call of each function: the best of several interleaved rounds."""
    rounds: list[list[float]] = [[] for _ in functions]
    for _ in range(ROUNDS):
        for function, seconds in zip(functions, rounds, strict=True):
            started_at = time.perf_counter()
            for _ in range(calls):
                function()
            seconds.append((time.perf_counter() - started_at) / calls)
    return [min(seconds) for seconds in rounds]


def measure_hits() -> Iterator[Measurement]:
    """Measure a cache hit: ours through `api.queries`, requests-cache in memory, and a bare cachetools.TTLCache."""
    with MockServer(rate_limit=None) as mock, Client(base_url=mock.base_url, chat_base_url=mock.chat_base_url) as api:
        queries, query = api.queries, api.queries.users()
        query.fetch()
        yield from compare_with_requests_cache(mock.base_url + "/users", queries)
        yield from compare_with_cachetools(queries, query)


def compare_with_requests_cache(url: str, queries: Queries) -> Iterator[Measurement]:
    """Measure a hit of ours and of requests-cache."""
    try:
        import requests_cache
    except ImportError:
        print("requests-cache is not installed: left out")
        return
    session: Any = requests_cache.CachedSession(backend="memory")
    session.trust_env = False
    session.get(url)
    ours, peer = measure_seconds(
        [lambda: queries.users(page=1, limit=10).fetch(), lambda: session.get(url).json()], calls=200
    )
    session.close()
    yield Measurement("hit, requests-cache in memory, json() included", peer * MICROSECONDS, "µs")
    yield Measurement("ours / requests-cache", ours / peer, "times", 0.1)


def compare_with_cachetools(queries: Queries, query: BoundQuery[UserPage]) -> Iterator[Measurement]:
    """Measure a hit of ours, with a new and with a reused query, and of a dictionary whose entries expire."""
    functions: list[Callable[[], object]] = [lambda: queries.users(page=1, limit=10).fetch(), query.fetch]
    try:
        import cachetools
    except ImportError:
        print("cachetools is not installed: left out")
    else:
        cache: Any = cachetools.TTLCache(maxsize=10_000, ttl=300)
        cache[("users", 1, 10)] = query.fetch()
        functions.append(lambda: cache[("users", 1, 10)])
    ours, ours_reused, *peers = measure_seconds(functions, calls=20_000)
    yield Measurement("hit, api.queries.users(page=1, limit=10).fetch()", ours * MICROSECONDS, "µs", 5)
    yield Measurement("hit, with a reused query", ours_reused * MICROSECONDS, "µs")
    for peer in peers:
        yield Measurement("hit, a bare cachetools.TTLCache", peer * MICROSECONDS, "µs")
        yield Measurement("ours / cachetools", ours / peer, "times", 3)
        yield Measurement("ours with a reused query / cachetools", ours_reused / peer, "times", 3)


def measure_invalidation() -> Iterator[Measurement]:
    """Measure the invalidation of 10 of 100,000 entries, by a key prefix and by a dictionary in the key."""
    with QueryClient(max_entries=200_000) as queries:
        for number in range(100_000):
            queries.set_data(("users", str(number // 10), {"page": number % 10, "team": number // 10}), number)
        [seconds] = measure_seconds([lambda: queries.invalidate(("users", "5000"))], 100)
        yield Measurement("invalidate 10 of 100,000 by prefix", seconds * MILLISECONDS, "ms", 1)
        [seconds] = measure_seconds([lambda: queries.invalidate(("users", "5000", {"team": 5000}))], 100)
        yield Measurement("invalidate 10 of 100,000 by dictionary", seconds * MILLISECONDS, "ms", 1)


def count_concurrent_fetches() -> Iterator[Measurement]:
    """Count the requests when 200 threads fetch one key at the same time."""
    calls = []
    barrier = threading.Barrier(200)

    def request() -> str:
        calls.append(1)
        time.sleep(0.02)
        return "data"

    def fetch(queries: QueryClient) -> str:
        barrier.wait()
        return queries.fetch(("a",), request)

    with QueryClient() as queries, ThreadPoolExecutor(200) as pool:
        futures = [pool.submit(fetch, queries) for _ in range(200)]
        assert {future.result() for future in futures} == {"data"}
    yield Measurement("requests for 200 threads that fetch one key", len(calls), "calls", 1)


def measure_notification() -> Iterator[Measurement]:
    """Measure the notification of 10,000 observers of one change."""
    results: list[Any] = []
    with QueryClient(clock=Clock()) as queries:
        queries.set_data(("a",), 0)
        observers = [queries.observe(("a",), None, results.append) for _ in range(10_000)]
        seconds = []
        for number in range(1, ROUNDS + 1):
            results.clear()
            started_at = time.perf_counter()
            queries.set_data(("a",), number)
            seconds.append(time.perf_counter() - started_at)
            assert len(results) == len(observers)
    yield Measurement("10,000 observers notified of a change", min(seconds) * MILLISECONDS, "ms", 50)
    yield Measurement("the same, median", statistics.median(seconds) * MILLISECONDS, "ms")


def main() -> int:
    """Measure and print; return 1 if `--enforce` was given and a bar is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--enforce", action="store_true", help="exit with 1 unless every bar is held")
    enforce = parser.parse_args().enforce
    missed = False
    for measure in (measure_hits, measure_invalidation, count_concurrent_fetches, measure_notification):
        for measurement in measure():
            print(measurement, flush=True)
            missed |= not measurement.held
    return int(missed and enforce)


if __name__ == "__main__":
    raise SystemExit(main())
