"""`ReconnectingConnection`: one link after the other, from `connect()` until it is ended or reconnecting fails."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from duologue import defaults
from duologue.errors import (
    APIError,
    AuthenticationError,
    ClientClosedError,
    ConnectError,
    ConnectionLostError,
    RequestTimeout,
    SendBufferFullError,
)
from duologue.http.api_requestor import APIRequestor
from duologue.realtime.queues import DISCONNECTED, NOT_CONNECTED, Acknowledgement
from duologue.realtime.socketio_link import SocketIOLink
from duologue.realtime.status import ConnectionEvent, ConnectionEventName, Reconnect

T = TypeVar("T")

_log = logging.getLogger("duologue")

_JOIN_TIMEOUT = 10.0
"""Seconds to wait for the thread that reconnects."""


class ReconnectingConnection:
    """Reconnects when the connection is lost. python-socketio's own reconnection is off.

    Args:
        requestor: has the credentials, refreshes tokens, and has the clock.
        new_link: creates a link, given the three callbacks of `SocketIOLink`.
        transports: the transports to connect by.
        reconnect: when to reconnect.
        timeout: seconds that connecting, and each attempt to reconnect, may take.
        on_event: called with the name of each event and its arguments.
        on_status: called with each change of the connection, in order, while a lock is held: it must not wait.
        on_reconnect_failed: called when there will be no connection any more, with the error that says why.
    """

    def __init__(
        self,
        requestor: APIRequestor,
        new_link: Callable[..., SocketIOLink],
        *,
        transports: Sequence[str],
        reconnect: Reconnect,
        timeout: float,
        on_event: Callable[..., None],
        on_status: Callable[[ConnectionEvent], None],
        on_reconnect_failed: Callable[[APIError], None],
    ) -> None:
        self._requestor, self._new_link, self._transports, self._reconnect = requestor, new_link, transports, reconnect
        self._timeout = timeout
        self._on_event, self._on_status, self._on_reconnect_failed = on_event, on_status, on_reconnect_failed
        self._lock = threading.Lock()
        self._lost, self._stopping = threading.Event(), threading.Event()
        self._link: SocketIOLink | None = None
        self._connected = self._ended = self._had_token = self._had_connection = False
        self._attempts = self._delays = 0
        self._connected_at = 0.0
        self._reading_credentials = False
        self._reason = ""
        self._send_buffer: deque[tuple[str, object]] = deque()
        self._acknowledgements: set[Acknowledgement] = set()
        self._thread = threading.Thread(target=self._run, name="duologue-reconnecting", daemon=True)

    @property
    def connected(self) -> bool:
        """Whether there is a connection at this moment."""
        return self._connected

    @property
    def ended(self) -> bool:
        """Whether there is no connection and none will be made."""
        return self._ended

    def start(self) -> None:
        """Connect, and reconnect from then on; if the first attempt fails, its error is raised and this has ended."""
        try:
            self._connect()
        except BaseException:
            self.stop()
            raise
        self._thread.start()
        if self._stopping.is_set():  # `stop` came too early to wait for the thread
            self.stop()
            raise ConnectError(details={"reason": "disconnect() was called while connecting"})

    def emit(self, event: str, data: object) -> None:
        """Send an event, now or after reconnecting.

        Raises:
            SendBufferFullError: too many events wait already.
            ConnectionLostError: there is no connection, and none will be made.
        """
        with self._lock:
            if self._link is not None and self._connected:
                try:
                    self._link.emit(event, data)
                    return
                except SendBufferFullError:
                    raise
                except ConnectionLostError:  # it is lost already; `_on_disconnect` is about to be called
                    pass
            if self._ended:
                raise ConnectionLostError(NOT_CONNECTED)
            if len(self._send_buffer) >= defaults.SEND_BUFFER_SIZE:
                raise SendBufferFullError(
                    f"{len(self._send_buffer)} events wait for a realtime connection; {event!r} was not added"
                )
            self._send_buffer.append((event, data))

    def call(self, event: str, data: object, timeout: float) -> tuple[object, ...]:
        """Send an event and return the data of its acknowledgement; see `Realtime.call`."""
        acknowledgement = Acknowledgement()
        with self._lock:
            link = self._link
            if link is None or not self._connected:
                raise ConnectionLostError(NOT_CONNECTED if self._ended else DISCONNECTED)
            link.emit(event, data, acknowledgement)
            self._acknowledgements.add(acknowledgement)
        response = acknowledgement.wait(timeout)
        with self._lock:
            self._acknowledgements.discard(acknowledgement)
            if response is None:
                link.discard(acknowledgement)
        if response is None:
            raise RequestTimeout(f"The server did not acknowledge {event!r} within {timeout} s")
        return response

    def stop(self) -> None:
        """End the connection and its threads; does nothing when it has ended."""
        with self._lock:
            self._ended = True
            self._stopping.set()
            self._lost.set()
            link = self._link
            self._set_disconnected("client disconnect")
        if link is not None:
            link.close()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            # one that refreshes a token, or waits for the caller's storage, ends by itself when that does
            self._thread.join(0.0 if self._reading_credentials else _JOIN_TIMEOUT)

    def abandon(self) -> None:
        """Close the descriptors in a forked process: the connection and its threads are the parent's."""
        if self._link is not None:
            self._link.abandon()

    def _run(self) -> None:
        while not self._stopping.is_set():  # checked before waiting too: `stop` may have come before the `clear` below
            self._lost.wait()
            if self._stopping.is_set() or self._link is None:
                return
            self._link.close()
            self._lost.clear()
            error = self._try_to_reconnect()
            if error is not None and not self._stopping.is_set():
                self._fail(error)
                return

    def _try_to_reconnect(self) -> APIError | None:
        """Make attempts until one succeeds or the last has failed; return the error of the latter."""
        self._attempts, last = 0, None
        if self._requestor.clock.monotonic() - self._connected_at >= self._reconnect.max_delay:
            self._delays = 0  # the connection was stable
        for seconds in self._get_delays():
            self._delays += 1
            self._requestor.clock.sleep(seconds, self._stopping)
            if self._stopping.is_set():
                return None
            self._attempts += 1
            last = self._try_to_connect()
            if last is None or isinstance(last, (AuthenticationError, ClientClosedError)):
                return last
            _log.info("realtime: attempt %d to reconnect failed: %s", self._attempts, last)
        error = ConnectionLostError(
            f"The connection was lost ({self._reason}); {self._attempts} attempts to reconnect failed"
        )
        error.__cause__ = last
        return error

    def _get_delays(self) -> Iterator[float]:
        """Return the seconds to wait before each attempt; a login that has ended is reported without waiting."""
        return iter((0.0,)) if self._has_login_ended() else self._reconnect.delays(self._delays)

    def _try_to_connect(self) -> APIError | None:
        """Make one attempt and return its error; no error may end this thread unnoticed."""
        try:
            self._connect()
        except APIError as error:
            return error
        except Exception as error:  # of the caller's token storage or API key function
            _log.exception("realtime: the credentials could not be read")
            return ConnectError(details={"reason": repr(error)})
        return None

    def _connect(self) -> None:
        """Make one attempt; a token that is refused is refreshed once, as for other calls."""
        deadline = time.monotonic() + self._timeout
        token = self._read_credential(lambda left: self._requestor.get_valid_token(timeout=left), deadline)
        if self._has_login_ended():
            raise AuthenticationError("The login has ended")
        try:
            self._open(token, deadline)
        except AuthenticationError:
            if token is None:
                raise
            tokens = self._read_credential(lambda left: self._requestor.refresh_tokens(token, timeout=left), deadline)
            if tokens is None or self._requestor.tokens.token in (None, token):
                raise
            self._open(self._requestor.tokens.token, deadline)

    def _read_credential(self, read: Callable[[float], T], deadline: float) -> T:
        """Read a credential, which may be a request, or code of the caller; `stop` does not wait for it."""
        self._reading_credentials = True
        try:
            if self._stopping.is_set():
                raise ConnectError(details={"reason": "disconnect() was called while connecting"})
            return read(max(deadline - time.monotonic(), 0.001))
        finally:
            self._reading_credentials = False

    def _has_login_ended(self) -> bool:
        """Return whether there was a token before and is none now; without one it would be another connection."""
        return self._had_token and self._requestor.tokens.token is None

    def _open(self, token: str | None, deadline: float) -> None:
        credentials = self._read_credential(lambda _: self._get_credentials(token), deadline)
        self._had_token = self._had_token or token is not None
        link: SocketIOLink = self._new_link(
            on_connect=lambda: self._on_connect(link),
            on_event=self._on_event,
            on_disconnect=lambda reason: self._on_disconnect(link, reason),
        )
        with self._lock:
            self._link = link
            stopping = self._stopping.is_set()
        if stopping:
            link.close()
        link.open(credentials, self._transports, deadline)

    def _get_credentials(self, token: str | None) -> dict[str, str]:
        credentials = {} if token is None else {"token": token}
        key = self._requestor.identity.api_key
        return (
            credentials if key is None else {**credentials, "apiKey": key, "userId": self._requestor.identity.user_id()}
        )

    def _on_connect(self, link: SocketIOLink) -> None:
        with self._lock:
            if link is not self._link or self._stopping.is_set():
                return
            name: ConnectionEventName = "reconnected" if self._had_connection else "connected"
            self._on_status(ConnectionEvent(name, attempts=self._attempts))
            self._had_connection = self._connected = True
            self._connected_at = self._requestor.clock.monotonic()
            self._send_buffered(link)

    def _send_buffered(self, link: SocketIOLink) -> None:
        while self._send_buffer:
            try:
                link.emit(*self._send_buffer[0])
            except ConnectionLostError:  # it is lost already: the rest waits for the next one
                return
            self._send_buffer.popleft()

    def _on_disconnect(self, link: SocketIOLink, reason: str) -> None:
        with self._lock:
            if link is self._link and not self._stopping.is_set():
                self._reason = reason
                self._set_disconnected(reason)
                self._lost.set()

    def _set_disconnected(self, reason: str) -> None:
        """Note, with the lock held, that there is no connection."""
        if self._connected:
            self._connected = False
            self._on_status(ConnectionEvent("disconnected", reason))
        for acknowledgement in self._acknowledgements:
            acknowledgement.fail(
                ConnectionLostError("The connection was lost before the server acknowledged the event")
            )
        self._acknowledgements.clear()

    def _fail(self, error: APIError) -> None:
        with self._lock:
            self._ended = True
            unsent = len(self._send_buffer)
            self._send_buffer.clear()
            self._on_status(ConnectionEvent("reconnect_failed", self._reason, self._attempts, error))
        _log.warning("realtime: reconnecting failed: %s; %d events were not sent", error, unsent)
        self._on_reconnect_failed(error)
