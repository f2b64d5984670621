"""A clock and an executor that only tests move, functions to call, and threads to call them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from duologue import Clock
from duologue.query import QueryClient, QueryResult
from tests.waiting import eventually

T = TypeVar("T")

NO_LIMIT = 1e6
TIMEOUT = 30.0


class FakeClock(Clock):
    """A sleep advances it at once. A wait for another thread, which has no limit, is real."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float, until: threading.Event) -> None:
        if seconds > NO_LIMIT:
            assert until.wait(TIMEOUT), "the other thread did not end"
        elif not until.is_set():
            self.slept.append(seconds)
            self.seconds += seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


class ManualExecutor(Executor):
    """Keeps what is submitted until `run`, which calls it on the caller's thread."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], Any]] = []

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        self.jobs.append(lambda: fn(*args, **kwargs))
        return Future()

    def run(self) -> None:
        while self.jobs:
            self.jobs.pop(0)()


class Stage(NamedTuple):
    """A query client, and what moves it."""

    queries: QueryClient
    executor: ManualExecutor
    clock: FakeClock


def observe(stage: Stage, key: Any, function: Any, **options: Any) -> tuple[Any, list[QueryResult[Any]]]:
    """Return an observer, and the list of its results."""
    results: list[QueryResult[Any]] = []
    return stage.queries.observe(key, function, results.append, **options), results


class FakeFunction:
    """Counts its calls, and returns or raises one result after the other; the last one is repeated."""

    def __init__(self, *results: Any) -> None:
        self.results = list(results) or [None]
        self.calls = 0

    def __call__(self) -> Any:
        result = self.results[min(self.calls, len(self.results) - 1)]
        self.calls += 1
        if isinstance(result, BaseException):
            raise result
        return result() if callable(result) else result


class BlockingFunction:
    """Returns or raises its result when `release` is set; `started` is set when it is called."""

    def __init__(self, result: Any = "result") -> None:
        self.result = result
        self.calls = 0
        self.started = threading.Event()
        self.release = threading.Event()

    def __call__(self) -> Any:
        self.calls += 1
        self.started.set()
        assert self.release.wait(TIMEOUT), "the function was not released"
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result


class Thread(threading.Thread):
    """A thread that starts at once; `result` waits for it, and returns or raises the function's result."""

    def __init__(self, function: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._function = function
        self._error: BaseException | None = None
        self._value: Any = None
        self.start()

    def run(self) -> None:
        try:
            self._value = self._function()
        except BaseException as error:
            self._error = error

    @property
    def result(self) -> Any:
        self.join(TIMEOUT)
        assert not self.is_alive(), "the thread did not end"
        if self._error is not None:
            raise self._error
        return self._value


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until another thread has made a condition true, where there is no event to wait for."""
    assert eventually(condition, within=15), "the condition did not become true"
