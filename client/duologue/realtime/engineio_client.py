"""engineio's client and websocket-client's socket, with the bounds that they lack.

What a server sends is bounded in size and, while the connection is being made, in time; whatever it is, it ends the
connection at worst, and no thread. Messages stay in order, and the polling transport takes a burst.
"""

from __future__ import annotations

import json
import logging
import socket as sockets
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, AnyStr
from urllib.parse import urlsplit, urlunsplit

from duologue.http.adapter import RetryAdapter
from duologue.http.error_mapping import map_exception
from duologue.http.pool import POOLS, DeadlineTimeout, resolve_localhost
from duologue.http.retry import RetryPolicy
from duologue.realtime.queues import SerialExecutor

try:
    import engineio
    import socketio
    import websocket
except ImportError as missing:
    raise ImportError(f"Realtime needs {missing.name}: pip install 'duologue[realtime]'") from missing

if TYPE_CHECKING:
    import urllib3

_log = logging.getLogger("duologue")

CONNECTION_ERRORS = (socketio.exceptions.SocketIOError, engineio.exceptions.EngineIOError, OSError)
"""What the libraries raise when a connection cannot be made, or has ended."""

_DRAIN_TIMEOUT = 1.0
"""Seconds that the last events, and the disconnect packet, may take to be sent."""

_JOIN_TIMEOUT = 2.0
"""Seconds to wait for the threads of a connection that was closed. Only one that polls a frozen server takes longer:
until its request times out."""

_MAX_HEAD = 65_536
"""Bytes that a server may send before a websocket is open."""

_MAX_WAITING = 1_000
"""Messages that wait to be handled; the thread that reads waits then, and so, in the end, does the server."""


class _BoundedSocket:
    """A socket that is interrupted at once, and receives no more than it is allowed to.

    Args:
        wrapped: the socket.
        deadline: when the handshake must be over, on `time.monotonic`'s scale.
    """

    def __init__(self, wrapped: sockets.socket, deadline: float) -> None:
        self._wrapped = wrapped
        self._allowed = _MAX_HEAD
        self.deadline: float | None = deadline

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)

    def allow(self, size: int) -> None:
        """Receive so many bytes at most until the next call."""
        self._allowed = size

    def recv(self, size: int) -> bytes:
        """Receive bytes, as `socket.recv`."""
        if self.deadline is not None:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            self._wrapped.settimeout(left)
        data = self._wrapped.recv(size)
        self._allowed -= len(data)
        if self._allowed < 0:
            raise websocket.WebSocketPayloadException("The server sent more than is allowed")
        return data

    def interrupt(self) -> None:
        """Wake the threads that wait for it; what has arrived can still be read."""
        with suppress(OSError):
            self._wrapped.shutdown(sockets.SHUT_RDWR)


class BoundedWebSocket(websocket.WebSocket):
    """A websocket that can be closed at once, even while a thread waits in it for a silent server.

    Args:
        max_size: bytes that one message may have.
        deadline: when the handshake must be over, on `time.monotonic`'s scale.
    """

    _socket: _BoundedSocket | None = None

    def __init__(self, *args: Any, max_size: int, deadline: float, **options: Any) -> None:
        self._max_size = max_size
        self._deadline = deadline
        self._interrupted = False
        super().__init__(*args, **options)

    @property
    def sock(self) -> Any:
        """The socket; websocket-client sets it as soon as it is connected."""
        return self._socket

    @sock.setter
    def sock(self, value: Any) -> None:
        self._socket = None if value is None else _BoundedSocket(value, self._deadline)
        if self._interrupted:
            self.interrupt()

    def connect(self, url: str, **options: Any) -> None:
        """Connect, also to a name below `localhost`, which the system that looks it up may not know."""
        parts = urlsplit(url)
        name = parts.hostname or ""
        if (host := resolve_localhost(name)) != name:
            options["host"] = parts.netloc
            options["sslopt"] = {"server_hostname": name, **(options.get("sslopt") or {})}
            url = urlunsplit(parts._replace(netloc=host if parts.port is None else f"{host}:{parts.port}"))
        super().connect(url, **options)  # type: ignore[no-untyped-call]  # of websocket-client

    def end_handshake(self) -> None:
        """Let the server take its time from now on."""
        if self._socket is not None:
            self._socket.deadline = None
            with suppress(OSError):  # it has ended already
                self._socket.settimeout(self.gettimeout())

    def recv_data_frame(self, control_frame: bool = False) -> Any:
        """Receive a message; `recv` calls it."""
        if self._socket is not None:
            self._socket.allow(self._max_size)
        return super().recv_data_frame(control_frame)

    def close(self, *_: Any, **__: Any) -> None:
        """Close it. The library's own method waits for a frame that the reading thread will get; and Engine.IO's close
        packet, which was sent before, says the same as the frame that it would send."""
        self.connected = False
        self.interrupt()

    def interrupt(self) -> None:
        """Wake the threads that wait in it."""
        self._interrupted = True
        if self._socket is not None:
            self._socket.interrupt()


