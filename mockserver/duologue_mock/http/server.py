"""The HTTP server: gevent's WSGI server, with llhttp for reading requests.

Why gevent: a Flask application on it served two to four times the requests it did on threads, and one thread serves
HTTP, streams and websockets without anything being monkey-patched (`ARCHITECTURE.md` has the figures). What is replaced
of `gevent.pywsgi` is how a request's head and body are read (`request_head`, `request_body`) and bounded in size and
time, how a response is sent (head and body in one piece), and the response to a malformed request.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any

import gevent
from gevent.pywsgi import WSGIHandler, WSGIServer, format_date_time

from duologue_mock.errors import HTTPError
from duologue_mock.http.messages import CONNECTION_KEY, HEAD_KEY
from duologue_mock.http.request_body import RequestBody, parse_body_framing
from duologue_mock.http.request_head import MAX_HEAD_SIZE, MalformedRequestError, parse_request_head

logger = logging.getLogger("duologue_mock")

LINGER_TIMEOUT = 2.0
"""Seconds for which a connection is read on after a response to a request that was not read to its end."""
MAX_LINGER_SIZE = 64 * 1024 * 1024
"""Bytes that are read at most then."""
DRAIN_TIMEOUT = 0.5
"""Seconds that remaining connections have to close themselves when the server stops."""

TLS_HANDSHAKE = b"\x16"
"""The first byte that a client of TLS sends (RFC 8446, section 5.1); none of HTTP's methods begins with it."""

ErrorResponse = Callable[[HTTPError], bytes]
"""Builds the whole HTTP response to a request that never reached the application."""


