"""A Socket.IO connection that remembers the events it received."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import requests
import socketio
from engineio import client as engine_client
from engineio.payload import Payload

from duologue.conformance.target.caller import Api, Record


class _AnyNumberOfPackets(Payload):  # type: ignore[misc]  # the library has no types
    max_decode_packets = 10_000


# The Python client takes no more than 16 packets from one poll; browsers take any number. A server in this process uses
# the same class, and must keep its own limit.
engine_client.payload = SimpleNamespace(Payload=_AnyNumberOfPackets)

_QUIET = logging.getLogger(__name__)
"""What the library logs, which would write on standard error where nothing else is configured: tests judge."""
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False

DEADLINE = 5.0
"""Seconds within which an event must be received."""

WAYS = {"websocket": ["websocket"], "polling": ["polling"], "polling that upgrades": ["polling", "websocket"]}
"""Transports, as a client may request them."""

EmittedEvent = tuple[str, Any]
Listen = Callable[..., "Listener"]
"""Connects to the shared server, or to another origin."""


class RefusedError(Exception):
    """The handshake was refused; `payload` is the data of the server's `connect_error`."""

    def __init__(self, payload: Any) -> None:
        super().__init__(str(payload))
        self.payload = payload


class Listener:
    """Connects when it is created, or raises `RefusedError`; `events` are all that it received, in order."""

    def __init__(
        self, origin: str, *, auth: Any = None, transports: list[str] | None = None, record: Record | None = None
    ) -> None:
        self._record = record
        self.events: list[EmittedEvent] = []
        self.on_event: Callable[[str, Any], None] | None = None
        self._news = threading.Condition()
        self._gone = threading.Event()
        self._connect_errors: list[Any] = []
        self._http = requests.Session()
        self._http.trust_env = False
        quiet = {"logger": _QUIET, "engineio_logger": _QUIET}
        self.client = socketio.Client(reconnection=False, http_session=self._http, handle_sigint=False, **quiet)
        _take_packets_in_turn(self.client.eio)
        self.client.on("*", self._append)
        self.client.on("disconnect", lambda *_: self._gone.set())
        self.client.on("connect_error", self._on_connect_error)
        try:
            self.client.connect(origin, auth=auth, transports=transports or ["websocket"], wait_timeout=DEADLINE)
        except socketio.exceptions.ConnectionError as error:
            self.close()
            raise RefusedError(self._connect_errors[0] if self._connect_errors else str(error)) from error

    def _append(self, event: str, *args: Any) -> None:
        payload = args[0] if args else None
        if self._record is not None:
            self._record.events.append(event)
        if self.on_event is not None:
            self.on_event(event, payload)
        with self._news:
            self.events.append((event, payload))
            self._news.notify_all()

    def _on_connect_error(self, payload: Any) -> None:
        self._connect_errors.append(payload)
        self.client.eio.disconnect(abort=True)  # or a last poll, already useless, may hold it up until the next ping

    def wait_for(self, event: str, **where: Any) -> Any:
        """Return the payload of the first event of this name with these fields, received before or after now."""
        with self._news:
            assert self._news.wait_for(lambda: self._select(event, where), DEADLINE), f"{event} not among {self.events}"
            return self._select(event, where)[0]

    def _select(self, event: str, where: dict[str, Any]) -> list[Any]:
        return [
            payload
            for name, payload in self.events
            if name == event and all(payload.get(key) == value for key, value in where.items())
        ]

    def about(self, prefix: str) -> list[EmittedEvent]:
        """Return the events whose names start with a prefix."""
        return [event for event in self.events if event[0].startswith(prefix)]

    def is_dropped(self, within: float = DEADLINE) -> bool:
        """Whether the server ends the connection in time."""
        return self._gone.wait(within)

    def close(self) -> None:
        """Disconnect."""
        if self._gone.is_set():
            self._end_writing()
        try:
            self.client.disconnect()
        finally:
            self._end_writing()
            if self.client.eio.ws is not None:
                self.client.eio.ws.shutdown()  # which Engine.IO's client leaves open if the server ended it
            self._http.close()

    def _end_writing(self) -> None:
        """End the library's thread that sends: if the server disconnects, it may wait half a minute for something."""
        if self.client.eio.queue is not None:
            self.client.eio.queue.put(None)


def _take_packets_in_turn(engine: Any) -> None:
    """Have events handled in their order: the Python client starts a thread for each, browsers do not."""
    trigger = engine._trigger_event
    engine._trigger_event = lambda event, *args, **options: trigger(event, *args, **{**options, "run_async": False})


def chat_auth(chat: Api) -> dict[str, str]:
    """Return the handshake of a user of the chat service."""
    return {"apiKey": chat.headers["x-api-key"], "userId": chat.headers["x-user-id"]}