class InterruptibleAdapter(RetryAdapter):
    """An adapter of requests whose connections keep deadlines, and can be closed while a thread waits in them."""

    def __init__(self) -> None:
        self._sockets: weakref.WeakSet[sockets.socket] = weakref.WeakSet()
        super().__init__(RetryPolicy(0))

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Create the manager of the pools; requests calls it."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._create_pools()

    def proxy_manager_for(self, proxy: str, **options: Any) -> urllib3.ProxyManager:
        """Return the manager of the pools behind a proxy; requests calls it."""
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = self._create_pools()
        return manager

    def interrupt(self) -> None:
        """Wake the threads that wait in its connections."""
        for one in list(self._sockets):
            with suppress(OSError):
                one.shutdown(sockets.SHUT_RDWR)

    def abandon(self) -> None:
        """Close the descriptors, in a forked process."""
        for one in list(self._sockets):
            one.close()

    def _create_pools(self) -> dict[str, type[urllib3.HTTPConnectionPool]]:
        opened = self._sockets

        def track(pool: Any) -> Any:
            def connect(connection: Any) -> None:
                pool.ConnectionCls.connect(connection)
                opened.add(connection.sock)

            connection_class = type("_TrackedConnection", (pool.ConnectionCls,), {"connect": connect})
            return type("_TrackedPool", (pool,), {"ConnectionCls": connection_class})

        return {scheme: track(pool) for scheme, pool in POOLS.items()}


