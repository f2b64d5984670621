"""What the tests of the realtime connection share: a clock, a log of its status, and a server that handles events."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from duologue import Client, Clock
from duologue.http.request_ids import create_idempotency_key
from duologue.realtime import ConnectionEvent, Realtime
from duologue.realtime.status import NAMES
from duologue_mock import MockServer
from duologue_mock.realtime.outgoing_packet import OutgoingPacket

TIMEOUT = 5.0
"""Seconds within which what should happen now does, on a busy machine."""

Start = Callable[..., MockServer]
Connect = Callable[..., Client]


class GatedClock(Clock):
    """The real time, which the test can advance, but each sleep lasts until the test ends it."""

    def __init__(self) -> None:
        self._advanced = 0.0
        self.slept: list[float] = []
        self.asleep = threading.Semaphore(0)
        self._gate = threading.Semaphore(0)

    def monotonic(self) -> float:
        return super().monotonic() + self._advanced

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._advanced += seconds

    def sleep(self, seconds: float, until: threading.Event) -> None:
        self.slept.append(seconds)
        self.asleep.release()
        while not until.is_set() and not self._gate.acquire(timeout=0.01):
            pass

    def release(self, times: int = 1) -> None:
        """End a sleep, or as many as given."""
        self._gate.release(times)

    def wait_for_sleep(self) -> None:
        """Wait until a thread sleeps."""
        assert self.asleep.acquire(timeout=TIMEOUT)


class StatusLog:
    """The connection events that were emitted, in order."""

    def __init__(self, live: Realtime) -> None:
        self.events: list[ConnectionEvent] = []
        self._changed = threading.Condition()
        for name in NAMES:
            live.on(name, self._append)

    def _append(self, event: ConnectionEvent) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    @property
    def names(self) -> list[str]:
        return [event.name for event in self.events]

    def wait(self, *names: str) -> ConnectionEvent:
        """Wait until exactly these were emitted, and return the last."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.events) >= len(names), TIMEOUT), self.names
            assert self.names == list(names)
            return self.events[-1]


class ScriptedHandler:
    """Makes a mock accept events, which it otherwise rejects, and acknowledge them.

    Args:
        mock: the mock.
        acknowledge: returns the data of the acknowledgement, None for none.
    """

    def __init__(self, mock: MockServer, acknowledge: Callable[[list[Any]], list[Any] | None]) -> None:
        self.received: list[list[Any]] = []
        self._changed = threading.Condition()
        self._acknowledge = acknowledge
        self._realtime = mock._context.realtime
        self._realtime._reject_event = self._handle  # type: ignore[method-assign]

    def _handle(self, session: Any, packet: Any) -> None:
        event = packet.parse_data()
        with self._changed:
            self.received.append(event)
            self._changed.notify_all()
        data = self._acknowledge(event)
        if packet.id is not None and data is not None:
            session.send(OutgoingPacket(f"43{packet.id}{json.dumps(data)}"))

    def wait(self, count: int) -> list[list[Any]]:
        """Return the events received, once there are so many."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.received) >= count, TIMEOUT)
            return self.received


def disconnect_all(mock: MockServer) -> None:
    """Have the server end every connection."""
    mock._context.realtime._call_soon(mock._context.realtime.disconnect_all)


def emit(mock: MockServer, *events: tuple[Any, ...]) -> None:
    """Have the server send events, each a name and its arguments, to everyone."""
    realtime = mock._context.realtime

    def send() -> None:
        for event in events:
            for session in realtime._connections:
                session.send(OutgoingPacket(f"42{json.dumps(event)}"))

    realtime._call_soon(send)


def notify(mock: MockServer, number: int) -> None:
    """Have the server send a notification to the user John, and to administrators."""
    mock.notify("1", title=str(number), message="")


def get_threads() -> list[str]:
    """Return the names of the threads that belong to realtime connections."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(("duologue-r", "duologue-c"))]


def new_email() -> str:
    return f"{create_idempotency_key()}@example.com"
