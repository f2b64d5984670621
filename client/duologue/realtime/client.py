"""`Realtime`: the public API."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Self

import marshmallow

from duologue import defaults
from duologue.concurrency import fork_safety
from duologue.concurrency.event_emitter import EventEmitter
from duologue.contract import Event
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
from duologue.observability.redaction import collect_secrets, redact_value
from duologue.realtime.connection import ReconnectingConnection
from duologue.realtime.events import EventName, EventRegistry, ReceivedEvent, TypedEvents
from duologue.realtime.queues import NOT_CONNECTED, EventQueue, SerialExecutor
from duologue.realtime.socketio_link import RESERVED, SocketIOLink, redact_error
from duologue.realtime.status import NAMES, ConnectionEvent, ConnectionEventName, Reconnect

_log = logging.getLogger("duologue")

_TRANSPORTS = {"websocket", "polling"}


class Realtime(TypedEvents):
    """`api.realtime`: the Socket.IO connection of one client, safe to share between threads.

        with api.realtime.connect() as live:
            live.subscribe("user:created", lambda event: print(event.user.name))
            for name, payload in live.events():
                ...

    The handshake has the access token, if there is a login, the API key and the user id. Events are delivered in the
    order in which they came: to callbacks, one after the other on a thread of their own, and to `receive()`.

    A connection that is lost, also one that the server ended, is made again after 2, 4, 8, 16 and 32 seconds, with the
    token of that moment. Events that the server sends meanwhile are missed: `on("reconnected", …)` is the time to catch
    up. Reconnecting fails when no attempt succeeds, when the server refuses us, or when the login has ended.

    Forks: the connection stays the parent's; a child has none until it connects.

    Args:
        requestor: has the credentials and the settings.
        new_session: creates the session that makes the requests of the polling transport.
    """

    def __init__(self, requestor: APIRequestor, new_session: Callable[[], Session]) -> None:
        self._requestor = requestor
        self._new_session = new_session
        self._registry = EventRegistry()
        self._callbacks: dict[str, tuple[Callable[..., object], ...]] = {}
        self._subscribing = threading.Lock()
        self._connecting = threading.Lock()
        self._status_emitter: EventEmitter[ConnectionEvent] = EventEmitter(NAMES)
        self._connection: ReconnectingConnection | None = None
        self._event_queue = EventQueue(0, ended=True)
        self._callback_executor: SerialExecutor | None = None
        fork_safety.watch_locks(self, "_subscribing", "_connecting")
        fork_safety.watch(self)

    @property
    def connected(self) -> bool:
        """Whether there is a connection at this moment."""
        return self._connection is not None and self._connection.connected

    def connect(
        self,
        *,
        timeout: float = defaults.REALTIME_TIMEOUT,
        transports: Sequence[str] = ("websocket",),
        reconnect: Reconnect = Reconnect(),  # noqa: B008  # frozen
    ) -> Self:
        """Connect, unless there is a connection or it is being made again; return this object, for `with`.

        Args:
            timeout: seconds that connecting, and each attempt to reconnect, may take.
            transports: `websocket`, `polling`, or both in the order to try them.
            reconnect: when to reconnect.

        Raises:
            AuthenticationError: the server refused the token or the API key; its message is `Unauthorized`.
            ConnectError: no connection could be made, or `disconnect()` was called meanwhile.
            ConnectTimeout: the server did not respond in time.
            ClientClosedError: the client was closed.
            ValueError: there is no such transport, or no timeout.
        """
        if not transports or not set(transports) <= _TRANSPORTS:
            raise ValueError(f"transports is {transports!r}; pass websocket, polling, or both")
        if not 0 < timeout <= threading.TIMEOUT_MAX:
            raise ValueError(f"timeout is {timeout!r}; pass a number of seconds")
        with self._connecting:
            if self._requestor.closed:
                raise ClientClosedError
            if self._connection is None or self._connection.ended:
                self.disconnect()  # what is left of a connection that ended by itself
                self._open(timeout, list(transports), reconnect)
        return self

    def unsubscribe(self, event: Event[Any] | EventName, callback: Callable[..., object] | None = None) -> None:
        """Stop calling a function for an event, also for events that were received but not delivered to it yet.

        Args:
            event: the name of an event, or an `Event`.
            callback: the function; None for all functions.

        Raises:
            ValueError: the contract has no event of that name.
        """
        name = self._registry.register(event)
        with self._subscribing:
            callbacks = self._callbacks.pop(name, ())
            rest = tuple(other for other in callbacks if callback is not None and other != callback)
            if rest:
                self._callbacks[name] = rest

    def on(self, name: ConnectionEventName, callback: Callable[[ConnectionEvent], object]) -> None:
        """Call a function when the connection changes, in order with the callbacks of events.

        Args:
            name: `connected`, `disconnected`, `reconnected` (catch up on what was missed), `reconnect_failed`, or
                `events_dropped` (likewise: up to 10,000 events wait for slow callbacks, then the oldest are dropped).
            callback: called with a `ConnectionEvent`; it may call this client. An exception in it is logged.

        Raises:
            ValueError: there is no such event.
        """
        self._status_emitter.on(name, callback)

    def off(self, name: ConnectionEventName, callback: Callable[[ConnectionEvent], object]) -> None:
        """Stop calling a function.

        Raises:
            ValueError: there is no such event.
        """
        self._status_emitter.off(name, callback)

    def emit(self, event: str, data: object = None) -> None:
        """Send an event and do not wait; from any thread.

        While a lost connection is being made again, up to 64 events wait and are then sent in order. What was sent just
        before the loss may or may not have arrived; use `call` to know.

        Args:
            event: its name.
            data: JSON values.

        Raises:
            SendBufferFullError: too many events wait already.
            ConnectionLostError: there is no connection, and none will be made.
            TypeError: the data is not JSON.
            ValueError: the data is not JSON, as NaN and a lone surrogate are not; or Socket.IO reserves the name.
        """
        self._get_connection(event).emit(event, _copy_json(event, data))

    def call(self, event: str, data: object = None, *, timeout: float = defaults.REALTIME_TIMEOUT) -> object:
        """Send an event, wait for the server's acknowledgement, and return its data.

        Args:
            event: its name.
            data: JSON values.
            timeout: seconds to wait.

        Raises:
            ConnectionLostError: there is no connection at this moment, or it was lost before the acknowledgement.
            RequestTimeout: there was no acknowledgement in time.
            HTTPStatusError: the server acknowledged with an error; the class says which.
            TypeError: the data is not JSON.
            ValueError: see `emit`.
        """
        response = _unpack(self._get_connection(event).call(event, _copy_json(event, data), timeout))
        error = _find_error(response)
        if error is not None:
            raise redact_error(error, collect_secrets([self._requestor.tokens.token, self._requestor.identity.api_key]))
        return response

    def disconnect(self) -> None:
        """End the connection. Events that have come can still be received; subscriptions stay for the next one."""
        connection, callback_executor = self._connection, self._callback_executor
        if connection is not None:
            connection.stop()
        self._event_queue.end()
        if callback_executor is not None:
            callback_executor.stop()

    def after_fork(self) -> None:
        """Drop the connection in a child process: it is the parent's."""
        connection, self._connection = self._connection, None
        self._event_queue.after_fork()  # for iterators over it
        self._event_queue, self._callback_executor = EventQueue(0, ended=True), None
        if connection is not None:
            connection.abandon()

    def __enter__(self) -> Self:
        return self.connect()

    def __exit__(self, *_: object) -> None:
        self.disconnect()

    def __repr__(self) -> str:
        url = self._requestor.config.options["realtime_url"]
        return f"<Realtime {url}{'' if self.connected else ' not connected'}>"

    def _subscribe(self, event: Event[Any] | str, callback: Callable[..., object]) -> None:
        name = self._registry.register(event)
        with self._subscribing:
            self._callbacks[name] = (*self._callbacks.get(name, ()), callback)

    def _receive(self, event: Event[Any] | str | None, timeout: float | None) -> ReceivedEvent[Any, Any]:
        return self._event_queue.take(timeout, None if event is None else self._registry.register(event))

    def _iter_events(self, event: Event[Any] | str | None) -> Iterator[ReceivedEvent[Any, Any]]:
        return self._iter_queue(None if event is None else self._registry.register(event))

    def _iter_queue(self, name: str | None) -> Iterator[ReceivedEvent[Any, Any]]:
        event_queue = self._event_queue
        while (outcome := event_queue.next(name=name)) is not None:
            if isinstance(outcome, ReceivedEvent):
                yield outcome

    def _open(self, timeout: float, transports: list[str], reconnect: Reconnect) -> None:
        event_queue = EventQueue(defaults.RECEIVE_BUFFER_SIZE)
        callback_executor = SerialExecutor(
            "duologue-callbacks",
            size=defaults.RECEIVE_BUFFER_SIZE,
            when_full="drop",
            on_dropped=self._on_events_dropped,
        )

        def on_reconnect_failed(error: APIError) -> None:
            event_queue.end(error)
            callback_executor.stop(wait=False)

        connection = ReconnectingConnection(
            self._requestor,
            partial(self._new_link, timeout),
            transports=transports,
            reconnect=reconnect,
            timeout=timeout,
            on_event=lambda name, *args: self._on_event(event_queue, callback_executor, name, args),
            on_status=lambda event: callback_executor.submit(
                self._status_emitter.emit, event.name, event, may_drop=False
            ),
            on_reconnect_failed=on_reconnect_failed,
        )
        self._event_queue, self._callback_executor, self._connection = event_queue, callback_executor, connection
        try:
            if self._requestor.closed:  # `close` may have come too early to find this connection
                raise ClientClosedError
            connection.start()
        except BaseException:
            self.disconnect()
            raise

    def _new_link(self, timeout: float, **callbacks: Callable[..., None]) -> SocketIOLink:
        options = self._requestor.config.options
        return SocketIOLink(
            options["realtime_url"],
            session=self._new_session(),
            headers=options["headers"] or {},
            timeout=timeout,
            max_size=options["max_response_size"] or sys.maxsize,
            proxied=bool(options["proxies"]),
            **callbacks,
        )

    def _on_event(
        self, event_queue: EventQueue, callback_executor: SerialExecutor, name: str, args: tuple[object, ...]
    ) -> None:
        try:
            event = ReceivedEvent(name, self._load_payload(name, _unpack(args)))
        except ResponseValidationError as error:
            _log.error("%s", error)
            event_queue.put(name, error)
            return
        event_queue.put(name, event)
        if name in self._callbacks:
            callback_executor.submit(self._deliver, event)

    def _load_payload(self, name: str, payload: object) -> object:
        event = self._registry.find(name)
        try:
            return payload if event is None else event.payload.load(payload, unknown="exclude")
        except marshmallow.ValidationError as error:
            details = {"fields": redact_value(error.messages)}
        raise ResponseValidationError(
            f"The event {name} breaks the contract", details=details, data=redact_value(payload)
        )

    def _on_events_dropped(self, count: int) -> None:
        _log.warning("realtime: callbacks are too slow; %d events were received but not delivered to them", count)
        self._status_emitter.emit("events_dropped", ConnectionEvent("events_dropped", dropped=count))

    def _deliver(self, event: ReceivedEvent[str, object]) -> None:
        for callback in self._callbacks.get(event.name, ()):
            if callback not in self._callbacks.get(event.name, ()):
                continue  # the callback before has unsubscribed it
            try:
                callback(event.payload)
            except Exception:  # whatever a callback may raise
                _log.exception("A callback for %s failed", event.name)

    def _get_connection(self, event: str) -> ReconnectingConnection:
        if event in RESERVED:
            raise ValueError(f"{event!r} is reserved by Socket.IO; choose another name for the event")
        if self._connection is None:
            raise ConnectionLostError(NOT_CONNECTED)
        return self._connection