class _EngineIOClient(engineio.Client):  # type: ignore[misc]  # engineio has no types
    """engineio with messages in order, a list of its threads, and more than 16 packets in one request.

    Attributes:
        executor: handles the messages.
        before_end: called with the reason as soon as the connection ends.
        max_size: bytes that a response of the polling transport may have.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.executor = SerialExecutor("duologue-realtime", size=_MAX_WAITING, when_full="wait")
        self.before_end: Callable[[str], None] = lambda reason: None
        self.max_size = 10**9
        self._disconnecting = threading.RLock()
        self._threads: list[threading.Thread] = []
        self._chunks: deque[_PolledResponse] = deque()

    def on(self, event: str, handler: Any = None) -> Any:
        """Register a handler; the one for `disconnect` is called when the last packets were sent."""
        return super().on(event, handler if event != "disconnect" else lambda reason: self._end(handler, reason))

    def start_background_task(self, target: Callable[..., object], *args: Any, **options: Any) -> Any:
        """Start a thread; but messages, for which engineio starts one each, are handled one after the other."""
        if target == self.handlers.get("message"):
            return self.executor.submit(_handle_message, target, *args)
        name = f"duologue-realtime{target.__name__}"
        thread = threading.Thread(target=self._run, args=(target, *args), kwargs=options, name=name, daemon=True)
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
        for thread in list(self._threads):
            if thread is not threading.current_thread():
                thread.join(max(0.0, until - time.monotonic()))
        self.executor.stop(timeout=max(0.1, until - time.monotonic()))

    def _run(self, target: Callable[..., object], *args: Any, **options: Any) -> None:
        """Run a thread's function. If it fails on what the server sent, the connection ends as if it had been lost."""
        try:
            target(*args, **options)
        except Exception as error:
            _log.error("realtime: the connection is closed, since the server sent what %s", _describe(error))
            self.queue.put(None)  # ends the thread that sends
            if self.current_transport == "websocket" and self.ws is not None:
                self.ws.close()  # ends the thread that reads
            self.write_loop_task = None
            with self._disconnecting:
                if self.state == "connected":
                    self._trigger_event("disconnect", self.reason.TRANSPORT_ERROR, run_async=False)
                    self._reset()

    def _drain(self) -> None:
        """Wait for the thread that sends: when it finds the connection ended it drops what is left."""
        queue = self.queue
        with queue.all_tasks_done:
            queue.all_tasks_done.wait_for(lambda: not queue.unfinished_tasks, _DRAIN_TIMEOUT)

    def _end(self, handler: Callable[[str], None], reason: str) -> None:
        self.before_end(reason)
        for thread in list(self._threads):
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
        response = self._exchange(method, url, **options)
        if isinstance(response, str) or response.status_code != 200:
            return response
        self._chunks.extend(_PolledResponse(200, chunk) for chunk in _split_payload(response.content, b"\x1e"))
        return self._chunks.popleft()

    def _post_chunks(self, url: str, body: str, options: dict[str, Any]) -> Any:
        response: _PolledResponse | str = ""
        for chunk in _split_payload(body, "\x1e"):
            response = self._exchange("POST", url, body=chunk, **options)
            if isinstance(response, str) or response.status_code != 200:
                break
        return response

    def _exchange(self, method: str, url: str, *, timeout: float, body: str = "", **options: Any) -> Any:
        """Make one request, and return its response, or why there is none. The timeout is for all of it."""
        limits = DeadlineTimeout(timeout, time.monotonic() + timeout)
        try:
            with self.http.request(
                method, url, data=body.encode(), timeout=limits, stream=True, allow_redirects=False, **options
            ) as response:
                content = bytearray()
                for part in response.iter_content(65_536):
                    content += part
                    if len(content) > self.max_size:
                        return f"The response is larger than {self.max_size:,} bytes"
                return _PolledResponse(response.status_code, bytes(content))
        except Exception as error:  # of requests, urllib3 or whatever they use: of what the server sent
            failure = map_exception(error)
            return str(failure.details.get("reason") or failure.message)


class _PolledResponse:
    """What engineio reads of a response."""

    def __init__(self, status_code: int, content: bytes) -> None:
        self.status_code = status_code
        self.content = content

    def json(self) -> Any:
        """Return the JSON value of the body."""
        return json.loads(self.content)


def _handle_message(handler: Callable[[Any], object], data: Any) -> None:
    try:
        handler(data)
    except Exception as error:  # engineio and socketio check little of what a server sends
        _log.error("realtime: a message was ignored, since it %s", _describe(error))


def _describe(error: Exception) -> str:
    """Return what is wrong with something that a server sent; without its text, which may have secrets."""
    return f"is not valid Socket.IO ({type(error).__name__})"


def _split_payload(payload: AnyStr, separator: AnyStr) -> list[AnyStr]:
    """Split an Engine.IO payload into several, each with as many packets as one may have."""
    packets = payload.split(separator)
    most = engineio.payload.Payload.max_decode_packets
    return [separator.join(packets[start : start + most]) for start in range(0, len(packets), most)]


class SocketIOClient(socketio.Client):  # type: ignore[misc]  # socketio has no types
    """socketio with that Engine.IO client."""

    def _engineio_client_class(self) -> type[_EngineIOClient]:
        return _EngineIOClient
