"""How long calls take, and how many fail: the platform document's `PerformanceMonitor`.

    monitor = PerformanceMonitor().attach(api)
    ...
    print(monitor.report()["users.LIST"].p95)
    print(monitor.prometheus())

Quantiles are exact over the last `window` calls of each operation, which a ring of floats remembers; counts and sums
are of all calls. So the memory has a bound, and a quantile tells of now rather than of last week.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from duologue.concurrency import fork_safety
from duologue.concurrency.clock import Clock

if TYPE_CHECKING:
    from duologue.client import Client
    from duologue.http.api_requestor import CallRecord

_log = logging.getLogger("duologue")

WINDOW = 1024
"""How many of the last calls of an operation quantiles are made of: 8 kB for each operation."""

MAX_NAMES = 500
"""How many names are told apart; what comes after that is measured together as `OTHERS`."""

OTHERS = "(others)"

PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""The media type of `PerformanceMonitor.prometheus`."""

_QUANTILES = (0.5, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class OperationStats:
    """What was measured under one name; times are in seconds.

    Args:
        count: how many calls there were.
        errors: how many of them failed.
        error_kinds: how many failed in which way, by the name of the exception.
        total: the sum of their times.
        p50: half of the last calls took no longer.
        p95: 95 of 100 took no longer.
        p99: 99 of 100 took no longer.
    """

    count: int
    errors: int
    error_kinds: dict[str, int]
    total: float
    p50: float
    p95: float
    p99: float

    @property
    def mean(self) -> float:
        """The mean time of all calls."""
        return self.total / self.count


class _Series:
    """What is remembered of one name."""

    def __init__(self, window: int) -> None:
        self.count = 0
        self.total = 0.0
        self.errors: Counter[str] = Counter()
        self.recent: deque[float] = deque(maxlen=window)

    def add(self, seconds: float, error: str | None) -> None:
        self.count += 1
        self.total += seconds
        self.recent.append(seconds)
        if error is not None:
            self.errors[error] += 1

    def measured(self) -> OperationStats:
        ranked = sorted(self.recent)
        p50, p95, p99 = (quantile(ranked, share) for share in _QUANTILES)
        return OperationStats(self.count, self.errors.total(), dict(self.errors), self.total, p50, p95, p99)


def quantile(ranked: Sequence[float], share: float) -> float:
    """Return the smallest of some sorted values that a share of them does not exceed (nearest rank).

    Args:
        ranked: the values, smallest first; at least one.
        share: from 0 to 1.
    """
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


class PerformanceMonitor:
    """Measures calls by name: those of a client when attached, anything else by `measure`; from any thread.

    Args:
        window: how many of the last calls of each name the quantiles are made of.
        clock: measures what `measure` encloses.

    Raises:
        ValueError: `window` is less than 1.
    """

    def __init__(self, *, window: int = WINDOW, clock: Clock | None = None) -> None:
        if window < 1:
            raise ValueError(f"window is {window!r}; it must be at least 1")
        self._window = window
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        fork_safety.watch_locks(self, "_lock")
        self._series: dict[str, _Series] = {}

    def attach(self, api: Client) -> Self:
        """Measure the calls of a client, by operation as in `users.LIST`, and return this monitor."""
        api._requestor.observers.append(self._observe)
        return self

    def detach(self, api: Client) -> None:
        """Measure the calls of a client no longer."""
        if self._observe in api._requestor.observers:
            api._requestor.observers.remove(self._observe)

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Measure what a `with` encloses or, as a decorator, each call of a function; the document's `measureApiCall`.

        Args:
            name: what to call it. Use few: an id in it makes a name for each id.
        """
        began = self._clock.monotonic()
        error: str | None = None
        try:
            yield
        except BaseException as raised:
            error = type(raised).__name__
            raise
        finally:
            self.record(name, self._clock.monotonic() - began, error=error)

    def record(self, name: str, seconds: float, *, error: str | None = None) -> None:
        """Add one measurement.

        Args:
            name: what was measured.
            seconds: how long it took.
            error: the kind of failure, None for a success.
        """
        _log.debug("%s took %.2f ms", name, seconds * 1000)
        with self._lock:
            self._series_of(name).add(seconds, error)

    def report(self) -> dict[str, OperationStats]:
        """Return what was measured until now, by name."""
        with self._lock:
            return {name: series.measured() for name, series in sorted(self._series.items())}

    def reset(self) -> None:
        """Forget all measurements."""
        with self._lock:
            self._series.clear()

    def prometheus(self) -> str:
        """Return the measurements as Prometheus text (exposition format 0.0.4, see `PROMETHEUS_TYPE`).

        `duologue_call_duration_seconds` is a summary, `duologue_call_errors_total` a counter by `error`. It is written
        here because prometheus_client's summaries have no quantiles.
        """
        report = self.report()
        lines = [*_summary(report), *_errors(report)]
        return "".join(f"{line}\n" for line in lines)

    def __repr__(self) -> str:
        return f"<PerformanceMonitor of {len(self._series)} names>"

    def _observe(self, record: CallRecord) -> None:
        error = record.error
        self.record(record.operation.id, record.elapsed, error=type(error).__name__ if error else None)

    def _series_of(self, name: str) -> _Series:
        if name not in self._series and len(self._series) >= MAX_NAMES:
            name = OTHERS
        return self._series.setdefault(name, _Series(self._window))


def _summary(report: dict[str, OperationStats]) -> Iterator[str]:
    name = "duologue_call_duration_seconds"
    yield f"# HELP {name} Time until the whole answer was there, retries included."
    yield f"# TYPE {name} summary"
    for operation, one in report.items():
        label = f'operation="{_escaped(operation)}"'
        for share, value in zip(_QUANTILES, (one.p50, one.p95, one.p99), strict=True):
            yield f'{name}{{{label},quantile="{share}"}} {value!r}'
        yield f"{name}_sum{{{label}}} {one.total!r}"
        yield f"{name}_count{{{label}}} {one.count}"


def _errors(report: dict[str, OperationStats]) -> Iterator[str]:
    name = "duologue_call_errors_total"
    yield f"# HELP {name} Calls that failed, by the kind of failure."
    yield f"# TYPE {name} counter"
    for operation, one in report.items():
        for kind, count in sorted(one.error_kinds.items()):
            yield f'{name}{{operation="{_escaped(operation)}",error="{_escaped(kind)}"}} {count}'


def _escaped(label: str) -> str:
    return label.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
