"""`Realtime`: what people use of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar, overload

import marshmallow

from duologue import defaults
from duologue.concurrency import fork_safety
from duologue.concurrency.event_emitter import EventEmitter
from duologue.contract import Event, events
from duologue.contract.errors import ApiErrorType, get_status
from duologue.errors import (
    APIError,
    ClientClosedError,
    ConnectionLostError,
    ResponseValidationError,
    error_from_body,
)
from duologue.http.api_requestor import APIRequestor
from duologue.http.transport import Session
from duologue.realtime.connection import ReconnectingConnection
from duologue.realtime.queues import NOT_CONNECTED, EventQueue, ReceivedEvent, SerialExecutor
from duologue.realtime.socketio_link import RESERVED, SocketIOLink
from duologue.realtime.status import NAMES, ConnectionEvent, ConnectionEventName, Reconnect

T = TypeVar("T")

_log = logging.getLogger("duologue")

_EVENTS: dict[str, Event[Any]] = {event.name: event for event in events()}


class Realtime:
    """The Socket.IO connection of one client, safe to share between threads.

        with api.realtime.connect() as live:
            live.subscribe(users.CREATED, lambda event: print(event.user.name))
            for name, payload in live.events():
                ...

    It tells the server who we are with the access token, if we are logged in, and with API key and user id. Events are
    delivered in the order they came: to callbacks one after the other on a thread of their own, and to `receive()`.

    A lost connection, also one that the server ended, is made again after 2, 4, 8, 16 and 32 seconds, with the token of
    that moment. What the server sends meanwhile is missed: `on("reconnected", …)` tells when to catch up. It gives up
    when no try succeeds, when the server refuses us, or when our login has ended.

    Forks: the connection stays the parent's; a child has none until it connects.
    """

    def __init__(self, requestor: APIRequestor, new_session: Callable[[], Session]) -> None:
        self._requestor = requestor
        self._new_session = new_session
        self._callbacks: dict[str, tuple[Callable[..., object], ...]] = {}
        self._subscribing = threading.Lock()
        self._connecting = threading.Lock()
        self._lifecycle: EventEmitter[ConnectionEvent] = EventEmitter(NAMES)
        self._connection: ReconnectingConnection | None = None
        self._event_queue = EventQueue(0, ended=True)
        self._callback_executor: SerialExecutor | None = None
        fork_safety.watch_locks(self, "_subscribing", "_connecting")
        fork_safety.watch_locks(self._lifecycle, "_lock")
        fork_safety.watch(self)

    @property
    def connected(self) -> bool:
        """Whether the connection stands at this moment."""
        return self._connection is not None and self._connection.connected

    def connect(
        self,
        *,
        timeout: float = defaults.REALTIME_TIMEOUT,
        transports: Sequence[str] = ("websocket",),
        reconnect: Reconnect = Reconnect(),  # noqa: B008  # frozen
    ) -> Self:
        """Connect, unless there is a connection or a lost one is being made again; return this object, for `with`.

        Args:
            timeout: seconds to wait for the connection, and for each further one.
            transports: `websocket`, `polling`, or both in the order to try them.
            reconnect: when a lost connection is made again.

        Raises:
            AuthenticationError: the server refused the token or the key; its message is `Unauthorized`.
            ConnectError: there is no connection to be had, or `disconnect()` was called meanwhile.
            ConnectTimeout: the server did not answer in time.
            ClientClosedError: the client was closed.
        """
        with self._connecting:
            if self._requestor.closed:
                raise ClientClosedError
            if self._connection is None or self._connection.ended:
                self.disconnect()  # what is left of a connection that ended by itself
                self._open(timeout, list(transports), reconnect)
        return self

    @overload
    def subscribe(self, event: Event[T], callback: Callable[[T], object]) -> None: ...
    @overload
    def subscribe(self, event: str, callback: Callable[..., object]) -> None: ...
    def subscribe(self, event: Event[Any] | str, callback: Callable[..., object]) -> None:
        """Call a function for each event of a kind, from now on and over reconnections; before `connect()` is fine too.

        Args:
            event: the contract's event, or a name on the wire.
            callback: called with the payload. What it raises is logged and harms nobody else; it may call this client.
        """
        name = _name(event)
        with self._subscribing:
            self._callbacks[name] = (*self._callbacks.get(name, ()), callback)

    def unsubscribe(self, event: Event[Any] | str, callback: Callable[..., object] | None = None) -> None:
        """Stop calling a function for an event, or all functions where none is named.

        Events that have come but were not delivered yet are not delivered to it any more.
        """
        name = _name(event)
        with self._subscribing:
            known = self._callbacks.pop(name, ())
            kept = tuple(one for one in known if callback is not None and one != callback)
            if kept:
                self._callbacks[name] = kept

    def on(self, name: ConnectionEventName, callback: Callable[[ConnectionEvent], object]) -> None:
        """Call a function when something happens to the connection, in order with the events' callbacks.

        Args:
            name: `connected`, `disconnected`, `reconnected` (catch up on what was missed), or `reconnect_failed`.
            callback: called with what happened. What it raises is logged; it may call this client.

        Raises:
            ValueError: there is no such event.
        """
        self._lifecycle.on(name, callback)

    def off(self, name: ConnectionEventName, callback: Callable[[ConnectionEvent], object]) -> None:
        """Stop calling a function."""
        self._lifecycle.off(name, callback)

    def emit(self, event: str, data: object = None) -> None:
        """Send an event and do not wait; from any thread.

        While a lost connection is being made again, up to 64 events wait and are then sent in order. What was sent just
        before the loss may or may not have arrived: `call` knows.

        Args:
            event: its name.
            data: JSON values.

        Raises:
            SendBufferFullError: too many wait already.
            ConnectionLostError: there is no connection, and none will be made.
            TypeError: the data is not JSON.
        """
        self._keeper_for(event).emit(event, data)

    def call(self, event: str, data: object = None, *, timeout: float = defaults.REALTIME_TIMEOUT) -> object:
        """Send an event, wait until the server acknowledges it, and return what it said.

        Args:
            event: its name.
            data: JSON values.
            timeout: seconds to wait.

        Raises:
            ConnectionLostError: there is no connection at this moment, or it was lost before the acknowledgement came.
            RequestTimeout: no acknowledgement came in time.
            HTTPStatusError: the server acknowledged with an error; the class says which.
        """
        said = _payload(self._keeper_for(event).call(event, data, timeout))
        error = _error_in(said)
        if error is not None:
            raise error
        return said

    def receive(self, *, timeout: float | None = None) -> ReceivedEvent:
        """Return the next event; of those that come while nobody receives, the last 10,000 are kept.

        Args:
            timeout: seconds to wait; None waits for ever.

        Raises:
            RequestTimeout: none came in time.
            ConnectionLostError: there is no connection, and none will be made.
            AuthenticationError: the same, because the server refused us or our login has ended.
            ResponseValidationError: the event is not what the contract promises.
        """
        return self._event_queue.take(timeout)

    def events(self) -> Iterator[ReceivedEvent]:
        """Yield events as they come, over reconnections, until `disconnect()` or `close()`.

        An event that is not what the contract promises is logged and left out.

        Raises:
            ConnectionLostError: the connection was lost and could not be made again.
            AuthenticationError: the server refused us, or our login has ended.
        """
        event_queue = self._event_queue
        while (event := event_queue.next()) is not None:
            if isinstance(event, ReceivedEvent):
                yield event

    def disconnect(self) -> None:
        """End the connection; events that have come can still be received. Subscriptions stay for the next one."""
        connection, callback_executor = self._connection, self._callback_executor
        if connection is not None:
            connection.stop()
        self._event_queue.end()
        if callback_executor is not None:
            callback_executor.stop()

    def after_fork(self) -> None:
        """Forget the connection: it is the parent's."""
        connection, self._connection = self._connection, None
        self._event_queue, self._callback_executor = EventQueue(0, ended=True), None
        if connection is not None:
            connection.abandon()

    def __enter__(self) -> Self:
        return self.connect()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.disconnect()

    def __repr__(self) -> str:
        return (
            f"<Realtime {self._requestor.config.options['realtime_url']}{'' if self.connected else ' not connected'}>"
        )

    def _open(self, timeout: float, transports: list[str], reconnect: Reconnect) -> None:
        event_queue, callback_executor = EventQueue(defaults.RECEIVE_BUFFER_SIZE), SerialExecutor("duologue-callbacks")

        def reconnect_failed(error: APIError) -> None:
            event_queue.end(error)
            callback_executor.stop(wait=False)

        connection = ReconnectingConnection(
            self._requestor,
            partial(self._new_link, timeout),
            transports=transports,
            reconnect=reconnect,
            on_event=lambda name, *sent: self._on_event(event_queue, callback_executor, name, sent),
            on_status=lambda event: callback_executor.do(self._lifecycle.emit, event.name, event),
            reconnect_failed=reconnect_failed,
        )
        self._event_queue, self._callback_executor, self._connection = event_queue, callback_executor, connection
        try:
            if self._requestor.closed:  # `close` may have come too early to find this connection
                raise ClientClosedError
            connection.start()
        except BaseException:
            self.disconnect()
            raise

    def _new_link(self, timeout: float, **on_status: Callable[..., None]) -> SocketIOLink:
        options = self._requestor.config.options
        return SocketIOLink(
            options["realtime_url"],
            session=self._new_session(),
            timeout=timeout,
            proxied=bool(options["proxies"]),
            **on_status,
        )

    def _on_event(
        self, event_queue: EventQueue, callback_executor: SerialExecutor, name: str, sent: tuple[object, ...]
    ) -> None:
        try:
            event = ReceivedEvent(name, _parsed(name, _payload(sent)))
        except ResponseValidationError as violation:
            _log.error("%s", violation)
            event_queue.put(violation)
            return
        event_queue.put(event)
        if name in self._callbacks:
            callback_executor.do(self._deliver, event)

    def _deliver(self, event: ReceivedEvent) -> None:
        for callback in self._callbacks.get(event.name, ()):
            if callback not in self._callbacks.get(event.name, ()):
                continue  # the one before has unsubscribed it
            try:
                callback(event.payload)
            except Exception:  # whatever a callback may raise
                _log.exception("A callback for %s failed", event.name)

    def _keeper_for(self, event: str) -> ReconnectingConnection:
        if event in RESERVED:
            raise ValueError(f"{event!r} is Socket.IO's own; no event can have this name")
        if self._connection is None:
            raise ConnectionLostError(NOT_CONNECTED)
        return self._connection


def _name(event: Event[Any] | str) -> str:
    return event if isinstance(event, str) else event.name


def _payload(sent: tuple[object, ...]) -> object:
    """What was sent: mostly one thing, but Socket.IO allows none, or several."""
    return sent[0] if len(sent) == 1 else list(sent) or None


def _parsed(name: str, payload: object) -> object:
    event = _EVENTS.get(name)
    if event is None:
        return payload
    try:
        return event.payload.load(payload, unknown="exclude")
    except marshmallow.ValidationError as error:
        details = {"fields": error.messages}
        raise ResponseValidationError(f"The event {name} breaks the contract", details=details, data=payload) from None


def _error_in(said: object) -> APIError | None:
    """Return the error that an acknowledgement is, None if it is none."""
    if not isinstance(said, dict) or not {"message", "code", "details", "errors"} <= said.keys():
        return None
    code = said["code"]
    if not isinstance(code, str) or code not in ApiErrorType.__members__:
        return None
    return error_from_body(get_status(code) or 0, said)
