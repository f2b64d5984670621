"""One Socket.IO connection, from its handshake to its end; never used again after that.

The only module that imports socketio. python-socketio speaks the protocol; its reconnection is off, because
`connection` sends the credentials of the moment. Added here: messages stay in order, errors are Duologue's, no thread
or socket is left over, and the polling transport takes a burst.
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
from duologue.realtime.queues import DISCONNECTED, SerialExecutor

try:
    import engineio
    import socketio
    import websocket
except ImportError as missing:
    raise ImportError(f"Realtime needs {missing.name}: pip install 'duologue[realtime]'") from missing

_packet_log = logging.getLogger("duologue.realtime.packets")
_packet_log.setLevel(logging.CRITICAL)  # below that, socketio logs every packet, the one with the token too

_NO_PROXY = {"http_proxy_host": "none", "http_no_proxy": ["*"]}
"""Keeps websocket-client from reading `HTTP_PROXY`; without the first it does not look at the second."""

_DRAIN_TIMEOUT = 1.0
"""Seconds that the last events, and the disconnect packet, may take to be sent."""

_JOIN_TIMEOUT = 2.0
"""Seconds to wait for the threads of a connection that was closed. Only one that polls a frozen server takes longer:
until its request times out."""

RESERVED = ("connect", "connect_error", "disconnect", "*", "__disconnect_final")
"""Names that Socket.IO reserves for itself."""


class SocketIOLink:
    """One connection. Its callbacks are called on its own threads and must not wait for it.

    Args:
        url: the server's URL.
        session: makes the requests of the polling transport, with proxies and certificates; closed with the link.
        timeout: seconds that the handshake, and each request, may take.
        proxied: whether proxies were configured; those of environment variables are never used.
        on_connect: called when the server has accepted the connection, before any event.
        on_event: called with the name of each event and its arguments, in order.
        on_disconnect: called once, with the reason, when a connection has ended that was accepted before.
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
        self._on_connect, self._on_disconnect = on_connect, on_disconnect
        self._handshake_done = threading.Event()
        self._closed = self._connected = self._ended = False
        self._lock = threading.Lock()
        self._connect_error: object = None
        self._websockets: list[_InterruptibleWebSocket] = []
        self._socket = self._new_socket(proxied, on_event)

    def open(self, credentials: Mapping[str, str], transports: Sequence[str]) -> None:
        """Connect, and return when the server has accepted the connection.

        Args:
            credentials: the `auth` of the handshake.
            transports: `websocket`, `polling`, or both in the order to try them.

        Raises:
            AuthenticationError: the server refused the credentials.
            ConnectError: no connection could be made, or `close` was called meanwhile.
            ConnectTimeout: the server did not respond in time.
        """
        try:
            self._shake_hands(dict(credentials), list(transports))
        except BaseException:
            self.close()
            raise

    def emit(self, event: str, data: object, on_acknowledged: Callable[..., None] | None = None) -> None:
        """Pass an event to the thread that sends; to be called by one thread at a time.

        Raises:
            ConnectionLostError: the connection has ended.
            TypeError: the data cannot be sent.
        """
        if self._ended or self._closed:
            raise ConnectionLostError(DISCONNECTED)
        try:
            self._socket.emit(event, data, callback=on_acknowledged)
        except socketio.exceptions.SocketIOError as error:
            raise ConnectionLostError(DISCONNECTED) from error

    def discard(self, on_acknowledged: Callable[..., None]) -> None:
        """Drop the callback of an acknowledgement that is no longer waited for."""
        callbacks = self._socket.callbacks.get("/", {})
        for number in [number for number, callback in tuple(callbacks.items()) if callback is on_acknowledged]:
            callbacks.pop(number, None)

    def close(self) -> None:
        """Disconnect, and end all threads and sockets; from any thread but the link's own."""
        self._closed = True
        self._handshake_done.set()
        try:
            self._socket.disconnect()
        except RuntimeError:  # the server disconnected at this very moment: its list of namespaces changed
            self._socket.eio.disconnect()
        for one in self._websockets:
            one.interrupt()
        self._socket.eio.join_threads()
        for one in self._websockets:
            one.shutdown()  # type: ignore[no-untyped-call]  # websocket-client has no types
        self._session.close()

    def abandon(self) -> None:
        """Close the descriptors without a packet: in a forked process, where the connection is the parent's."""
        self._closed = True
        for one in self._websockets:
            if one.sock is not None:
                one.sock.close()

    def _new_socket(self, proxied: bool, on_event: Callable[..., None]) -> Any:
        socket = _SocketIOClient(
            reconnection=False,
            request_timeout=self._timeout,
            http_session=self._session,
            websocket_extra_options={"class_": self._new_websocket} | ({} if proxied else _NO_PROXY),
            handle_sigint=False,
            logger=_packet_log,
            engineio_logger=_packet_log,
        )
        socket.on("*", on_event)
        socket.on("connect", self._on_socket_connect)
        socket.on("connect_error", self._on_socket_connect_error)
        socket.on("disconnect", self._on_socket_disconnect)
        socket.eio.before_end = self._on_socket_disconnect
        return socket

    def _new_websocket(self, *args: Any, **options: Any) -> _InterruptibleWebSocket:
        created = _InterruptibleWebSocket(*args, **options)
        self._websockets.append(created)
        return created

    def _shake_hands(self, credentials: dict[str, str], transports: list[str]) -> None:
        until = time.monotonic() + self._timeout
        try:
            if not self._closed:
                # Not to wait in there: it would not notice a server that closes the connection.
                self._socket.connect(self._url, auth=credentials, transports=transports, wait=False)
        except (socketio.exceptions.SocketIOError, engineio.exceptions.EngineIOError, OSError) as error:
            if time.monotonic() >= until:
                raise ConnectTimeout from error
            raise self._build_error(str(error), _find_http_status(error)) from error
        done = self._handshake_done.wait(max(0.0, until - time.monotonic()))
        with self._lock:
            if self._connected:
                return
            was_closed, self._closed = self._closed, True  # from now on it is too late to accept us
        if not done:
            raise ConnectTimeout
        raise self._build_error(
            "disconnect() was called while connecting" if was_closed else "The server closed the connection"
        )

    def _on_socket_connect(self) -> None:
        self._socket.connected = True  # or it would ignore a disconnect packet that comes before `connect` returns
        with self._lock:
            if self._closed or self._ended:
                return
            self._connected = True
        self._on_connect()
        self._handshake_done.set()

    def _on_socket_connect_error(self, data: object = None, *_: object) -> None:
        self._connect_error = data
        self._handshake_done.set()

    def _on_socket_disconnect(self, reason: str) -> None:
        """Note the end of the connection, once: both Engine.IO and Socket.IO report it."""
        with self._lock:
            is_first, self._ended = not self._ended, True
            was_lost = is_first and self._connected and not self._closed
        self._handshake_done.set()
        if was_lost:
            self._on_disconnect(str(reason))

    def _build_error(self, reason: str, status: int | None = None) -> APIError:
        """Return the error for a connection that was not made, from what the server said about it, if it did."""
        data = self._connect_error
        if status == 401:  # not Socket.IO's way to refuse, but that of a gateway in front of it
            return error_from_body(status, data)
        if not isinstance(data, dict):
            return ConnectError(details={"reason": str(data or reason)})
        message, body = data.get("message"), data.get("data")
        if message == "Unauthorized":
            error = error_from_body(401, body)
            return AuthenticationError(message, code=error.code, details=error.details, errors=error.errors, data=body)
        return ConnectError(details={"reason": str(message)}, data=body)


