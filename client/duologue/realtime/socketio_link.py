"""One Socket.IO connection, from its handshake to its end; never used again after that.

The only importer of socketio. python-socketio speaks the protocol; its reconnection is off, because `connection` has to
say who we are anew each time. What is ours besides: messages stay in order, errors are our own, nothing is left
running, and polling takes a burst.
"""

from __future__ import annotations

import logging
import re
import socket as sockets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, AnyStr

from duologue.errors import (
    APIError,
    AuthenticationError,
    ConnectError,
    ConnectionLostError,
    ConnectTimeout,
    error_from_body,
)
from duologue.http.transport import Session
from duologue.realtime.queues import SerialExecutor

try:
    import engineio
    import socketio
    import websocket
except ImportError as missing:
    raise ImportError(f"real time needs {missing.name}: pip install 'duologue[realtime]'") from missing

_wire_log = logging.getLogger("duologue.realtime.wire")
_wire_log.setLevel(logging.CRITICAL)  # below that, socketio logs every packet, the one with the token too

_NO_PROXY = {"http_proxy_host": "none", "http_no_proxy": ["*"]}
"""Keeps websocket-client from `HTTP_PROXY` in the surroundings; without the first it does not look at the second."""

_DRAIN_TIMEOUT = 1.0
"""Seconds that what was emitted last, and the goodbye, may take to leave."""

_JOIN = 2.0
"""Seconds that the threads of a connection which was cut may take to notice. Only one that polls a server which has
frozen takes longer: until its request times out."""

RESERVED = ("connect", "connect_error", "disconnect", "*", "__disconnect_final")
"""Names that Socket.IO keeps for itself."""


