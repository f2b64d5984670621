"""Real time over Socket.IO, synchronously: `api.realtime`.

The only importer of socketio, and itself imported only when `api.realtime` is first used: the plain installation does
without. python-socketio keeps the connection; what is ours is the order of events, the types, and the errors.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar, overload

import marshmallow

from duologue import defaults
from duologue.caller import Caller
from duologue.contract import Event, events
from duologue.errors import (
    ApiException,
    AuthenticationError,
    ClientClosed,
    ConnectionFailed,
    ConnectionLost,
    ContractViolation,
    RequestTimedOut,
    error_of_body,
)
from duologue.transport import Session

try:
    import engineio
    import socketio
    import websocket  # noqa: F401  # engineio does without it, but only by polling
except ImportError as missing:
    raise ImportError(f"real time needs {missing.name}: pip install 'duologue[realtime]'") from missing

T = TypeVar("T")

_log = logging.getLogger("duologue")

_wire_log = logging.getLogger("duologue.realtime.wire")
_wire_log.setLevel(logging.CRITICAL)  # below that, socketio logs every packet, the one with the token too

_EVENTS: dict[str, Event[Any]] = {event.wire_name: event for event in events()}

_NO_PROXY = {"http_proxy_host": "none", "http_no_proxy": ["*"]}
"""Keeps websocket-client from `HTTP_PROXY` in the surroundings; without the first it does not look at the second."""

_RESERVED = ("connect", "connect_error", "disconnect", "*", "__disconnect_final")


class ReceivedEvent(NamedTuple):
    """An event that came.

    Args:
        name: its name on the wire, `user:created`.
        payload: the contract's model, or plain JSON values where the contract does not know the event.
    """

    name: str
    payload: object


class Realtime:
    """The Socket.IO connection of one client.

        with api.realtime.connect() as live:
            live.subscribe(users.CREATED, lambda event: print(event.user.name))
            name, payload = live.receive(timeout=5)

    It tells the server who we are with the access token, if we are logged in, and with API key and user id. Events are
    delivered in the order they came: to callbacks one after the other on a thread of their own, and to `receive()`.
    A lost connection is made again after 2, 4, 8, 16 and 32 seconds; then it has ended.
    """

    def __init__(self, caller: Caller, new_session: Callable[[], Session]) -> None:
        self._caller = caller
        self._new_session = new_session
        self._sending = threading.Lock()
        self._callbacks: dict[str, list[Callable[..., object]]] = {}
        self._inbox = _Inbox(defaults.INBOX_SIZE)
        self._caller_thread = _InOrder("duologue-callbacks")
        self._socket: Any = None
        self._session: Session | None = None
        self._refusal: object = None

    @property
    def connected(self) -> bool:
        """Whether the connection stands at this moment."""
        return self._socket is not None and bool(self._socket.connected)

    def connect(
        self,
        *,
        timeout: float = defaults.REALTIME_TIMEOUT,
        transports: Sequence[str] = ("websocket",),
    ) -> Self:
        """Connect, unless there is a connection already, and return this object, for `with`.

        Args:
            timeout: seconds to wait for the connection.
            transports: `websocket`, `polling`, or both in the order to try them.

        Raises:
            AuthenticationError: the server refused the token or the key; its message is `Unauthorized`.
            ConnectionFailed: there is no connection to be had.
            RequestTimedOut: the server did not answer in time.
        """
        if self._caller.closed:
            raise ClientClosed
        if self._inbox.ended:
            self.disconnect()  # what is left of a connection that ended by itself
            self._open(timeout, list(transports))
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
        self._callbacks.setdefault(_name(event), []).append(callback)

    def unsubscribe(self, event: Event[Any] | str, callback: Callable[..., object] | None = None) -> None:
        """Stop calling a function for an event, or all functions where none is named."""
        name = _name(event)
        kept = [] if callback is None else [known for known in self._callbacks.get(name, []) if known != callback]
        self._callbacks[name] = kept

    def emit(self, event: str, data: object = None) -> None:
        """Send an event and do not wait.

        Args:
            event: its name.
            data: JSON values.

        Raises:
            ConnectionLost: there is no connection at this moment.
        """
        self._send(event, data)

    def call(self, event: str, data: object = None, *, timeout: float = defaults.REALTIME_TIMEOUT) -> object:
        """Send an event, wait until the server acknowledges it, and return what it said.

        Args:
            event: its name.
            data: JSON values.
            timeout: seconds to wait.

        Raises:
            ConnectionLost: there is no connection at this moment.
            RequestTimedOut: no acknowledgement came in time.
        """
        answered = threading.Event()
        answers: list[object] = []

        def acknowledged(*said: object) -> None:
            answers.append(_payload(said))
            answered.set()

        self._send(event, data, acknowledged)
        if not answered.wait(timeout):
            raise RequestTimedOut(f"The server did not acknowledge {event!r} within {timeout} s")
        return answers[0]

    def receive(self, *, timeout: float | None = None) -> ReceivedEvent:
        """Return the next event; of those that come while nobody receives, the last 10,000 are kept.

        Args:
            timeout: seconds to wait; None waits for ever.

        Raises:
            RequestTimedOut: none came in time.
            ConnectionLost: there is no connection, and none will be made.
            ContractViolation: the event is not what the contract promises.
        """
        return self._inbox.take(timeout)

    def events(self) -> Iterator[ReceivedEvent]:
        """Yield events as they come, until the connection has ended."""
        while True:
            try:
                yield self.receive()
            except ConnectionLost:
                return

    def disconnect(self) -> None:
        """End the connection; events that have come can still be received. Subscriptions stay for the next one."""
        socket, self._socket = self._socket, None
        session, self._session = self._session, None
        if socket is not None:
            socket.shutdown()
            socket.eio.in_order.stop()
        if session is not None:
            session.close()
        self._inbox.end()
        self._caller_thread.stop()

    def __enter__(self) -> Self:
        return self.connect()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.disconnect()

    def __repr__(self) -> str:
        return f"<Realtime {self._caller.config.realtime_url}{'' if self.connected else ' not connected'}>"

    def _open(self, timeout: float, transports: list[str]) -> None:
        self._refusal = None
        self._session = self._new_session()
        self._socket = self._new_socket(timeout)
        self._inbox.begin()
        try:
            self._socket.connect(
                self._caller.config.realtime_url, auth=self._auth, transports=transports, wait_timeout=timeout
            )
        except (socketio.exceptions.SocketIOError, engineio.exceptions.EngineIOError, OSError) as failure:
            self.disconnect()
            raise self._failure() from failure
        except BaseException:
            self.disconnect()
            raise

    def _new_socket(self, timeout: float) -> Any:
        socket = _Socket(
            reconnection_attempts=defaults.RECONNECT_TRIES,
            reconnection_delay=defaults.RECONNECT_DELAY,
            reconnection_delay_max=defaults.MAX_RECONNECT_DELAY,
            request_timeout=timeout,
            http_session=self._session,
            websocket_extra_options={} if self._caller.config.proxies else dict(_NO_PROXY),
            handle_sigint=False,
            logger=_wire_log,
            engineio_logger=_wire_log,
        )
        socket.on("*", self._received)
        socket.on("connect_error", self._refused)
        socket.on("__disconnect_final", self._inbox.end)
        return socket

    def _auth(self) -> dict[str, str]:
        """Say who we are; asked anew for each reconnection, because tokens change."""
        token, key = self._caller.tokens.token, self._caller.identity.api_key
        said = {} if token is None else {"token": token}
        return said if key is None else {**said, "apiKey": key, "userId": self._caller.identity.user_id()}

    def _refused(self, told: object = None) -> None:
        self._refusal = told

    def _failure(self) -> ApiException:
        """Return the error for a connection that was not made, from what the server said of it."""
        told = self._refusal
        if told is None:
            return RequestTimedOut("The real-time server did not answer in time")
        if not isinstance(told, dict):
            return ConnectionFailed(details={"reason": str(told)})
        message, body = told.get("message"), told.get("data")
        if message == "Unauthorized":
            return _worded(message, body)
        return ConnectionFailed(details={"reason": str(message)}, data=body)

    def _received(self, name: str, *sent: object) -> None:
        try:
            event = ReceivedEvent(name, _parsed(name, _payload(sent)))
        except ContractViolation as violation:
            _log.error("%s", violation)
            self._inbox.put(violation)
            return
        self._inbox.put(event)
        for callback in tuple(self._callbacks.get(name, ())):
            self._caller_thread.do(callback, event.payload)

    def _send(self, event: str, data: object, acknowledged: Callable[..., None] | None = None) -> None:
        if event in _RESERVED:
            raise ValueError(f"{event!r} is Socket.IO's own; no event can have this name")
        if self._socket is None:
            raise ConnectionLost("There is no real-time connection; call connect()")
        try:
            with self._sending:
                self._socket.emit(event, data, callback=acknowledged)
        except socketio.exceptions.SocketIOError as failure:
            raise ConnectionLost("There is no real-time connection at this moment") from failure


def _worded(message: str, body: object) -> ApiException:
    error = error_of_body(401, body)
    return AuthenticationError(message, code=error.code, details=error.details, errors=error.errors, data=body)


def _name(event: Event[Any] | str) -> str:
    return event if isinstance(event, str) else event.wire_name


def _payload(sent: tuple[object, ...]) -> object:
    """What was sent: mostly one thing, but Socket.IO allows none, or several."""
    return sent[0] if len(sent) == 1 else list(sent) or None


def _parsed(name: str, payload: object) -> object:
    event = _EVENTS.get(name)
    if event is None:
        return payload
    try:
        return event.payload.parse(payload, unknown="exclude")
    except marshmallow.ValidationError as error:
        details = {"fields": error.messages}
        raise ContractViolation(f"The event {name} breaks the contract", details=details, data=payload) from None


class _Inbox:
    """Events that wait for `receive()`; the oldest are dropped when there are too many."""

    def __init__(self, size: int) -> None:
        self._waiting: deque[ReceivedEvent | ContractViolation] = deque(maxlen=size)
        self._changed = threading.Condition()
        self.ended = True

    def begin(self) -> None:
        with self._changed:
            self._waiting.clear()
            self.ended = False

    def end(self) -> None:
        with self._changed:
            self.ended = True
            self._changed.notify_all()

    def put(self, event: ReceivedEvent | ContractViolation) -> None:
        with self._changed:
            self._waiting.append(event)
            self._changed.notify()

    def take(self, timeout: float | None) -> ReceivedEvent:
        until = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while not self._waiting:
                if self.ended:
                    raise ConnectionLost("There is no real-time connection; call connect()")
                if not self._changed.wait(None if until is None else until - time.monotonic()):
                    raise RequestTimedOut(f"No event within {timeout} s")
            event = self._waiting.popleft()
        if isinstance(event, ContractViolation):
            raise event
        return event


class _InOrder:
    """Does things one after the other on a thread of its own, which lives from the first thing until `stop`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._things: SimpleQueue[tuple[Callable[..., object], tuple[object, ...]] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def do(self, thing: Callable[..., object], *args: object) -> None:
        with self._lock:
            self._things.put((thing, args))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, args=(self._things,), name=self._name, daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Do what was given until now, then end; wait for that, unless it is this thread that asks."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._things.put(None)
            self._things = SimpleQueue()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=5)

    def _work(self, things: SimpleQueue[tuple[Callable[..., object], tuple[object, ...]] | None]) -> None:
        while (given := things.get()) is not None:
            thing, args = given
            try:
                thing(*args)
            except Exception:  # whatever a callback may raise
                _log.exception("%s failed", getattr(thing, "__qualname__", thing))


class _Engine(engineio.Client):  # type: ignore[misc]  # engineio has no types
    """engineio handles each message on a new thread, so that two may overtake each other; here they stay in order."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.in_order = _InOrder("duologue-realtime")

    def start_background_task(self, target: Callable[..., object], *args: Any, **options: Any) -> Any:
        if target != self.handlers.get("message"):
            return super().start_background_task(target, *args, **options)
        return self.in_order.do(target, *args)


class _Socket(socketio.Client):  # type: ignore[misc]  # socketio has no types
    def _engineio_client_class(self) -> type[_Engine]:
        return _Engine
