"""Keeping a connection: one link after the other, from `connect()` until it is ended or there is no hope."""

from __future__ import annotations

import copy
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

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
from duologue.realtime.queues import NOT_CONNECTED, Acknowledgement
from duologue.realtime.socketio_link import SocketIOLink
from duologue.realtime.status import ConnectionEvent, Reconnect

_log = logging.getLogger("duologue")

_JOIN = 10.0
"""Seconds to wait for the thread that reconnects; it may just be renewing a token."""


class ReconnectingConnection:
    """Makes a connection again when it is lost, and nobody else does: python-socketio's own reconnection is off.

    Args:
        caller: knows who we are, renews tokens, and has the clock.
        new_link: makes a link that will call the three functions it is given.
        transports: which ones to connect by.
        reconnect: when to try again.
        heard: called with each event's name and what came with it.
        told: called with what happens to the connection, in order, and while a lock is held: only to pass it on.
        reconnect_failed: called when there will be no connection any more, with the error that says why.
    """

    def __init__(
        self,
        requestor: APIRequestor,
        new_link: Callable[..., SocketIOLink],
        *,
        transports: Sequence[str],
        reconnect: Reconnect,
        on_event: Callable[..., None],
        on_status: Callable[[ConnectionEvent], None],
        reconnect_failed: Callable[[APIError], None],
    ) -> None:
        self._requestor, self._new_link, self._transports, self._reconnect = requestor, new_link, transports, reconnect
        self._on_event, self._on_status, self._gave_up = on_event, on_status, reconnect_failed
        self._changing = threading.Lock()
        self._lost, self._stopping = threading.Event(), threading.Event()
        self._link: SocketIOLink | None = None
        self._up = self._ended = self._logged_in = self._was_up = False
        self._attempts = 0
        self._reason = ""
        self._outbox: deque[tuple[str, object]] = deque()
        self._replies: set[Acknowledgement] = set()
        self._thread = threading.Thread(target=self._keep, name="duologue-reconnecting", daemon=True)

    @property
    def connected(self) -> bool:
        """Whether the connection stands at this moment."""
        return self._up

    @property
    def ended(self) -> bool:
        """Whether there is no connection and none will be made."""
        return self._ended

    def start(self) -> None:
        """Connect, and keep the connection from then on. Raises what `Link.open` raises, and is over then."""
        try:
            self._attempt()
        except BaseException:
            self.stop()
            raise
        self._thread.start()
        if self._stopping.is_set():  # `stop` came too early to wait for the thread
            self.stop()
            raise ConnectError(details={"reason": "The connection was ended while it was being made"})

    def emit(self, event: str, data: object) -> None:
        """Send an event, now or after reconnecting.

        Raises:
            SendBufferFullError: too many wait already.
            ConnectionLostError: there is no connection, and none will be made.
        """
        with self._changing:
            if self._link is not None and self._up:
                with suppress(ConnectionLostError):  # it is lost already, and we shall hear of that in a moment
                    self._link.emit(event, data)
                    return
            if self._ended:
                raise ConnectionLostError(NOT_CONNECTED)
            if len(self._outbox) >= defaults.SEND_BUFFER_SIZE:
                raise SendBufferFullError(
                    f"{len(self._outbox)} events wait for a real-time connection; {event!r} was not taken"
                )
            self._outbox.append((event, copy.deepcopy(data)))

    def call(self, event: str, data: object, timeout: float) -> tuple[object, ...]:
        """Send an event and return what the server acknowledged; see `Realtime.call`."""
        reply = Acknowledgement()
        with self._changing:
            link = self._link
            if link is None or not self._up:
                raise ConnectionLostError(
                    NOT_CONNECTED if self._ended else "There is no real-time connection at this moment"
                )
            link.emit(event, data, reply)
            self._replies.add(reply)
        said = reply.wait(timeout)
        with self._changing:
            self._replies.discard(reply)
            if said is None:
                link.forget(reply)
        if said is None:
            raise RequestTimeout(f"The server did not acknowledge {event!r} within {timeout} s")
        return said

    def stop(self) -> None:
        """End the connection and everything that keeps it; harmless when it has ended."""
        with self._changing:
            self._ended = True
            self._stopping.set()
            self._lost.set()
            link = self._link
            self._down("client disconnect")
        if link is not None:
            link.close()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(_JOIN)

    def abandon(self) -> None:
        """Let go of it in a forked process: the connection is the parent's, and the threads are not here."""
        if self._link is not None:
            self._link.abandon()

    def _keep(self) -> None:
        while not self._stopping.is_set():  # asked before waiting too: `stop` may have come before the `clear` below
            self._lost.wait()
            if self._stopping.is_set() or self._link is None:
                return
            self._link.close()
            self._lost.clear()
            error = self._made_again()
            if error is not None and not self._stopping.is_set():
                self._give_up(error)
                return

    def _made_again(self) -> APIError | None:
        """Try until there is a connection, and return None; or until there is no hope, and return why."""
        self._attempts, last = 0, None
        for seconds in self._waits():
            self._requestor.clock.sleep(seconds, self._stopping)
            if self._stopping.is_set():
                return None
            self._attempts += 1
            last = self._failure()
            if last is None or isinstance(last, (AuthenticationError, ClientClosedError)):
                return last
            _log.info("real time: try %d to reconnect failed: %s", self._attempts, last)
        error = ConnectionLostError(
            f"The connection was lost ({self._reason}); {self._attempts} tries to make it again failed"
        )
        error.__cause__ = last
        return error

    def _waits(self) -> Iterator[float]:
        """A login that has ended will not come back: that is said at once."""
        return iter((0.0,)) if self._login_is_over() else self._reconnect.waits()

    def _failure(self) -> APIError | None:
        """Make one try, and return what became of it; whatever it is must not end this thread unheard."""
        try:
            self._attempt()
        except APIError as error:
            return error
        except Exception as error:  # a token storage or a key function of the caller's
            _log.exception("real time: who we are could not be found out")
            return ConnectError(details={"reason": repr(error)})
        return None

    def _attempt(self) -> None:
        """Make one try; a token that is refused is renewed once, as it is for other calls."""
        token = self._requestor.get_valid_token()
        if self._login_is_over():
            raise AuthenticationError("The login has ended")
        try:
            self._open(token)
        except AuthenticationError:
            if (
                token is None
                or self._requestor.refresh_tokens(token) is None
                or self._requestor.tokens.token in (None, token)
            ):
                raise
            self._open(self._requestor.tokens.token)

    def _login_is_over(self) -> bool:
        """Whether we were somebody and are nobody any more; to go on without a name would be another connection."""
        return self._logged_in and self._requestor.tokens.token is None

    def _open(self, token: str | None) -> None:
        self._logged_in = self._logged_in or token is not None
        link: SocketIOLink = self._new_link(
            on_connect=lambda: self._on_connect(link),
            on_event=self._on_event,
            on_disconnect=lambda why: self._on_disconnect(link, why),
        )
        with self._changing:
            self._link = link
            stopping = self._stopping.is_set()
        if stopping:
            link.close()
        link.open(self._auth(token), self._transports)

    def _auth(self, token: str | None) -> dict[str, str]:
        said = {} if token is None else {"token": token}
        key = self._requestor.identity.api_key
        return said if key is None else {**said, "apiKey": key, "userId": self._requestor.identity.user_id()}

    def _on_connect(self, link: SocketIOLink) -> None:
        with self._changing:
            if link is not self._link or self._stopping.is_set():
                return
            self._on_status(ConnectionEvent("reconnected" if self._was_up else "connected", attempts=self._attempts))
            self._was_up = self._up = True
            self._send_waiting(link)

    def _send_waiting(self, link: SocketIOLink) -> None:
        while self._outbox:
            try:
                link.emit(*self._outbox[0])
            except ConnectionLostError:  # it is lost already: they wait on
                return
            except (TypeError, ValueError):
                _log.exception("real time: %r cannot be sent", self._outbox[0][0])
            self._outbox.popleft()

    def _on_disconnect(self, link: SocketIOLink, reason: str) -> None:
        with self._changing:
            if link is self._link and not self._stopping.is_set():
                self._reason = reason
                self._down(reason)
                self._lost.set()

    def _down(self, reason: str) -> None:
        """Note that there is no connection, with the lock held."""
        if self._up:
            self._up = False
            self._on_status(ConnectionEvent("disconnected", reason))
        for reply in self._replies:
            reply.fail(ConnectionLostError("The connection was lost before the server acknowledged the event"))
        self._replies.clear()

    def _give_up(self, error: APIError) -> None:
        with self._changing:
            self._ended = True
            unsent = len(self._outbox)
            self._outbox.clear()
            self._on_status(ConnectionEvent("reconnect_failed", self._reason, self._attempts, error))
        _log.warning("real time: gave up: %s; %d events were not sent", error, unsent)
        self._gave_up(error)
