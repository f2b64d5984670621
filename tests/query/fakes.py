"""A clock that only tests move, and executors that run when told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from duologue import Clock

T = TypeVar("T")

FOR_EVER = 1e6
PATIENCE = 30.0


class SteppedClock(Clock):
    """Sleeping moves it at once. Waiting for another thread, which has no end, is real."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float, until: threading.Event) -> None:
        if seconds > FOR_EVER:
            assert until.wait(PATIENCE), "another thread never ended"
        elif not until.is_set():
            self.slept.append(seconds)
            self.seconds += seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


class Later(Executor):
    """Keeps what is submitted until `run`, which does it on the caller's thread."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], Any]] = []

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        self.jobs.append(lambda: fn(*args, **kwargs))
        return Future()

    def run(self) -> None:
        while self.jobs:
            self.jobs.pop(0)()


class Server:
    """A function that counts its calls and answers as told; the last answer is repeated."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers) or [None]
        self.calls = 0

    def __call__(self) -> Any:
        answer = self.answers[min(self.calls, len(self.answers) - 1)]
        self.calls += 1
        if isinstance(answer, BaseException):
            raise answer
        return answer() if callable(answer) else answer


class Held:
    """A function that does not return until told; `begun` is set when it has been called."""

    def __init__(self, answer: Any = "answer") -> None:
        self.answer = answer
        self.calls = 0
        self.begun = threading.Event()
        self.release = threading.Event()

    def __call__(self) -> Any:
        self.calls += 1
        self.begun.set()
        assert self.release.wait(PATIENCE), "nobody released the function"
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


class Thread(threading.Thread):
    """A thread whose result can be had, raised if it is an error."""

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
        self.join(PATIENCE)
        assert not self.is_alive(), "the thread did not end"
        if self._error is not None:
            raise self._error
        return self._value


def until(condition: Callable[[], bool]) -> None:
    """Wait for another thread to get somewhere; for what cannot be told by an event."""
    pause = threading.Event()
    for _ in range(3000):
        if condition():
            return
        pause.wait(0.005)
    raise AssertionError("it never happened")


def numbers() -> Iterator[int]:
    number = 0
    while True:
        number += 1
        yield number