class ConnectionHandler(WSGIHandler):  # type: ignore[misc]  # gevent is not typed
    """Serves the requests of one connection."""

    busy = False
    upgraded = False

    def handle(self) -> None:
        """Serve requests until the connection ends; the server knows the connection meanwhile."""
        self.greenlet = gevent.getcurrent()
        self.server.connections.add(self)
        rfile = self.rfile
        try:
            super().handle()
        except (OSError, gevent.Timeout):
            pass  # the client closed the connection, or took too long
        finally:
            rfile.close()  # else the socket stays open until the garbage collector runs, perhaps after its event loop
            self.server.connections.discard(self)

    def disconnect(self) -> None:
        """End the connection: closing the socket would not, as long as a greenlet reads from it."""
        sock = getattr(self, "socket", None)
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def handle_one_request(self) -> Any:
        """Read one request and send its response; return None to close the connection, True to keep it."""
        self.busy = False
        try:
            data = self._read_head()
            if data is None:
                return None
            self.busy = True
            self._parse(data)
        except MalformedRequestError as error:
            self.socket.sendall(self.server.refuse(HTTPError(error.status, str(error)), self.client_address[0]))
            self._linger()
            return None
        except gevent.Timeout:
            self.server.refuse(
                HTTPError(408, "The head of the request took too long to arrive"), self.client_address[0]
            )
            return None
        except OSError:
            return None
        self.application = self.server.application
        self.handle_one_response()
        if not self.wsgi_input.complete:
            self._linger()
            return None
        if self.close_connection or self.rfile.closed or self.server.closing:
            return None
        gevent.sleep(0)  # a client that always has a next request must not keep other connections waiting
        return True

    def _linger(self) -> None:
        """Say that the response was the last, and read on for a moment what is still being sent.

        Closing a socket with unread data resets the connection: the client might never see the response.
        """
        self.busy = False
        with contextlib.suppress(OSError), gevent.Timeout(LINGER_TIMEOUT, False):
            self.socket.shutdown(socket.SHUT_WR)
            remaining = MAX_LINGER_SIZE
            while remaining > 0 and (data := self.socket.recv(65536)):
                remaining -= len(data)
                gevent.sleep(0)

    def _read_head(self) -> bytes | None:
        """Return a request's head with its blank line; None if the client closed the connection or sent nothing.

        Nearly always it arrives whole. When it does not, the rest has to arrive within the read timeout.
        """
        data = self._peek()
        end = data.find(b"\r\n\r\n") + 4
        if end > 3:
            head: bytes = self.rfile.read(end)
            self._buffered = len(data) - end
            return head
        if data[:1] == TLS_HANDSHAKE:  # it waits for a response, and would do so until a timeout
            raise MalformedRequestError(400, "This port speaks HTTP, not HTTPS: the URL begins with `http://`.")
        return self._read_slow_head() if data else None

    def _peek(self) -> bytes:
        """Return what has arrived, after waiting at most the idle timeout for a first byte.

        A timer costs more than looking whether one is needed.
        """
        self.socket.settimeout(0)
        data: bytes = self.rfile.peek(1)
        self.socket.settimeout(None)
        if not data:
            with gevent.Timeout(self.server.idle_timeout, False):
                data = self.rfile.peek(1)
        return data

    def _read_slow_head(self) -> bytes | None:
        lines: list[bytes] = []
        size = self._buffered = 0
        with gevent.Timeout(self.server.read_timeout):
            while True:
                line = self.rfile.readline(MAX_HEAD_SIZE - size + 1)
                size += len(line)
                if size > MAX_HEAD_SIZE:
                    raise MalformedRequestError(431, f"A request's head may have at most {MAX_HEAD_SIZE} bytes.")
                if not line:
                    raise MalformedRequestError(400, "The request ends before the blank line after its headers.")
                lines.append(line)
                if line in (b"\r\n", b"\n") and len(lines) > 1:
                    return b"".join(lines)

    def _parse(self, data: bytes) -> None:
        environ: dict[str, Any] = self.server.get_environ()
        head = parse_request_head(data, environ)
        self.command = head.method
        self.path = head.target
        self.request_version = head.version
        self.requestline = f"{self.command} {self.path} {self.request_version}"
        self.close_connection = head.version == "HTTP/1.0" or not head.keep_alive
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = self.client_address[0], str(self.client_address[1])
        self._attach_body(environ)
        environ[CONNECTION_KEY] = (self.rfile, self.socket)
        environ[HEAD_KEY] = data
        if head.upgrade:
            self.close_connection = self.upgraded = True
        self.environ = environ

    def _attach_body(self, environ: dict[str, Any]) -> None:
        self.content_length, chunked = parse_body_framing(environ)
        expects_continue = "HTTP_EXPECT" in environ and _expects_continue(environ)
        self.wsgi_input = environ["wsgi.input"] = RequestBody(
            self.rfile,
            self.content_length,
            chunked=chunked,
            buffered=self._buffered,
            read_timeout=self.server.read_timeout,
            continue_socket=self.socket if expects_continue else None,
        )
        environ["wsgi.input_terminated"] = True

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        """Take the status and headers (PEP 3333), and return the function that writes the body.

        gevent's own does the same header by header, which cost more than the application did.

        Raises:
            ValueError: a header has a line break, which would split the response in two.
        """
        if exc_info and self.headers_sent:
            raise exc_info[1].with_traceback(exc_info[2])
        head = f"HTTP/1.1 {status}" + "".join([f"\r\n{name}: {value}" for name, value in headers])
        if head.count("\n") != len(headers) or head.count("\r") != len(headers):
            raise ValueError(f"A header of the response has a line break: {head!r}")
        lowered = head.lower()
        self._head = head.encode("latin-1")
        self._has_length = "\r\ncontent-length:" in lowered
        self._has_connection = "\r\nconnection:" in lowered
        self._has_date = "\r\ndate:" in lowered
        if "\r\nconnection: close" in lowered:
            self.close_connection = True
        self.status = status
        self.code = int(status[:3])
        return self.write

    def _write_with_headers(self, data: bytes) -> None:
        """Send the head and the first piece of the body at once."""
        self.headers_sent = True
        self.connection_upgraded = self.code == 101
        if not self.wsgi_input.complete:
            self.close_connection = True  # what is left of the body must not be taken for the next request
        response = bytearray(self._head)
        if not self._has_date:
            response += self.server.build_date_header()
        if self.close_connection and not self._has_connection:
            response += b"\r\nConnection: close"
        if not self._has_length and self.code not in (204, 304):
            response += self._build_framing_header()
        response += b"\r\n\r\n"
        if data and self.response_use_chunked:
            response += b"%x\r\n%b\r\n" % (len(data), data)
        else:
            response += data
        self._sendall(response)

    def _sendall(self, data: bytes | bytearray) -> None:
        """Send all of `data`, mostly at once: gevent's own first asks the kernel how large the socket's buffer is."""
        sent = self.socket.send(data)
        if sent < len(data):
            super()._sendall(memoryview(data)[sent:])

    def _build_framing_header(self) -> bytes:
        """Return the header that says where a body of undeclared length ends (RFC 9112, section 6)."""
        if hasattr(self.result, "__len__"):
            return b"\r\nContent-Length: %d" % sum(map(len, self.result))
        self.response_use_chunked = not self.connection_upgraded and self.request_version != "HTTP/1.0"
        return b"\r\nTransfer-Encoding: chunked" if self.response_use_chunked else b""

    def log_request(self) -> None:
        """Nothing: the request hooks are called by `WSGIApp`."""

    def _log_error(self, kind: Any, value: Any, trace: Any) -> None:
        if issubclass(kind, (gevent.Timeout, HTTPError)):
            self.close_connection = True
        elif not issubclass(kind, gevent.GreenletExit):
            logger.error("%s failed", self.requestline, exc_info=(kind, value, trace))

    def _send_error_response_if_possible(self, error_code: int) -> None:
        self.close_connection = True
        if not self.headers_sent:
            self._sendall(self.server.error_response(HTTPError(error_code, "Internal server error")))


