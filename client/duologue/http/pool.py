"""urllib3's connections with three additions: a deadline, a fresh connection for a stale one, and strict responses.

A read timeout starts again with each byte, so a server that sends one every now and then holds a call indefinitely.
Here each wait on a socket is limited to what is left of the whole exchange: for a look-up, a connection, a proxy's
tunnel, a handshake, a header or a body.

A server may close an idle connection at the moment we send on it. When a *reused* connection ends cleanly before the
first byte of a response, the request is sent once more, at once, on a fresh one.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import queue
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util import Timeout
from urllib3.util.ssl_ import create_urllib3_context, resolve_cert_reqs

from duologue.http.error_mapping import TLSHandshakeError
from duologue.http.framing import StrictResponse


class DeadlineTimeout(Timeout):
    """urllib3's timeout, and a deadline for the whole exchange.

    Args:
        seconds: to connect, and between two reads of a response; None for no limit.
        deadline: when the exchange must be over, on `time.monotonic`'s scale; None for no limit.
    """

    def __init__(self, seconds: float | None, deadline: float | None) -> None:
        super().__init__(connect=seconds, read=seconds)
        self.seconds = seconds
        self.deadline = deadline

    def remaining(self) -> float | None:
        """Return how many seconds a wait that starts now may take; raise TimeoutError if the deadline has passed."""
        return _limit(self.seconds, self.deadline)

    def clone(self) -> DeadlineTimeout:
        """Return a copy whose clock has not started; urllib3 creates one for each attempt."""
        return DeadlineTimeout(self.seconds, self.deadline)


def _limit(seconds: float | None, deadline: float | None) -> float | None:
    """Return a timeout that does not reach beyond a deadline.

    Raises:
        TimeoutError: the deadline has passed.
    """
    if deadline is None:
        return seconds
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError("the deadline has passed")
    return remaining if seconds is None else min(seconds, remaining)


if TYPE_CHECKING:
    _AnySocket = socket.socket
else:
    _AnySocket = object  # a mixin for two kinds of socket


class _DeadlineSocketMixin(_AnySocket):
    """What a plain and a TLS socket have in common here: no wait goes past the deadline."""

    deadline: float | None = None
    _seconds: float | None = None

    def settimeout(self, value: float | None, /) -> None:
        self._seconds = value
        super().settimeout(value)

    def _apply_deadline(self) -> None:
        if self.deadline is not None:
            super().settimeout(_limit(self._seconds, self.deadline))

    def recv(self, *args: Any, **options: Any) -> bytes:
        self._apply_deadline()
        return super().recv(*args, **options)

    def recv_into(self, *args: Any, **options: Any) -> int:
        self._apply_deadline()
        return super().recv_into(*args, **options)

    def send(self, *args: Any, **options: Any) -> int:
        self._apply_deadline()
        return super().send(*args, **options)

    def sendall(self, *args: Any, **options: Any) -> None:
        self._apply_deadline()
        super().sendall(*args, **options)


class _Socket(_DeadlineSocketMixin, socket.socket):
    pass


class _TLSSocket(_DeadlineSocketMixin, ssl.SSLSocket):
    pass


def _set_deadline(sock: Any, deadline: float | None) -> None:
    """Set the deadline of a socket, or of the one inside it: TLS to a server through TLS to a proxy has two."""
    getattr(sock, "socket", sock).deadline = deadline


def _get_deadline(sock: Any) -> float | None:
    deadline: float | None = sock.deadline
    return deadline


class _Connection(HTTPConnection):
    deadline: float | None = None
    is_reused = False
    response_class = StrictResponse

    def _new_conn(self) -> socket.socket:
        return _connect(self)

    def connect(self) -> None:
        with _mark_connect_errors(self):
            super().connect()
        _set_deadline(self.sock, self.deadline)


class _TLSConnection(HTTPSConnection):
    deadline: float | None = None
    is_reused = False
    response_class = StrictResponse

    def _new_conn(self) -> socket.socket:
        return _connect(self)

    def connect(self) -> None:
        if self.ssl_context is None:
            self.ssl_context = self._create_context()
        with _mark_connect_errors(self):
            super().connect()
        _set_deadline(self.sock, self.deadline)

    def _create_context(self) -> ssl.SSLContext:
        """Create urllib3's context, with sockets that keep deadlines."""
        context = create_urllib3_context(cert_reqs=resolve_cert_reqs(self.cert_reqs))
        context.sslsocket_class = _TLSSocket
        if self.ca_certs or self.ca_cert_dir or self.ca_cert_data:
            context.load_verify_locations(self.ca_certs, self.ca_cert_dir, self.ca_cert_data)
        else:
            context.load_default_certs()
        return context

    def _connect_tls_proxy(self, hostname: str, sock: socket.socket) -> ssl.SSLSocket:
        if self.proxy_config is not None and self.proxy_config.ssl_context is None:
            self.proxy_config = self.proxy_config._replace(ssl_context=self._create_context())
        secured = super()._connect_tls_proxy(hostname, sock)
        _set_deadline(secured, _get_deadline(sock))
        return secured

    def _tunnel(self) -> None:
        super()._tunnel()
        if isinstance(self.sock, _DeadlineSocketMixin):
            self.sock._apply_deadline()  # the handshake that follows may take what the proxy has left


