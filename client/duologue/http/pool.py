"""urllib3's connections, taught three things: a deadline, a fresh start, and strictness about headers.

A read timeout starts anew with each byte, so a server that drips one every now and then holds a call for ever. Here
each wait on a socket is cut to what is left of the whole exchange, be it for an address, a connection, a handshake, a
header or a body.

A server may close an idle connection at the moment we send on it. When a *reused* connection ends cleanly before the
first byte of an answer, the request is sent once more, at once, on a fresh one.
"""

from __future__ import annotations

import contextlib
import email.errors
import http.client
import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util import Timeout
from urllib3.util.ssl_ import create_urllib3_context, resolve_cert_reqs

from duologue.contract import headers as names
from duologue.http.error_mapping import TLSHandshakeError
from duologue.http.retry import RetryPolicy


class DeadlineTimeout(Timeout):
    """urllib3's timeout, and the moment at which the whole exchange must be over.

    Args:
        seconds: to connect, and between two pieces of an answer; None waits for ever.
        ends: that moment, on `time.monotonic`'s scale; None for none.
    """

    def __init__(self, seconds: float | None, ends: float | None) -> None:
        super().__init__(connect=seconds, read=seconds)
        self.seconds = seconds
        self.ends = ends

    def left(self) -> float | None:
        """Return how long a wait that begins now may be; raise TimeoutError if the moment has passed."""
        return _sooner(self.seconds, self.ends)

    def clone(self) -> DeadlineTimeout:
        """Return a copy whose clock has not started; urllib3 asks for one for each try."""
        return DeadlineTimeout(self.seconds, self.ends)


def _sooner(seconds: float | None, ends: float | None) -> float | None:
    """Return how long a wait may be: not longer than what is left until `ends`.

    Raises:
        TimeoutError: nothing is left.
    """
    if ends is None:
        return seconds
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left if seconds is None else min(seconds, left)


if TYPE_CHECKING:
    _AnySocket = socket.socket
else:
    _AnySocket = object  # it stands before one of two kinds of socket, and is neither


class _DeadlineSocketMixin(_AnySocket):
    """What a plain and a TLS socket have in common here: no wait goes past the deadline."""

    ends: float | None = None
    _seconds: float | None = None

    def settimeout(self, value: float | None, /) -> None:
        self._seconds = value
        super().settimeout(value)

    def _hurry(self) -> None:
        if self.ends is not None:
            super().settimeout(_sooner(self._seconds, self.ends))

    def recv_into(self, *args: Any, **options: Any) -> int:
        self._hurry()
        return super().recv_into(*args, **options)

    def send(self, *args: Any, **options: Any) -> int:
        self._hurry()
        return super().send(*args, **options)

    def sendall(self, *args: Any, **options: Any) -> None:
        self._hurry()
        super().sendall(*args, **options)


class _Socket(_DeadlineSocketMixin, socket.socket):
    pass


class _TLSSocket(_DeadlineSocketMixin, ssl.SSLSocket):
    pass


_OF_THE_BODY = (email.errors.StartBoundaryNotFoundDefect, email.errors.MultipartInvariantViolationDefect)
"""What the parser of mails misses in a `multipart` answer, because it is shown no body."""


class _StrictResponse(http.client.HTTPResponse):
    """An answer whose headers are headers. http.client drops what it cannot read, and urllib3 writes it to a log."""

    def begin(self) -> None:
        super().begin()
        if not all(isinstance(defect, _OF_THE_BODY) for defect in self.headers.defects):
            raise http.client.HTTPException("malformed headers")


class _Connection(HTTPConnection):
    ends: float | None = None
    response_class = _StrictResponse

    def _new_conn(self) -> socket.socket:
        return _connected(self)

    def connect(self) -> None:
        with _said_plainly(self):
            super().connect()


class _TLSConnection(HTTPSConnection):
    ends: float | None = None
    response_class = _StrictResponse

    def _new_conn(self) -> socket.socket:
        return _connected(self)

    def connect(self) -> None:
        if self.ssl_context is None:
            self.ssl_context = self._own_context()
        with _said_plainly(self):
            super().connect()
        if isinstance(self.sock, _TLSSocket):
            self.sock.ends = self.ends

    def _own_context(self) -> ssl.SSLContext:
        """As urllib3 makes one, but for sockets that keep deadlines."""
        made = create_urllib3_context(cert_reqs=resolve_cert_reqs(self.cert_reqs))
        made.sslsocket_class = _TLSSocket
        if not (self.ca_certs or self.ca_cert_dir or self.ca_cert_data):
            made.load_default_certs()
        return made


