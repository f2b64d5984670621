"""One Socket.IO connection, from its handshake to its end; never used again after that.

python-socketio speaks the protocol; its reconnection is off, because `connection` sends the credentials of the moment.
Added here: errors are Duologue's whatever the server sends, and no thread or socket is left over.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from duologue.errors import (
    APIError,
    AuthenticationError,
    ConnectError,
    ConnectionLostError,
    ConnectTimeout,
    SendBufferFullError,
    error_from_body,
)
from duologue.http.transport import Session
from duologue.observability.redaction import collect_secrets, redact, redact_value
from duologue.realtime.engineio_client import CONNECTION_ERRORS, BoundedWebSocket, InterruptibleAdapter, SocketIOClient
from duologue.realtime.queues import DISCONNECTED

_packet_log = logging.getLogger("duologue.realtime.packets")
_packet_log.setLevel(logging.CRITICAL)  # below that, socketio logs every packet, the one with the token too

_NO_PROXY = {"http_proxy_host": "none", "http_no_proxy": ["*"]}
"""Keeps websocket-client from reading `HTTP_PROXY`; without the first it does not look at the second."""

_MAX_REASON: Final = 200
"""Characters of another library's text that an error quotes."""

MAX_UNSENT: Final = 10_000
"""Packets that wait to be sent over a connection that is too slow."""

RESERVED = ("connect", "connect_error", "disconnect", "*", "__disconnect_final")
"""Names that Socket.IO reserves for itself."""