class SocketIOLink:
    """One connection.

    Args:
        url: the server's address.
        session: makes the requests of the polling transport and knows proxies and certificates; closed with the link.
        timeout: seconds that the handshake, and each request, may take.
        proxied: whether proxies were configured; those of the surroundings are never used.
        established: called when the server has let us in, before any event.
        heard: called with each event's name and what came with it, in order.
        lost: called with the reason when an established connection has ended, once. These three are called on threads
            of the link, and must not wait for it.
    """

    def __init__(
        self,
        url: str,
        *,
        session: Session,
        timeout: float,
        proxied: bool,
        on_connect: Callable[[], None],
        on_event: Callable[..., None],
        on_disconnect: Callable[[str], None],
    ) -> None:
        self._url = url
        self._session = session
        self._timeout = timeout
        self._on_connect, self._lost = on_connect, on_disconnect
        self._settled = threading.Event()
        self._closed = self._up = self._told_lost = False
        self._state = threading.Lock()
        self._refusal: object = None
        self._wires: list[_Wire] = []
        self._socket = self._new_socket(proxied, on_event)

    def open(self, auth: Mapping[str, str], transports: Sequence[str]) -> None:
        """Connect, and return when the server has let us in.

        Args:
            auth: who we are.
            transports: `websocket`, `polling`, or both in the order to try them.

        Raises:
            AuthenticationError: the server refused us.
            ConnectError: there is no connection to be had, or `close` was called meanwhile.
            ConnectTimeout: the server did not answer in time.
        """
        try:
            self._handshake(dict(auth), list(transports))
        except BaseException:
            self.close()
            raise

    def emit(self, event: str, data: object, acknowledged: Callable[..., None] | None = None) -> None:
        """Hand an event to the thread that sends; one caller at a time.

        Raises:
            ConnectionLostError: the connection has ended.
            TypeError: the data cannot be sent.
        """
        if self._told_lost or self._closed:
            raise ConnectionLostError("There is no real-time connection at this moment")
        try:
            self._socket.emit(event, data, callback=acknowledged)
        except socketio.exceptions.SocketIOError as failure:
            raise ConnectionLostError("There is no real-time connection at this moment") from failure

    def forget(self, acknowledged: Callable[..., None]) -> None:
        """Keep an acknowledgement no longer that nobody waits for."""
        waiting = self._socket.callbacks.get("/", {})
        for number in [number for number, known in tuple(waiting.items()) if known is acknowledged]:
            waiting.pop(number, None)

    def close(self) -> None:
        """Say goodbye, if there is a connection, and end everything of it; from any thread but the link's own."""
        self._closed = True
        self._settled.set()
        try:
            self._socket.disconnect()
        except RuntimeError:  # the server left at this very moment: its list of namespaces changed
            self._socket.eio.disconnect()
        for wire in self._wires:
            wire.cut()
        self._socket.eio.end()
        for wire in self._wires:
            wire.shutdown()  # type: ignore[no-untyped-call]  # websocket-client has no types
        self._session.close()

    def abandon(self) -> None:
        """Let go of the descriptors without a word: in a forked process, where the connection is the parent's."""
        self._closed = True
        for wire in self._wires:
            if wire.sock is not None:
                wire.sock.close()

    def _new_socket(self, proxied: bool, on_event: Callable[..., None]) -> Any:
        socket = _Socket(
            reconnection=False,
            request_timeout=self._timeout,
            http_session=self._session,
            websocket_extra_options={"class_": self._new_wire} | ({} if proxied else _NO_PROXY),
            handle_sigint=False,
            logger=_wire_log,
            engineio_logger=_wire_log,
        )
        socket.on("*", on_event)
        socket.on("connect", self._let_in)
        socket.on("connect_error", self._refused)
        socket.on("disconnect", self._over)
        socket.eio.before_end = self._over
        return socket

    def _new_wire(self, *args: Any, **options: Any) -> _Wire:
        wire = _Wire(*args, **options)
        self._wires.append(wire)
        return wire

    def _handshake(self, auth: dict[str, str], transports: list[str]) -> None:
        until = time.monotonic() + self._timeout
        try:
            if not self._closed:
                # Not to wait in there: it would not notice a server that hangs up.
                self._socket.connect(self._url, auth=auth, transports=transports, wait=False)
        except (socketio.exceptions.SocketIOError, engineio.exceptions.EngineIOError, OSError) as failure:
            if time.monotonic() >= until:
                raise ConnectTimeout from failure
            raise self._failure(str(failure), _status_of(failure)) from failure
        settled = self._settled.wait(max(0.0, until - time.monotonic()))
        with self._state:
            if self._up:
                return
            ended, self._closed = self._closed, True  # from now on it is too late to let us in
        if not settled:
            raise ConnectTimeout
        raise self._failure("The connection was ended while it was being made" if ended else "The server hung up")

    def _let_in(self) -> None:
        self._socket.connected = True  # or it would ignore a goodbye that comes before its `connect` returns
        with self._state:
            if self._closed or self._told_lost:
                return
            self._up = True
        self._on_connect()
        self._settled.set()

    def _refused(self, on_status: object = None, *_: object) -> None:
        self._refusal = on_status
        self._settled.set()

    def _over(self, reason: str) -> None:
        """Tell, once, that the connection has ended; engine and socket both notice it."""
        with self._state:
            first, self._told_lost = not self._told_lost, True
            telling = first and self._up and not self._closed
        self._settled.set()
        if telling:
            self._lost(str(reason))

    def _failure(self, reason: str, status: int | None = None) -> APIError:
        """Return the error for a connection that was not made, from what the server said of it, if it did."""
        on_status = self._refusal
        if status == 401:  # not Socket.IO's way to refuse, but that of a gateway before it
            return error_from_body(status, on_status)
        if not isinstance(on_status, dict):
            return ConnectError(details={"reason": str(on_status or reason)})
        message, body = on_status.get("message"), on_status.get("data")
        if message == "Unauthorized":
            return _worded(message, body)
        return ConnectError(details={"reason": str(message)}, data=body)


def _status_of(failure: BaseException | None) -> int | None:
    """Return the HTTP status with which a handshake was refused, None if it was not refused so."""
    while failure is not None:
        said = re.match(r"Unexpected status code (\d{3}) ", str(failure))  # engineio's, of polling
        status = int(said[1]) if said else getattr(failure, "status_code", None)  # websocket-client's
        if status is not None:
            return int(status)
        failure = failure.__cause__ or failure.__context__
    return None


def _worded(message: str, body: object) -> APIError:
    error = error_from_body(401, body)
    return AuthenticationError(message, code=error.code, details=error.details, errors=error.errors, data=body)


