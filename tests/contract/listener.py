"""A Socket.IO connection that remembers what it heard."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import requests
import socketio
from engineio import client as engine_client
from engineio.payload import Payload

from tests.contract.wire import Api


class _AnyNumberOfPackets(Payload):  # type: ignore[misc]  # the library has no types
    max_decode_packets = 10_000


# The Python client takes no more than 16 packets from one poll; browsers take any number. A server in this process uses
# the same class, and must keep its own limit.
engine_client.payload = SimpleNamespace(Payload=_AnyNumberOfPackets)

DEADLINE = 5.0
"""Seconds in which what should be heard must be heard."""

WAYS = {"websocket": ["websocket"], "polling": ["polling"], "polling that upgrades": ["polling", "websocket"]}
"""Transports, as a client may ask for them."""

Told = tuple[str, Any]
Listen = Callable[..., "Listener"]
"""Connects to the shared server, or to the origin given."""


class Refused(Exception):
    """The handshake was refused; `told` is what the server said about it."""

    def __init__(self, told: Any) -> None:
        super().__init__(str(told))
        self.told = told


class Listener:
    """Connects when made, or raises `Refused`; `heard` is everything told since, in order."""

    def __init__(self, origin: str, *, auth: Any = None, transports: list[str] | None = None) -> None:
        self.heard: list[Told] = []
        self.on_event: Callable[[str, Any], None] | None = None
        self._news = threading.Condition()
        self._gone = threading.Event()
        self._refusals: list[Any] = []
        self._http = requests.Session()
        self._http.trust_env = False
        self.client = socketio.Client(reconnection=False, http_session=self._http, handle_sigint=False)
        _take_packets_in_turn(self.client.eio)
        self.client.on("*", self._hear)
        self.client.on("disconnect", lambda *_: self._gone.set())
        self.client.on("connect_error", self._refused)
        try:
            self.client.connect(origin, auth=auth, transports=transports or ["websocket"], wait_timeout=DEADLINE)
        except socketio.exceptions.ConnectionError as error:
            self.close()
            raise Refused(self._refusals[0] if self._refusals else str(error)) from error

    def _hear(self, event: str, *payload: Any) -> None:
        told = payload[0] if payload else None
        if self.on_event is not None:
            self.on_event(event, told)
        with self._news:
            self.heard.append((event, told))
            self._news.notify_all()

    def _refused(self, told: Any) -> None:
        self._refusals.append(told)
        self.client.eio.disconnect(abort=True)  # or a last poll, already useless, may hold it up until the next ping

    def wait_for(self, event: str, **where: Any) -> Any:
        """Return the payload of the first such event, heard before or after now, whose fields are as given."""
        with self._news:
            assert self._news.wait_for(lambda: self._found(event, where), DEADLINE), f"{event} not among {self.heard}"
            return self._found(event, where)[0]

    def _found(self, event: str, where: dict[str, Any]) -> list[Any]:
        return [
            told
            for name, told in self.heard
            if name == event and all(told.get(key) == value for key, value in where.items())
        ]

    def about(self, prefix: str) -> list[Told]:
        """Return what was heard of the events whose names begin so."""
        return [told for told in self.heard if told[0].startswith(prefix)]

    def is_dropped(self, within: float = DEADLINE) -> bool:
        """Whether the server ends the connection in time."""
        return self._gone.wait(within)

    def close(self) -> None:
        """Disconnect."""
        try:
            self.client.disconnect()
        finally:
            if self.client.eio.ws is not None:
                self.client.eio.ws.shutdown()  # which Engine.IO's client leaves open if the server ended it
            self._http.close()


def _take_packets_in_turn(engine: Any) -> None:
    """Have events handled in the order they come: the Python client starts a thread for each, browsers do not."""
    trigger = engine._trigger_event
    engine._trigger_event = lambda event, *args, **options: trigger(event, *args, **{**options, "run_async": False})


def chat_auth(chat: Api) -> dict[str, str]:
    """Return the handshake of a user of the chat service."""
    return {"apiKey": chat.headers["x-api-key"], "userId": chat.headers["x-user-id"]}