@contextlib.contextmanager
def _mark_connect_errors(connection: HTTPConnection) -> Any:
    """Raise what fails while connecting as an error of its own: urllib3 uses the same ones for what fails later."""
    try:
        yield
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, "connecting took too long") from error
    except ssl.SSLError as error:
        raise TLSHandshakeError(error) from error
    except urllib3.exceptions.HTTPError:
        raise
    except (OSError, http.client.HTTPException) as error:  # the latter for what a proxy sends
        raise NewConnectionError(connection, str(error)) from error


def _connect(connection: _Connection | _TLSConnection) -> socket.socket:
    """Return a connected socket; each address of the host gets its share of the remaining time."""
    deadline = _get_connect_deadline(connection.timeout, connection.deadline)
    try:
        addresses = _look_up(connection._dns_host, connection.port, deadline)
        failure: OSError = OSError("the host has no address")
        for index, address in enumerate(addresses):
            try:
                return _connect_to(address, connection, deadline, share=len(addresses) - index)
            except OSError as error:
                failure = error
        raise failure
    except socket.gaierror as error:
        raise NameResolutionError(connection.host, connection, error) from error
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, "connecting took too long") from error
    except OSError as error:
        raise NewConnectionError(connection, str(error)) from error


def _connect_to(
    address_info: tuple[Any, ...], connection: _Connection | _TLSConnection, deadline: float | None, *, share: int
) -> socket.socket:
    family, kind, protocol, _, address = address_info
    remaining = _limit(None, deadline)
    sock = _Socket(family, kind, protocol)
    try:
        for option in connection.socket_options or ():
            sock.setsockopt(*option)
        if connection.source_address:
            sock.bind(connection.source_address)
        sock.settimeout(None if remaining is None else remaining / share)
        sock.connect(address)
        sock.settimeout(_limit(None, deadline))
        sock.deadline = deadline  # of connecting: a proxy's tunnel and a TLS handshake may take the rest
    except BaseException:
        sock.close()
        raise
    return sock


def _get_connect_deadline(timeout: float | None, deadline: float | None) -> float | None:
    """Return when connecting must be done."""
    moments = [] if timeout is None else [time.monotonic() + timeout]
    return min([*moments, *([] if deadline is None else [deadline])], default=None)


def _look_up(host: str, port: int | None, deadline: float | None) -> list[tuple[Any, ...]]:
    """Return a host's addresses. The system's look-up has no timeout, so it runs in a thread that may be abandoned."""
    host = resolve_localhost(host)
    if deadline is None or _is_address(host):
        return _get_addresses(host, port)
    results: queue.SimpleQueue[list[tuple[Any, ...]] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            results.put(_get_addresses(host, port))
        except Exception as error:
            results.put(error)

    threading.Thread(target=look_up, name="duologue-look-up", daemon=True).start()
    try:
        result = results.get(timeout=_limit(None, deadline))
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(result, Exception):
        raise result
    return result


def resolve_localhost(host: str) -> str:
    """Return `localhost` for any name below it, and any other host as it is.

    Such a name is always this machine (RFC 6761, section 6.3); not every system's look-up knows, as browsers do. The
    namespaces of a mock server are `w1.localhost`, `w2.localhost` …
    """
    return "localhost" if host.lower().rstrip(".").endswith(".localhost") else host


def _get_addresses(host: str, port: int | None) -> list[tuple[Any, ...]]:
    try:
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "not a host name") from None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


if TYPE_CHECKING:
    _AnyPool = HTTPConnectionPool
else:
    _AnyPool = object  # a mixin for two kinds of pool


class _StaleConnectionRetryMixin(_AnyPool):
    """What the pools have in common: a `PolicyRetry` sees the request's headers, and a stale connection is replaced."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._calls = threading.local()
        super().__init__(*args, **options)

    def urlopen(self, *args: Any, **options: Any) -> urllib3.BaseHTTPResponse:
        self._calls.deadline = getattr(options.get("timeout"), "deadline", None)
        headers: Any = options.get("headers")
        retries: Any = options.get("retries")
        if headers and hasattr(retries, "for_headers"):  # urllib3's own repeated calls pass what this has returned
            options["retries"] = retries.for_headers(headers)
        return super().urlopen(*args, **options)

    def _get_conn(self, timeout: float | None = None) -> Any:
        """Return a connection with the deadline of this thread's request: urllib3 opens a tunnel before it sends."""
        conn: Any = super()._get_conn(timeout)
        conn.deadline = getattr(self._calls, "deadline", None)
        conn.is_reused = conn.sock is not None
        if conn.is_reused:
            _set_deadline(conn.sock, conn.deadline)
        return conn

    def _make_request(self, conn: Any, *args: Any, **options: Any) -> urllib3.BaseHTTPResponse:
        is_tunneling = conn.proxy_is_tunneling  # a connection that ends forgets its tunnel
        try:
            return super()._make_request(conn, *args, **options)
        except http.client.RemoteDisconnected:
            if not conn.is_reused or not isinstance(options["body"], (bytes, str, type(None))):
                raise
        conn.close()
        if is_tunneling:  # else the request would go to the proxy itself
            self._prepare_proxy(conn)
        return super()._make_request(conn, *args, **options)


class _Pool(_StaleConnectionRetryMixin, HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(_StaleConnectionRetryMixin, HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _Pool, "https": _TLSPool}
"""The pool that urllib3's manager creates for each scheme."""