def _expects_continue(environ: dict[str, Any]) -> bool:
    """Return whether a client waits for `100 Continue`; one of HTTP/1.0 never does (RFC 9110, section 10.1.1).

    Raises:
        MalformedRequestError: it expects something else (417).
    """
    if environ["SERVER_PROTOCOL"] == "HTTP/1.0":
        return False
    if environ["HTTP_EXPECT"].lower() != "100-continue":
        raise MalformedRequestError(417, "The only expectation met here is 100-continue.")
    return True


class Server(WSGIServer):  # type: ignore[misc]  # gevent is not typed
    """Listens on one address.

    Args:
        listener: a bound, listening socket.
        application: the WSGI application.
        read_timeout: seconds for a request to arrive, from its first byte.
        idle_timeout: seconds a connection is kept open between requests.
        error_response: builds the response to a request that cannot be read.
        on_malformed: called with each error and the client's address, where a request cannot be read.
        tls: what gevent's server needs to speak TLS; `TLSServer` passes it.
    """

    handler_class = ConnectionHandler

    def __init__(
        self,
        listener: socket.socket,
        application: Callable[..., Iterable[bytes]],
        *,
        read_timeout: float,
        idle_timeout: float,
        error_response: ErrorResponse,
        on_malformed: Callable[[HTTPError, str], None] = lambda error, address: None,
        **tls: Any,
    ) -> None:
        super().__init__(listener, application, log=None, error_log=None, environ={"SERVER_NAME": "localhost"}, **tls)
        self.read_timeout = read_timeout
        self.idle_timeout = idle_timeout
        self.error_response = error_response
        self._on_malformed = on_malformed
        self.connections: set[ConnectionHandler] = set()
        self.closing = False
        self._date_second, self._date_header = 0, b""

    def build_date_header(self) -> bytes:
        """Return the line of the `Date` header, which changes each second."""
        second = int(time.time())
        if second != self._date_second:
            self._date_second, self._date_header = second, b"\r\nDate: " + format_date_time(second)
        return self._date_header

    def refuse(self, error: HTTPError, address: str) -> bytes:
        """Return the response to a request that cannot be read, which request hooks are notified of.

        Args:
            error: what is wrong with it.
            address: the client's.
        """
        self.log_connection(f"{address} sent a malformed request: {error}")
        self._on_malformed(error, address)
        return self.error_response(error)

    def log_connection(self, text: str) -> None:
        """Log what became of a connection, in printable ASCII."""
        logger.info("%s", text.encode("unicode_escape").decode())

    def handle(self, client: Any, address: Any) -> None:
        """Serve a connection, without Nagle's delay."""
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().handle(client, address)

    def finish(self, timeout: float) -> None:
        """Accept no more connections, let requests in progress finish for some seconds, then close every connection."""
        self.closing = True
        self.close()
        with gevent.Timeout(timeout, False):
            while any(connection.busy and not connection.upgraded for connection in self.connections):
                gevent.sleep(0.01)
        self._drain(lambda: not any(connection.upgraded for connection in self.connections))
        for connection in self.connections:
            connection.disconnect()
        self._drain(lambda: not self.connections)
        gevent.killall([connection.greenlet for connection in self.connections], timeout=DRAIN_TIMEOUT)
        self.stop()

    def _drain(self, drained: Callable[[], bool]) -> None:
        with gevent.Timeout(DRAIN_TIMEOUT, False):
            while not drained():
                gevent.sleep(0.01)


def build_response_bytes(status_line: str, headers: list[tuple[str, str]], body: bytes) -> bytes:
    """Return a whole HTTP response that closes the connection."""
    lines = [f"HTTP/1.1 {status_line}", *(f"{name}: {value}" for name, value in headers)]
    date = format_date_time(time.time()).decode()
    lines += [f"Date: {date}", f"Content-Length: {len(body)}", "Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body