def _find_http_status(error: BaseException | None) -> int | None:
    """Return the HTTP status with which a handshake was refused, None if it failed otherwise."""
    while error is not None:
        match = re.match(r"Unexpected status code (\d{3}) ", str(error))  # engineio's, of polling
        status = int(match[1]) if match else getattr(error, "status_code", None)  # websocket-client's
        if status is not None:
            return int(status)
        error = error.__cause__ or error.__context__
    return None


class _InterruptibleWebSocket(websocket.WebSocket):
    """A websocket that can be closed at once, even while a thread waits in it for a silent server."""

    def close(self, *_: Any, **__: Any) -> None:
        """Close it. The library's own method waits for a frame that the reading thread will get; and Engine.IO's close
        packet, which was sent before, says the same as the frame that it would send."""
        self.connected = False
        self.interrupt()

    def interrupt(self) -> None:
        """Wake the threads that wait in it."""
        descriptor = self.sock
        if descriptor is not None:
            with suppress(OSError):
                descriptor.shutdown(sockets.SHUT_RDWR)


class _EngineIOClient(engineio.Client):  # type: ignore[misc]  # engineio has no types
    """engineio with messages in order, a list of its threads, and more than 16 packets in one request.

    Attributes:
        executor: handles the messages.
        before_end: called with the reason as soon as the connection ends.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.executor = SerialExecutor("duologue-realtime")
        self.before_end: Callable[[str], None] = lambda reason: None
        self._disconnecting = threading.RLock()
        self._threads: list[threading.Thread] = []
        self._chunks: deque[_PayloadChunk] = deque()

    def on(self, event: str, handler: Any = None) -> Any:
        """Register a handler; the one for `disconnect` is called when the last packets were sent."""
        return super().on(event, handler if event != "disconnect" else lambda reason: self._end(handler, reason))

    def start_background_task(self, target: Callable[..., object], *args: Any, **options: Any) -> Any:
        """Start a thread; but messages, for which engineio starts one each, are handled one after the other."""
        if target == self.handlers.get("message"):
            return self.executor.submit(target, *args)
        name = f"duologue-realtime{target.__name__}"
        thread = threading.Thread(target=target, args=args, kwargs=options, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def disconnect(self, abort: bool = False, reason: Any = None) -> None:
        """End the connection when the last packets were sent; `join_threads` waits for the threads, with a limit."""
        with self._disconnecting:  # a second call would remove what ends the sending thread
            if self.state == "connected":
                self._drain()
            super().disconnect(abort=True, reason=reason)

    def join_threads(self) -> None:
        """Wait for all threads of the connection."""
        self.queue.put(None)  # for a sending thread that has not noticed the end
        until = time.monotonic() + _JOIN_TIMEOUT
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, until - time.monotonic()))
        self.executor.stop()

    def _drain(self) -> None:
        """Wait for the thread that sends: when it finds the connection ended it drops what is left."""
        queue = self.queue
        with queue.all_tasks_done:
            queue.all_tasks_done.wait_for(lambda: not queue.unfinished_tasks, _DRAIN_TIMEOUT)

    def _end(self, handler: Callable[[str], None], reason: str) -> None:
        self.before_end(reason)
        for thread in self._threads:
            if thread.name.endswith("_write_loop") and thread is not threading.current_thread():
                thread.join(_DRAIN_TIMEOUT)
        handler(reason)

    def _send_request(self, method: str, url: str, **options: Any) -> Any:
        """Make a request of the polling transport.

        Both sides refuse a body with more than 16 packets (`engineio.payload.Payload.max_decode_packets`), but neither
        keeps to that when it writes one. So responses are passed on, and requests sent, in chunks of that size.
        """
        if method == "POST":
            return self._post_chunks(url, options.pop("body"), options)
        if self._chunks:
            return self._chunks.popleft()
        response = super()._send_request(method, url, **options)
        if response is None or isinstance(response, str) or response.status_code != 200:
            return response
        self._chunks.extend(_PayloadChunk(chunk) for chunk in _split_payload(response.content, b"\x1e"))
        return self._chunks.popleft()

    def _post_chunks(self, url: str, body: str, options: dict[str, Any]) -> Any:
        response = None
        for chunk in _split_payload(body, "\x1e"):
            response = super()._send_request("POST", url, body=chunk, **options)
            if response is None or isinstance(response, str) or response.status_code != 200:
                break
        return response


class _PayloadChunk:
    """What engineio reads of a response."""

    status_code = 200

    def __init__(self, content: bytes) -> None:
        self.content = content


def _split_payload(payload: AnyStr, separator: AnyStr) -> list[AnyStr]:
    """Split an Engine.IO payload into several, each with as many packets as one may have."""
    packets = payload.split(separator)
    most = engineio.payload.Payload.max_decode_packets
    return [separator.join(packets[start : start + most]) for start in range(0, len(packets), most)]


class _SocketIOClient(socketio.Client):  # type: ignore[misc]  # socketio has no types
    def _engineio_client_class(self) -> type[_EngineIOClient]:
        return _EngineIOClient