@contextlib.contextmanager
def _said_plainly(connection: HTTPConnection) -> Any:
    """Tell of an error that it befell while connecting: urllib3 has the same words for what befalls later."""
    try:
        yield
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, "connecting took too long") from error
    except ssl.SSLError as error:
        raise TLSHandshakeError(error) from error
    except urllib3.exceptions.HTTPError:
        raise
    except OSError as error:
        raise NewConnectionError(connection, str(error)) from error


def _connected(connection: _Connection | _TLSConnection) -> socket.socket:
    """Return a connected socket; every address of the host gets its share of the time that is left."""
    until = _moment(connection.timeout, connection.ends)
    try:
        places = _places(connection._dns_host, connection.port, until)
        failure: OSError = OSError("the host has no address")
        for place in range(len(places)):
            try:
                return _connected_to(places[place], connection, until, share=len(places) - place)
            except OSError as error:
                failure = error
        raise failure
    except socket.gaierror as error:
        raise NameResolutionError(connection.host, connection, error) from error
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, "connecting took too long") from error
    except OSError as error:
        raise NewConnectionError(connection, str(error)) from error


def _connected_to(
    place: tuple[Any, ...], connection: _Connection | _TLSConnection, until: float | None, *, share: int
) -> socket.socket:
    family, kind, protocol, _, address = place
    left = _sooner(None, until)
    made = _Socket(family, kind, protocol)
    try:
        for option in connection.socket_options or ():
            made.setsockopt(*option)
        if connection.source_address:
            made.bind(connection.source_address)
        made.settimeout(None if left is None else left / share)
        made.connect(address)
        made.settimeout(_sooner(None, until))  # a TLS handshake may take what is left
        made.ends = connection.ends
    except BaseException:
        made.close()
        raise
    return made


def _moment(seconds: float | None, ends: float | None) -> float | None:
    """Return when connecting must be done."""
    moments = [] if seconds is None else [time.monotonic() + seconds]
    return min([*moments, *([] if ends is None else [ends])], default=None)


def _places(host: str, port: int | None, until: float | None) -> list[tuple[Any, ...]]:
    """Return a host's addresses. The system's look-up knows no timeout, so it is waited for in another thread."""
    bare = host.strip("[]")
    if until is None or _is_address(bare):
        return _looked_up(bare, port)
    answers: queue.SimpleQueue[list[tuple[Any, ...]] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(_looked_up(bare, port))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=look_up, name="duologue-look-up", daemon=True).start()
    try:
        found = answers.get(timeout=_sooner(None, until))
    except queue.Empty:
        raise TimeoutError("looking up the host took too long") from None
    if isinstance(found, Exception):
        raise found
    return found


def _looked_up(host: str, port: int | None) -> list[tuple[Any, ...]]:
    try:
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "not a host name") from None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


class _StaleConnectionRetryMixin:
    """What the pools have in common: a keyed `POST` may be repeated, and a stale connection costs nothing."""

    _prepare_proxy: Callable[[Any], None]

    def urlopen(
        self,
        method: str,
        url: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        retries: Any = None,
        *others: Any,
        **options: Any,
    ) -> urllib3.BaseHTTPResponse:
        if isinstance(retries, RetryPolicy) and retries.total and headers and names.IDEMPOTENCY_KEY in headers:
            retries = retries.new(has_idempotency_key=True)
        # The pool that it stands before has the method; a checker sees `object` there.
        return super().urlopen(method, url, body, headers, retries, *others, **options)  # type: ignore[misc, no-any-return]

    def _make_request(
        self, conn: Any, method: str, url: str, body: Any = None, *, timeout: Any, **options: Any
    ) -> urllib3.BaseHTTPResponse:
        conn.ends = getattr(timeout, "ends", None)
        reused = conn.sock is not None
        if reused:
            conn.sock.ends = conn.ends
        make: Callable[..., urllib3.BaseHTTPResponse] = super()._make_request  # type: ignore[misc]  # the pool has it
        try:
            return make(conn, method, url, body=body, timeout=timeout, **options)
        except http.client.RemoteDisconnected:
            if not reused or not (body is None or isinstance(body, (bytes, str))):
                raise
        tunnelled = conn.proxy_is_tunneling
        conn.close()
        if tunnelled:
            self._prepare_proxy(conn)
        return make(conn, method, url, body=body, timeout=timeout, **options)


class _Pool(_StaleConnectionRetryMixin, HTTPConnectionPool):  # type: ignore[misc]  # passes on what it does not name
    ConnectionCls = _Connection


class _TLSPool(_StaleConnectionRetryMixin, HTTPSConnectionPool):  # type: ignore[misc]  # likewise
    ConnectionCls = _TLSConnection


POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _Pool, "https": _TLSPool}
"""What urllib3's pool manager makes for each scheme."""
