"""Measure how fast and how completely Realtime events reach a callback, with client and mock in two processes.

    python -m benchmarks.realtime             # half a minute
    python -m benchmarks.realtime --quick     # a few seconds, to check that it runs

Each measurement is repeated with bare python-socketio, which the client is built on: the difference is our overhead.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import socketio

from benchmarks.bars import Bar
from duologue import Client, Clock, Event
from duologue.realtime import Reconnect
from duologue_mock import MockServer
from duologue_mock.store import State

MAX_LATENCY = 5.0  # ms, median
HIGH_RATE = 1_000  # events per second

_SERVER_SCRIPT = """
import sys, time, threading
from duologue_mock import MockServer
mock = MockServer(port={port}, chat_port={chat_port}, rate_limit=None, shutdown_timeout=0.5).start()
realtime = mock._context.realtime
print(mock.port, mock.chat_port, flush=True)

def send(number):
    realtime._call_soon(lambda: realtime._emit("n", [number, time.time()], None))

for line in sys.stdin:
    count, rate = (float(value) for value in line.split())
    started_at = time.perf_counter()
    for number in range(int(count)):
        time.sleep(max(0.0, started_at + number / rate - time.perf_counter()))
        send(number)
"""


@dataclass(frozen=True)
class ReceivedEvents:
    """The events' numbers in the order of their arrival, and the delay of each in ms."""

    numbers: list[int]
    delays: list[float]

    def is_complete(self, count: int) -> bool:
        """Return whether no event was lost, duplicated or reordered."""
        return self.numbers == list(range(count))


class _EventRecorder:
    """Records the events that it is called with."""

    def __init__(self, count: int) -> None:
        self._count, self._complete = count, threading.Event()
        self._events: list[tuple[int, float]] = []

    def __call__(self, data: Any) -> None:
        number, sent_at = data
        self._events.append((number, (time.time() - sent_at) * 1000))
        if len(self._events) == self._count:
            self._complete.set()

    def wait(self, timeout: float) -> ReceivedEvents:
        """Wait for the expected number of events, and return those that have arrived."""
        self._complete.wait(timeout)
        events = list(self._events)
        return ReceivedEvents([number for number, _ in events], [delay for _, delay in events])


class _MockProcess:
    """A mock server in its own process, which sends numbered events on request."""

    def __init__(self, port: int = 0, chat_port: int = 0) -> None:
        script = _SERVER_SCRIPT.format(port=port, chat_port=chat_port)
        self._process = subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.port, self.chat_port = (int(value) for value in self._process.stdout.readline().split())

    def __enter__(self) -> _MockProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def send_events(self, count: int, rate: float) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{count} {rate}\n")
        self._process.stdin.flush()

    def create_client(self) -> Client:
        return Client(
            base_url=f"http://127.0.0.1:{self.port}/api",
            chat_base_url=f"http://127.0.0.1:{self.chat_port}/chats-service/api/v1",
            user_id="benchmark",
        )


def subscribe_with_duologue(
    mock: _MockProcess, transport: str, callback: Callable[[Any], None], stack: ExitStack
) -> None:
    """Subscribe to the events with Duologue's client."""
    api = stack.enter_context(mock.create_client())
    api.realtime.subscribe(Event("n"), callback)
    api.realtime.connect(transports=[transport])


def subscribe_with_socketio(
    mock: _MockProcess, transport: str, callback: Callable[[Any], None], stack: ExitStack
) -> None:
    """Subscribe to the events with bare python-socketio."""
    socket = socketio.Client(handle_sigint=False)
    socket.on("n", callback)
    socket.connect(f"http://127.0.0.1:{mock.port}", transports=[transport])
    stack.callback(socket.disconnect)


def measure_delivery(
    subscribe: Callable[..., None], mock: _MockProcess, transport: str, count: int, rate: float
) -> ReceivedEvents:
    """Send events at a rate, and return those that were received."""
    recorder = _EventRecorder(count)
    with ExitStack() as stack:
        subscribe(mock, transport, recorder, stack)
        mock.send_events(count, rate)
        return recorder.wait(count / rate + 5)