def _copy_json(event: str, data: object) -> Any:
    """Return a copy of data to send, and refuse what is not JSON: it would be sent later, on another thread."""
    try:
        text = json.dumps([event, data], allow_nan=False, ensure_ascii=False)
        text.encode()
    except RecursionError:
        raise ValueError(f"The data of {event!r} cannot be sent: it is nested too deeply") from None
    except UnicodeEncodeError:
        raise ValueError(f"{event!r} cannot be sent: its name or its data has a lone surrogate") from None
    except ValueError as error:
        raise ValueError(f"The data of {event!r} cannot be sent: it is not JSON ({error})") from None
    except TypeError as error:
        raise TypeError(f"The data of {event!r} cannot be sent: it is not JSON ({error})") from None
    return json.loads(text)[1]


def _unpack(args: tuple[object, ...]) -> object:
    """Return the one argument of an event; Socket.IO also allows none, or several."""
    return args[0] if len(args) == 1 else list(args) or None


def _find_error(response: object) -> APIError | None:
    """Return the error that an acknowledgement contains, None if it contains none."""
    if not isinstance(response, dict) or not {"message", "code", "details", "errors"} <= response.keys():
        return None
    code = response["code"]
    if not isinstance(code, str) or code not in ApiErrorType.__members__:
        return None
    return error_from_body(get_status(code) or 0, response)
