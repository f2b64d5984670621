"""How fast and how whole do events reach a callback? Client and mock in two processes, over loopback.

    python -m benchmarks.realtime             # half a minute
    python -m benchmarks.realtime --quick     # some seconds, to see that it works

Each measure is taken beside bare python-socketio, which the client is built on, in the same run: what it adds is ours.
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

LATENCY = 5.0  # ms, median
RATE = 1_000  # events per second

_SERVER = """
import sys, time, threading
from duologue_mock import MockServer
mock = MockServer(port={port}, chat_port={chat_port}, rate_limit=None, shutdown_timeout=0.5).start()
realtime = mock._context.realtime
print(mock.port, mock.chat_port, flush=True)

def send(number):
    realtime._call_soon(lambda: realtime._io.emit("n", [number, time.time()]))

for line in sys.stdin:
    count, rate = (float(word) for word in line.split())
    began = time.perf_counter()
    for number in range(int(count)):
        time.sleep(max(0.0, began + number / rate - time.perf_counter()))
        send(number)
"""


@dataclass(frozen=True)
class Heard:
    """What arrived: the events' numbers in the order they came, and how long each took, in ms."""

    numbers: list[int]
    delays: list[float]

    def whole(self, count: int) -> bool:
        """Whether nothing was lost, doubled or overtaken."""
        return self.numbers == list(range(count))


class _Ear:
    """Writes down what it hears."""

    def __init__(self, count: int) -> None:
        self._count, self._done = count, threading.Event()
        self._heard: list[tuple[int, float]] = []

    def __call__(self, sent: Any) -> None:
        number, at = sent
        self._heard.append((number, (time.time() - at) * 1000))
        if len(self._heard) == self._count:
            self._done.set()

    def wait(self, seconds: float) -> Heard:
        self._done.wait(seconds)
        heard = list(self._heard)
        return Heard([number for number, _ in heard], [delay for _, delay in heard])


class _Mock:
    """A mock in a process of its own, which sends numbered events when told."""

    def __init__(self, port: int = 0, chat_port: int = 0) -> None:
        script = _SERVER.format(port=port, chat_port=chat_port)
        self._process = subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.port, self.chat_port = (int(word) for word in self._process.stdout.readline().split())

    def __enter__(self) -> _Mock:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def send(self, count: int, rate: float) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{count} {rate}\n")
        self._process.stdin.flush()

    def client(self) -> Client:
        return Client(
            base_url=f"http://127.0.0.1:{self.port}/api",
            chat_base_url=f"http://127.0.0.1:{self.chat_port}/chats-service/api/v1",
            user_id="benchmark",
        )


def ours(mock: _Mock, transport: str, hear: Callable[[Any], None], stack: ExitStack) -> None:
    """Hear with Duologue's client."""
    api = stack.enter_context(mock.client())
    api.realtime.subscribe(Event("n"), hear)
    api.realtime.connect(transports=[transport])


def bare(mock: _Mock, transport: str, hear: Callable[[Any], None], stack: ExitStack) -> None:
    """Hear with python-socketio alone."""
    socket = socketio.Client(handle_sigint=False)
    socket.on("n", hear)
    socket.connect(f"http://127.0.0.1:{mock.port}", transports=[transport])
    stack.callback(socket.disconnect)


def measure(listen: Callable[..., None], mock: _Mock, transport: str, count: int, rate: float) -> Heard:
    """Send so many events at this rate, and return what was heard."""
    ear = _Ear(count)
    with ExitStack() as stack:
        listen(mock, transport, ear, stack)
        mock.send(count, rate)
        return ear.wait(count / rate + 5)


class _Hasty(Clock):
    """Waits a hundredth of what it should, so that nobody has to."""

    def sleep(self, seconds: float, until: threading.Event) -> None:
        """Wait a little."""
        until.wait(seconds / 100)


def caught_up() -> tuple[bool, float]:
    """Restart a server that changes meanwhile; return whether the state was known again, and the seconds it took."""
    mock = MockServer(rate_limit=None, shutdown_timeout=0.5).start()
    known: dict[str, int] = {}
    again = threading.Event()
    with Client(base_url=mock.base_url, chat_base_url=mock.chat_base_url, api_key=mock.api_key, clock=_Hasty()) as api:

        def catch_up(event: object) -> None:
            known["users"] = api.users.list().total
            again.set()

        api.realtime.on("reconnected", catch_up)
        with api.realtime.connect(reconnect=Reconnect(attempts=10)):
            before = api.users.list().total
            mock.stop()
            _change(mock.state)
            began = time.perf_counter()
            with MockServer(port=mock.port, chat_port=mock.chat_port, state=mock.state, shutdown_timeout=0.5):
                again.wait(10)
                took = time.perf_counter() - began
                api.realtime.disconnect()
    return known.get("users") == before + 1, took


def _change(state: State) -> None:
    """Make a user that our client hears nothing of: on a server of other ports."""
    with MockServer(state=state) as elsewhere, Client(base_url=elsewhere.base_url) as other:
        other.users.create(name="Missed", email="missed@example.com")


def main() -> int:
    """Measure, print a table and the bars; return 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the events")
    seconds = 1 if parser.parse_args().quick else 10
    count, bars = RATE * seconds, list[Bar]()
    print("| who | transport | events/s | heard | in order | p50 ms | p99 ms |\n|---|---|---:|---:|---|---:|---:|")
    with _Mock() as mock:
        for transport in ("websocket", "polling"):
            for rate, number in ((100.0, 10 * seconds * 3), (float(RATE), count)):
                for name, listen in (("bare python-socketio", bare), ("Duologue", ours)):
                    heard = measure(listen, mock, transport, number, rate)
                    print(_row(name, transport, rate, number, heard), flush=True)
                    if listen is ours:
                        bars += _bars(transport, rate, number, heard)
    known, took = caught_up()
    bars.append(Bar(f"state known again after a restart: {took:.2f} s with waits of a hundredth", known))
    for bar in bars:
        print(bar)
    return 0 if all(bar.held for bar in bars) else 1


def _row(name: str, transport: str, rate: float, count: int, heard: Heard) -> str:
    delays = sorted(heard.delays) or [float("nan")]
    median, worst = statistics.median(delays), delays[int(len(delays) * 0.99)]
    order = "yes" if heard.numbers == sorted(heard.numbers) else "no"
    return (
        f"| {name} | {transport} | {rate:,.0f} | {len(heard.numbers)}/{count} | {order} | {median:.2f} | {worst:.2f} |"
    )


def _bars(transport: str, rate: float, count: int, heard: Heard) -> list[Bar]:
    whole = Bar(f"{transport}: {count:,} events at {rate:,.0f}/s without loss or reordering", heard.whole(count))
    if rate >= RATE:
        return [whole]
    median = statistics.median(heard.delays or [float("inf")])
    return [whole, Bar(f"{transport}: event to callback {median:.2f} ms, at most {LATENCY:g}", median <= LATENCY)]


if __name__ == "__main__":
    sys.exit(main())