class _FastClock(Clock):
    """A clock whose waits take a hundredth of their time."""

    def sleep(self, seconds: float, until: threading.Event) -> None:
        """Wait for a hundredth of the seconds, or until an event is set."""
        until.wait(seconds / 100)


def measure_resync() -> tuple[bool, float]:
    """Restart a server and change its data meanwhile; return whether the client saw the change, and after how long."""
    mock = MockServer(rate_limit=None, shutdown_timeout=0.5).start()
    totals: list[int] = []
    resynced = threading.Event()
    with Client(
        base_url=mock.base_url, chat_base_url=mock.chat_base_url, api_key=mock.api_key, clock=_FastClock()
    ) as api:

        def refetch(event: object) -> None:
            totals.append(api.users.list().total)
            resynced.set()

        api.realtime.on("reconnected", refetch)
        with api.realtime.connect(reconnect=Reconnect(attempts=10)):
            total_before = api.users.list().total
            mock.stop()
            _create_user_elsewhere(mock.state)
            started_at = time.perf_counter()
            with MockServer(port=mock.port, chat_port=mock.chat_port, state=mock.state, shutdown_timeout=0.5):
                resynced.wait(10)
                seconds = time.perf_counter() - started_at
                api.realtime.disconnect()
    return totals[-1:] == [total_before + 1], seconds


def _create_user_elsewhere(state: State) -> None:
    """Create a user through a server on other ports, so that our client receives no event about it."""
    with MockServer(state=state) as mock, Client(base_url=mock.base_url) as api:
        api.users.create(name="Missed", email="missed@example.com")


def main() -> int:
    """Measure, print a table and the bars; return 1 if `--enforce` was given and a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the events")
    parser.add_argument("--enforce", action="store_true", help="exit with 1 unless every bar is held")
    options = parser.parse_args()
    seconds = 1 if options.quick else 10
    bars: list[Bar] = []
    print(
        "| client | transport | events/s | received | in order | p50 ms | p99 ms |\n|---|---|---:|---:|---|---:|---:|"
    )
    with _MockProcess() as mock:
        for transport in ("websocket", "polling"):
            for rate, count in ((100.0, 10 * seconds * 3), (float(HIGH_RATE), HIGH_RATE * seconds)):
                for name, subscribe in (
                    ("bare python-socketio", subscribe_with_socketio),
                    ("Duologue", subscribe_with_duologue),
                ):
                    received = measure_delivery(subscribe, mock, transport, count, rate)
                    print(_format_row(name, transport, rate, count, received), flush=True)
                    if subscribe is subscribe_with_duologue:
                        bars += _build_bars(transport, rate, count, received)
    is_resynced, resync_seconds = measure_resync()
    bars.append(Bar(f"data up to date after a restart: {resync_seconds:.2f} s, waits cut to a hundredth", is_resynced))
    for bar in bars:
        print(bar)
    return 1 if options.enforce and not all(bar.held for bar in bars) else 0


def _format_row(name: str, transport: str, rate: float, count: int, received: ReceivedEvents) -> str:
    delays = sorted(received.delays) or [float("nan")]
    p50, p99 = statistics.median(delays), delays[int(len(delays) * 0.99)]
    order = "yes" if received.numbers == sorted(received.numbers) else "no"
    return f"| {name} | {transport} | {rate:,.0f} | {len(received.numbers)}/{count} | {order} | {p50:.2f} | {p99:.2f} |"


def _build_bars(transport: str, rate: float, count: int, received: ReceivedEvents) -> list[Bar]:
    delivery = Bar(
        f"{transport}: {count:,} events at {rate:,.0f}/s without loss or reordering", received.is_complete(count)
    )
    if rate >= HIGH_RATE:
        return [delivery]
    median = statistics.median(received.delays or [float("inf")])
    latency = Bar(f"{transport}: event to callback {median:.2f} ms, at most {MAX_LATENCY:g}", median <= MAX_LATENCY)
    return [delivery, latency]


if __name__ == "__main__":
    sys.exit(main())