class SocketIOLink:
    """One connection. Its callbacks are called on its own threads and must not wait for it.

    Args:
        url: the server's URL.
        session: makes the requests of the polling transport, with proxies and certificates; closed with the link.
        headers: headers to send with the requests of the handshake.
        timeout: seconds that each request may take.
        max_size: bytes that a message may have.
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
        headers: Mapping[str, str],
        timeout: float,
        max_size: int,
        proxied: bool,
        on_connect: Callable[[], None],
        on_event: Callable[..., None],
        on_disconnect: Callable[[str], None],
    ) -> None:
        self._url = url
        self._session = session
        self._headers = headers
        self._timeout = timeout
        self._max_size = max_size
        self._deadline = 0.0
        self._secrets: tuple[str, ...] = ()
        self._connecting: threading.Thread | None = None
        self._failure: Exception | None = None
        self._on_connect, self._on_disconnect = on_connect, on_disconnect
        self._handshake_done = threading.Event()
        self._closed = self._connected = self._ended = False
        self._lock = threading.Lock()
        self._connect_error: object = "The server closed the connection"
        self._websockets: list[BoundedWebSocket] = []
        self._adapter = InterruptibleAdapter()
        for scheme in ("http://", "https://"):
            session.mount(scheme, self._adapter)
        self._socket = self._new_socket(proxied, on_event)

    def open(self, credentials: Mapping[str, str], transports: Sequence[str], deadline: float) -> None:
        """Connect, and return when the server has accepted the connection.

        Args:
            credentials: the `auth` of the handshake.
            transports: `websocket`, `polling`, or both in the order to try them.
            deadline: when that must have happened, on `time.monotonic`'s scale.

        Raises:
            AuthenticationError: the server refused the credentials.
            ConnectError: no connection could be made, or `close` was called meanwhile.
            ConnectTimeout: the server did not respond in time.
        """
        self._deadline = deadline
        secrets = [value for name, value in credentials.items() if name != "userId"]
        # After `Bearer` or `Basic` stands the secret itself.
        self._secrets = collect_secrets(
            [*secrets, *(part for value in self._headers.values() for part in value.split())]
        )
        try:
            error = self._shake_hands(dict(credentials), list(transports))
            if error is not None:
                raise error
        except BaseException:
            self.close()
            raise

    def emit(self, event: str, data: object, on_acknowledged: Callable[..., None] | None = None) -> None:
        """Pass an event to the thread that sends; to be called by one thread at a time.

        Raises:
            ConnectionLostError: the connection has ended.
            SendBufferFullError: the server takes what is sent too slowly.
        """
        if self._ended or self._closed:
            raise ConnectionLostError(DISCONNECTED)
        if self._socket.eio.queue.unfinished_tasks >= MAX_UNSENT:
            raise SendBufferFullError(f"{MAX_UNSENT:,} events wait to be sent; {event!r} was not added")
        try:
            self._socket.emit(event, data, callback=on_acknowledged)
        except CONNECTION_ERRORS:
            raise ConnectionLostError(DISCONNECTED) from None

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
        except Exception:  # it is being made, or the server disconnected at this very moment
            with suppress(Exception):
                self._socket.eio.disconnect()
        self._adapter.interrupt()
        for one in self._websockets:
            one.interrupt()
        self._socket.eio.join_threads()
        for one in self._websockets:
            one.shutdown()  # type: ignore[no-untyped-call]  # websocket-client has no types
        self._session.close()

    def abandon(self) -> None:
        """Close the descriptors without a packet: in a forked process, where the connection is the parent's."""
        self._closed = True
        self._adapter.abandon()
        for one in self._websockets:
            if one.sock is not None:
                one.sock.close()

    def _new_socket(self, proxied: bool, on_event: Callable[..., None]) -> Any:
        socket = SocketIOClient(
            reconnection=False,
            request_timeout=self._timeout,
            http_session=self._session,
            websocket_extra_options={"class_": self._new_websocket, "redirect_limit": 0}
            | ({} if proxied else _NO_PROXY),  # a redirect could lead our credentials elsewhere
            handle_sigint=False,
            logger=_packet_log,
            engineio_logger=_packet_log,
        )
        socket.on("*", on_event)
        socket.on("connect", self._on_socket_connect)
        socket.on("connect_error", self._on_socket_connect_error)
        socket.on("disconnect", self._on_socket_disconnect)
        socket.eio.before_end = self._on_socket_disconnect
        socket.eio.max_size = self._max_size
        return socket

    def _new_websocket(self, *args: Any, **options: Any) -> BoundedWebSocket:
        created = BoundedWebSocket(*args, max_size=self._max_size, deadline=self._deadline, **options)
        self._websockets.append(created)
        if self._closed:
            created.interrupt()
        return created

    def _shake_hands(self, credentials: dict[str, str], transports: list[str]) -> APIError | None:
        """Connect on a thread of its own, and return why it failed: a thread can be left behind, at the deadline."""
        if not self._closed:
            self._connecting = self._socket.eio.start_background_task(self._connect, credentials, transports)
        done = self._handshake_done.wait(max(0.0, self._deadline - time.monotonic()))
        with self._lock:
            if self._connected:
                return None
            was_closed, self._closed = self._closed, True  # from now on it is too late to accept us
        if was_closed:
            return ConnectError(details={"reason": "disconnect() was called while connecting"})
        if not done or (self._failure is not None and time.monotonic() >= self._deadline):
            return ConnectTimeout()
        return redact_error(self._build_error(self._failure), self._secrets)

    def _connect(self, credentials: dict[str, str], transports: list[str]) -> None:
        try:
            # Not to wait in there: it would not notice a server that closes the connection.
            headers = dict(self._headers)
            self._socket.connect(self._url, headers, auth=credentials, transports=transports, wait=False)
            for one in self._websockets:
                one.end_handshake()
        except Exception as error:  # whatever the libraries make of what the server sent
            self._failure = error
            self._handshake_done.set()

    def _on_socket_connect(self) -> None:
        self._socket.connected = True  # or it would ignore a disconnect packet that comes before `connect` returns
        with self._lock:
            if self._closed or self._ended:
                return
            self._connected = True
        self._on_connect()
        self._handshake_done.set()

    def _on_socket_connect_error(self, data: object = None, *_: object) -> None:
        self._connect_error = "The server refused the connection" if data is None else data
        if threading.current_thread() is not self._connecting:  # else an exception follows, which says more
            self._handshake_done.set()

    def _on_socket_disconnect(self, reason: str) -> None:
        """Note the end of the connection, once: both Engine.IO and Socket.IO report it."""
        with self._lock:
            is_first, self._ended = not self._ended, True
            was_lost = is_first and self._connected and not self._closed
        self._handshake_done.set()
        if was_lost:
            self._on_disconnect(str(reason))

    def _build_error(self, failure: Exception | None) -> APIError:
        """Return the error for a connection that was not made, from what the server said about it, if it did."""
        data, status = self._connect_error, _find_http_status(failure)
        if status == 401:  # not Socket.IO's way to refuse, but that of a gateway in front of it
            return error_from_body(status, data)
        if status is not None:
            message = data.get("message") if isinstance(data, dict) else None
            reason = f"The server responded with the status {status}" + (f": {message}" if message else "")
            return ConnectError(details={"reason": reason[:_MAX_REASON]}, data=data)
        if not isinstance(data, dict):
            reason = str(data) if failure is None else _describe_failure(failure)
            return ConnectError(details={"reason": reason[:_MAX_REASON]})
        message, body = data.get("message"), data.get("data")
        if message == "Unauthorized":
            error = error_from_body(401, body)
            return AuthenticationError(message, code=error.code, details=error.details, errors=error.errors, data=body)
        return ConnectError(details={"reason": str(message)[:_MAX_REASON]}, data=body)


def redact_error(error: APIError, secrets: Iterable[str]) -> APIError:
    """Mask secrets in an error, and return it: a server may echo them."""
    secrets = tuple(secrets)
    error.message = redact(error.message, secrets)
    error.args = (error.message,)
    error.code = error.code and redact(error.code, secrets)
    error.details, error.data = redact_value(error.details, secrets), redact_value(error.data, secrets)
    error.errors = tuple(redact(text, secrets) for text in error.errors)
    return error


def _describe_failure(failure: Exception) -> str:
    """Return why a connection was not made, in a sentence."""
    if isinstance(failure, CONNECTION_ERRORS):
        cause = failure.__cause__ or failure
        return str(cause.__context__ or cause)
    return f"The server sent what is not valid Socket.IO ({type(failure).__name__})"


def _find_http_status(error: BaseException | None) -> int | None:
    """Return the HTTP status with which a handshake was refused, None if it failed otherwise."""
    while error is not None:
        match = re.match(r"Unexpected status code (\d{3}) ", str(error))  # engineio's, of polling
        status = int(match[1]) if match else getattr(error, "status_code", None)  # websocket-client's
        if isinstance(status, int):
            return status
        error = error.__cause__ or error.__context__
    return None