class _Wire(websocket.WebSocket):
    """A websocket that can be ended at once, even while a thread waits in it for a server that says nothing."""

    def close(self, *_: Any, **__: Any) -> None:
        """Hang up. The library's own waits for an answer that the reading thread will get; and Engine.IO's goodbye,
        which was sent before, says the same as the frame that it would send."""
        self.connected = False
        self.cut()

    def cut(self) -> None:
        """Wake whoever waits in this connection, which is over for them."""
        wire = self.sock
        if wire is not None:
            with suppress(OSError):
                wire.shutdown(sockets.SHUT_RDWR)


class _Engine(engineio.Client):  # type: ignore[misc]  # engineio has no types
    """engineio with its messages in order, its threads known, and more than 16 packets in one request.

    Attributes:
        before_end: called with the reason as soon as the connection ends.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.in_order = SerialExecutor("duologue-realtime")
        self.before_end: Callable[[str], None] = lambda reason: None
        self._one_at_a_time = threading.RLock()
        self._threads: list[threading.Thread] = []
        self._rest: deque[_Answer] = deque()

    def on(self, event: str, handler: Any = None) -> Any:
        """Register a handler; the one for the end learns of it when the last packets have left."""
        return super().on(event, handler if event != "disconnect" else lambda reason: self._ending(handler, reason))

    def start_background_task(self, target: Callable[..., object], *args: Any, **options: Any) -> Any:
        """Start a thread; but messages, for which engineio does so each time, are handled one after the other."""
        if target == self.handlers.get("message"):
            return self.in_order.do(target, *args)
        name = f"duologue-realtime{target.__name__}"
        thread = threading.Thread(target=target, args=args, kwargs=options, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def disconnect(self, abort: bool = False, reason: Any = None) -> None:
        """End the connection when the last packets have left; `end` waits for the threads, and not for ever."""
        with self._one_at_a_time:  # the second would throw away what tells the sending thread to end
            if self.state == "connected":
                self._let_packets_leave()
            super().disconnect(abort=True, reason=reason)

    def end(self) -> None:
        """Wait for all threads of the connection."""
        self.queue.put(None)  # for a sending thread that has not heard of the end
        until = time.monotonic() + _JOIN
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, until - time.monotonic()))
        self.in_order.stop()

    def _let_packets_leave(self) -> None:
        """Wait for the thread that sends: when it finds the connection ended it drops what is left."""
        queue = self.queue
        with queue.all_tasks_done:
            queue.all_tasks_done.wait_for(lambda: not queue.unfinished_tasks, _DRAIN_TIMEOUT)

    def _ending(self, handler: Callable[[str], None], reason: str) -> None:
        self.before_end(reason)
        for thread in self._threads:
            if thread.name.endswith("_write_loop") and thread is not threading.current_thread():
                thread.join(_DRAIN_TIMEOUT)
        handler(reason)

    def _send_request(self, method: str, url: str, **options: Any) -> Any:
        """Make a request of the polling transport.

        Both sides refuse a body with more than 16 packets (`engineio.payload.Payload.max_decode_packets`), but neither
        keeps to that when it writes one. So an answer is handed on, and a request sent, in pieces of that size.
        """
        if method == "POST":
            return self._posted(url, options.pop("body"), options)
        if self._rest:
            return self._rest.popleft()
        answer = super()._send_request(method, url, **options)
        if answer is None or isinstance(answer, str) or answer.status_code != 200:
            return answer
        self._rest.extend(_Answer(piece) for piece in _pieces(answer.content, b"\x1e"))
        return self._rest.popleft()

    def _posted(self, url: str, body: str, options: dict[str, Any]) -> Any:
        answer = None
        for piece in _pieces(body, "\x1e"):
            answer = super()._send_request("POST", url, body=piece, **options)
            if answer is None or isinstance(answer, str) or answer.status_code != 200:
                break
        return answer


class _Answer:
    """What engineio looks at of an answer."""

    status_code = 200

    def __init__(self, content: bytes) -> None:
        self.content = content


def _pieces(payload: AnyStr, between: AnyStr) -> list[AnyStr]:
    """Return an Engine.IO payload as several, each with as many packets as may be in one."""
    packets = payload.split(between)
    most = engineio.payload.Payload.max_decode_packets
    return [between.join(packets[start : start + most]) for start in range(0, len(packets), most)]


class _Socket(socketio.Client):  # type: ignore[misc]  # socketio has no types
    def _engineio_client_class(self) -> type[_Engine]:
        return _Engine
