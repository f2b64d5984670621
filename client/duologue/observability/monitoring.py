"""How long calls take, and how many fail: the Platform API specification's `PerformanceMonitor`.

    monitor = PerformanceMonitor().attach(api)
    ...
    print(monitor.report()["users.LIST"].p95)
    print(monitor.prometheus())

Quantiles are exact over the last `window` calls of each operation, which a ring buffer holds; counts and sums are of
all calls. So the memory is bounded, and a quantile describes the present rather than last week.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self
from weakref import WeakKeyDictionary

from duologue.concurrency import fork_safety
from duologue.concurrency.clock import Clock
from duologue.observability.on_call import CallRecord, ObservableClient

_log = logging.getLogger("duologue")

WINDOW = 1024
"""How many of the last calls of an operation the quantiles are computed from: 8 kB for each operation."""

MAX_NAMES = 500
"""How many names are measured apart; further ones are measured together as `OTHERS`."""

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
        error_kinds: how many failed with which exception, by its name.
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
    """The measurements under one name."""

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

    def build_stats(self) -> OperationStats:
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
        window: how many of the last calls of each name the quantiles are computed from.
        clock: the time, for `measure`.

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
        self._attached: WeakKeyDictionary[ObservableClient, Callable[[], None]] = WeakKeyDictionary()

    def attach(self, api: ObservableClient) -> Self:
        """Measure the calls of a client, by operation as in `users.LIST`, and return this monitor."""
        if api not in self._attached:
            self._attached[api] = api.on_call(self._record_call)
        return self

    def detach(self, api: ObservableClient) -> None:
        """Stop measuring the calls of a client."""
        self._attached.pop(api, lambda: None)()

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Measure a `with` block or, as a decorator, each call of a function; the specification's `measureApiCall`.

        Args:
            name: the name to record it under. Use few: an id in it creates a name for each id.
        """
        started = self._clock.monotonic()
        error: str | None = None
        try:
            yield
        except BaseException as raised:
            error = type(raised).__name__
            raise
        finally:
            self.record(name, self._clock.monotonic() - started, error=error)

    def record(self, name: str, seconds: float, *, error: str | None = None) -> None:
        """Add one measurement.

        Args:
            name: what was measured.
            seconds: how long it took.
            error: the name of the exception, None for a success.
        """
        _log.debug("%s took %.2f ms", name, seconds * 1000)
        with self._lock:
            self._get_series(name).add(seconds, error)

    def report(self) -> dict[str, OperationStats]:
        """Return the measurements until now, by name."""
        with self._lock:
            return {name: series.build_stats() for name, series in sorted(self._series.items())}

    def reset(self) -> None:
        """Remove all measurements."""
        with self._lock:
            self._series.clear()

    def prometheus(self) -> str:
        """Return the measurements as Prometheus text (exposition format 0.0.4, see `PROMETHEUS_TYPE`).

        `duologue_call_duration_seconds` is a summary, `duologue_call_errors_total` a counter by `error`. It is written
        here because prometheus_client's summaries have no quantiles.
        """
        report = self.report()
        lines = [*_format_summary(report), *_format_errors(report)]
        return "".join(f"{line}\n" for line in lines)

    def __repr__(self) -> str:
        return f"<PerformanceMonitor of {len(self._series)} names>"

    def _record_call(self, record: CallRecord) -> None:
        error = record.error
        self.record(record.operation.id, record.elapsed, error=type(error).__name__ if error else None)

    def _get_series(self, name: str) -> _Series:
        if name not in self._series and len(self._series) >= MAX_NAMES:
            name = OTHERS
        return self._series.setdefault(name, _Series(self._window))


def _format_summary(report: dict[str, OperationStats]) -> Iterator[str]:
    name = "duologue_call_duration_seconds"
    yield f"# HELP {name} Time until the whole response had arrived, retries included."
    yield f"# TYPE {name} summary"
    for operation, stats in report.items():
        label = f'operation="{_escape(operation)}"'
        for share, value in zip(_QUANTILES, (stats.p50, stats.p95, stats.p99), strict=True):
            yield f'{name}{{{label},quantile="{share}"}} {value!r}'
        yield f"{name}_sum{{{label}}} {stats.total!r}"
        yield f"{name}_count{{{label}}} {stats.count}"


def _format_errors(report: dict[str, OperationStats]) -> Iterator[str]:
    name = "duologue_call_errors_total"
    yield f"# HELP {name} Calls that failed, by exception."
    yield f"# TYPE {name} counter"
    for operation, stats in report.items():
        for kind, count in sorted(stats.error_kinds.items()):
            yield f'{name}{{operation="{_escape(operation)}",error="{_escape(kind)}"}} {count}'


def _escape(label: str) -> str:
    return label.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
