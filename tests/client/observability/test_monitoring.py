"""How long calls take: measured by operation, in bounded memory, and formatted for Prometheus."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from duologue import (
    Client,
    ConnectError,
    MemoryTokenStorage,
    NotFoundError,
    OperationStats,
    PerformanceMonitor,
    Request,
    Response,
    StoredTokens,
)
from duologue.observability.monitoring import MAX_NAMES, OTHERS, quantile
from tests.client.fakes import MESSAGE, TOKENS, USER, FakeClock, FakeTransport, enveloped, reply

Talk = Callable[..., tuple[Client, FakeTransport]]


def slow(clock: FakeClock, seconds: float, outcome: Response) -> Callable[[Request], Response]:
    def respond(request: Request) -> Response:
        clock.time += timedelta(seconds=seconds)
        return outcome

    return respond


def test_report(talk: Talk, clock: FakeClock) -> None:
    api, _ = talk(
        slow(clock, 0.5, reply(200, USER)),
        slow(clock, 0.25, reply(404, {"message": "no"})),
        slow(clock, 1.0, reply(204)),
    )
    monitor = PerformanceMonitor().attach(api)
    api.users.get("1")
    with pytest.raises(NotFoundError):
        api.users.get("2")
    api.users.delete("1")
    report = monitor.report()
    assert list(report) == ["users.DELETE", "users.GET"]
    assert report["users.GET"] == OperationStats(2, 1, {"NotFoundError": 1}, 0.75, 0.25, 0.5, 0.5)
    assert report["users.GET"].mean == 0.375


def test_retries(talk: Talk, clock: FakeClock) -> None:
    api, _ = talk(ConnectError(), reply(200, USER), max_retries=1, retry_delay=1)
    monitor = PerformanceMonitor().attach(api)
    api.users.get("1")
    stats = monitor.report()["users.GET"]
    assert (stats.count, stats.errors) == (1, 0)
    assert stats.total == pytest.approx(sum(clock.slept), abs=1e-5)  # the clock counts microseconds


def test_refresh_is_a_call(talk: Talk) -> None:
    api, _ = talk(
        reply(401), reply(200, TOKENS), reply(200, USER), token_storage=MemoryTokenStorage(StoredTokens("t", "r"))
    )
    monitor = PerformanceMonitor().attach(api)
    api.users.get("1")
    assert {name: one.count for name, one in monitor.report().items()} == {"auth.REFRESH": 1, "users.GET": 1}


def stream(*events: bytes) -> Response:
    return Response(201, {"Content-Type": "text/event-stream"}, events)


DELTA = b'event: message.delta\ndata: {"id": "1", "delta": "Hi"}\n\n'


def test_stream(talk: Talk) -> None:
    done = b"event: message.completed\ndata: " + json.dumps(MESSAGE).encode() + b"\n\n"
    api, _ = talk(stream(DELTA, done), stream(DELTA), stream(DELTA, done), reply(404))
    monitor = PerformanceMonitor().attach(api)

    def count() -> tuple[int, int]:
        stats = monitor.report().get("smart_chat.ASK")
        return (stats.count, stats.errors) if stats else (0, 0)

    with api.smart_chat.stream("1", message="Hi") as reply_stream:
        next(reply_stream)
        assert count() == (0, 0)
        reply_stream.read()
    assert count() == (1, 0)
    with (
        api.smart_chat.stream("1", message="Hi") as reply_stream,
        pytest.raises(Exception, match="ended before"),
    ):
        reply_stream.read()
    assert count() == (2, 1)
    with api.smart_chat.stream("1", message="Hi") as reply_stream:
        next(reply_stream)
    assert count() == (3, 1)
    with pytest.raises(NotFoundError):
        api.smart_chat.stream("1", message="Hi")
    assert count() == (4, 2)


def test_attach_twice(talk: Talk) -> None:
    """A client that was attached twice is measured once."""
    api, _ = talk(reply(200, USER))
    monitor = PerformanceMonitor().attach(api).attach(api)
    api.users.get("1")
    assert monitor.report()["users.GET"].count == 1


def test_detach(talk: Talk) -> None:
    api, _ = talk(reply(200, USER))
    monitor = PerformanceMonitor().attach(api)
    monitor.detach(api)
    monitor.detach(api)
    api.users.get("1")
    assert monitor.report() == {}


def test_measure(clock: FakeClock) -> None:
    monitor = PerformanceMonitor(clock=clock)

    @monitor.measure("double")
    def double(number: int) -> int:
        clock.time += timedelta(seconds=number)
        return number * 2

    assert [double(1), double(3)] == [2, 6]
    with pytest.raises(KeyError), monitor.measure("double"):
        raise KeyError
    stats = monitor.report()["double"]
    assert (stats.count, stats.errors, stats.error_kinds, stats.total) == (3, 1, {"KeyError": 1}, 4.0)
    monitor.reset()
    assert monitor.report() == {}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([7], (7, 7, 7)),
        (range(1, 6), (3, 5, 5)),
        (range(1, 101), (50, 95, 99)),
        (range(1, 1001), (500, 950, 990)),
        ([1, 2], (1, 2, 2)),
    ],
)
def test_quantiles(values: Any, expected: tuple[float, ...]) -> None:
    shuffled = [float(value) for value in values]
    random.Random(7).shuffle(shuffled)
    monitor = PerformanceMonitor()
    for value in shuffled:
        monitor.record("x", value)
    stats = monitor.report()["x"]
    assert (stats.p50, stats.p95, stats.p99) == expected
    assert quantile(sorted(shuffled), 0) == min(shuffled)


def test_bounded_memory() -> None:
    monitor = PerformanceMonitor(window=10)
    for number in range(100):
        monitor.record("x", float(number))
    stats = monitor.report()["x"]
    assert (stats.count, stats.total, stats.p50, stats.p99) == (100, 4950.0, 94.0, 99.0)
    assert len(monitor._series["x"].recent) == 10
    for number in range(MAX_NAMES * 2):
        monitor.record(f"name {number}", 1.0)
    assert len(monitor.report()) == MAX_NAMES + 1
    assert monitor.report()[OTHERS].count == MAX_NAMES + 1
    with pytest.raises(ValueError, match="at least 1"):
        PerformanceMonitor(window=0)


def test_threads() -> None:
    monitor = PerformanceMonitor(window=8)
    together = threading.Barrier(8)

    def work() -> None:
        together.wait(5)
        for _ in range(500):
            monitor.record("x", 0.5)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    stats = monitor.report()["x"]
    assert (stats.count, stats.total) == (4000, 2000.0)


def test_prometheus() -> None:
    monitor = PerformanceMonitor()
    for seconds in (0.1, 0.2, 1e-07):
        monitor.record("users.LIST", seconds)
    odd = 'odd "name" \\ of\ntwo lines'
    monitor.record(odd, 2.0, error="NotFoundError")
    families = {family.name: family for family in text_string_to_metric_families(monitor.prometheus())}
    durations = families["duologue_call_duration_seconds"]
    assert durations.type == "summary"
    values = {
        (sample.name.removeprefix("duologue_call_duration_seconds"), *sorted(sample.labels.items())): sample.value
        for sample in durations.samples
    }
    listed = ("operation", "users.LIST")
    assert values["", listed, ("quantile", "0.5")] == 0.1
    assert values["", listed, ("quantile", "0.99")] == 0.2
    assert values["_count", listed] == 3
    assert values["_sum", listed] == pytest.approx(0.3)
    assert values["_count", ("operation", odd)] == 1
    (failed,) = families["duologue_call_errors"].samples
    assert (failed.name, failed.value) == ("duologue_call_errors_total", 1)
    assert failed.labels == {"operation": odd, "error": "NotFoundError"}


def test_prometheus_without_calls() -> None:
    families = list(text_string_to_metric_families(PerformanceMonitor().prometheus()))
    assert all(family.samples == [] for family in families)


def test_chat_call(talk: Talk) -> None:
    api, _ = talk(enveloped(MESSAGE))
    monitor = PerformanceMonitor().attach(api)
    api.messages.send("1", content="Hi")
    assert list(monitor.report()) == ["messages.SEND"]
