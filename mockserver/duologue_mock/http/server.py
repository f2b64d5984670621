"""The HTTP server: gevent's WSGI server, with llhttp for reading requests.

Why gevent: a Flask application on it answered two to four times what it did on threads, and one thread serves HTTP,
streams and websockets without anything being monkey-patched (`ARCHITECTURE.md` has the figures). What is
replaced of `gevent.pywsgi` is how a request's head is read (httptools' C parser in place of the email package's), how
it is bounded in size and time, how an answer is sent (head and body in one piece), and what a malformed request is
told.
"""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

import gevent
import httptools
from gevent.pywsgi import Input, WSGIHandler, WSGIServer, format_date_time

from duologue_mock.errors import HTTPError

logger = logging.getLogger("duologue_mock")

MAX_HEAD = 64 * 1024
"""The longest request line and headers, in bytes."""
MAX_HEADERS = 100
LINGER = 2.0
"""Seconds a refused body is still taken in."""
MAX_LINGER = 64 * 1024 * 1024

DRAIN_TIMEOUT = 0.5
"""Seconds that whatever is left has for saying goodbye when the server stops."""

_METHOD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}")  # a token (RFC 9110, section 5.6.2)
_Error = Callable[[HTTPError], bytes]


class MalformedRequestError(Exception):
    """A request that is not HTTP as it should be."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Head:
    """Collects what llhttp finds in a request's head, straight into WSGI's dictionary."""

    __slots__ = ("environ", "keep_alive", "lines", "parser", "url")

    def __init__(self, environ: dict[str, Any]) -> None:
        self.environ = environ
        self.parser: Any = None
        self.url = b""
        self.lines = 0
        self.keep_alive = False

    def on_url(self, url: bytes) -> None:
        """Take a piece of the request target."""
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. Several of one name become a list, as RFC 9110 (section 5.3) says; two hosts are an error."""
        self.lines += 1
        if self.lines > MAX_HEADERS:
            raise MalformedRequestError(431, f"A request may have at most {MAX_HEADERS} headers.")
        if b"_" in name:
            return  # WSGI could not tell `X_Api_Key` from `X-Api-Key`
        key = _KEYS.get(name) or _key(name)
        environ = self.environ
        if key in environ and key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if key == "HTTP_HOST":
                raise MalformedRequestError(400, "A request must have one Host header.")
            if key in _ONCE:
                raise MalformedRequestError(400, f"The header {name.decode('latin-1')} may be given once only.")
            environ[key] += ("; " if key == "HTTP_COOKIE" else ",") + value.decode("latin-1")
        else:
            environ[key] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Note whether the connection goes on: once the message is complete too, llhttp has forgotten."""
        self.keep_alive = self.parser.should_keep_alive()


_ONCE = frozenset(
    {"HTTP_AUTHORIZATION", "HTTP_X_API_KEY", "HTTP_X_USER_ID", "HTTP_UNIQUE_REFERENCE_CODE", "HTTP_IDEMPOTENCY_KEY"}
)
"""Headers that say who asks, or name the call: a list of them cannot be meant."""

_KEYS: dict[bytes, str] = {}


def _key(name: bytes) -> str:
    key = name.decode("latin-1").upper().replace("-", "_")
    if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        key = f"HTTP_{key}"
    if len(_KEYS) < 512:
        _KEYS[name] = key
    return key


class Handler(WSGIHandler):  # type: ignore[misc]  # gevent is not typed
    """Serves one connection."""

    provided_date: Any = None
    busy = False
    upgraded = False

    def handle(self) -> None:
        """Serve requests until the connection ends, known to the server meanwhile."""
        self.greenlet = gevent.getcurrent()
        self.server.connections.add(self)
        try:
            super().handle()
        except (OSError, gevent.Timeout):
            pass  # the peer is gone, or too slow to be waited for
        finally:
            self.server.connections.discard(self)

    def hang_up(self) -> None:
        """End the connection: closing the socket would not, as long as somebody reads from it."""
        sock = getattr(self, "socket", None)
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def handle_one_request(self) -> Any:
        """Read and answer one request; return None to close the connection, True to go on."""
        self.busy = False
        try:
            head = self._read_head()
            if head is None:
                return None
            self.busy = True
            self._parse(head)
        except MalformedRequestError as error:
            self.server.tell(f"{self.client_address[0]} sent no readable request: {error}")
            return self._refuse(error)
        except (OSError, gevent.Timeout):
            return None
        self.application = self.server.application
        self.handle_one_response()
        if self.close_connection or self.rfile.closed or self.server.closing:
            return None
        gevent.sleep(0)  # a client that is never out of requests must not keep the others waiting
        return True

    def _read_head(self) -> bytes | None:
        """Return a request's head, its blank line included; None if the peer closed or fell silent.

        Nearly always it arrives whole. When it does not, the rest has to come within the read timeout.
        """
        rfile = self.rfile
        buffered = b""
        with gevent.Timeout(self.server.idle_timeout, False):
            buffered = rfile.peek(1)
            end = buffered.find(b"\r\n\r\n") + 4
            if end > 3:
                head: bytes = rfile.read(end)
                self.body_at_hand = len(buffered) - end
                return head
        return self._read_slow_head() if buffered else None

    def _read_slow_head(self) -> bytes | None:
        lines: list[bytes] = []
        size = self.body_at_hand = 0
        with gevent.Timeout(self.server.read_timeout):
            while True:
                line = self.rfile.readline(MAX_HEAD - size + 1)
                size += len(line)
                if size > MAX_HEAD:
                    raise MalformedRequestError(431, f"A request's head may have at most {MAX_HEAD} bytes.")
                if not line:
                    return None
                lines.append(line)
                if line in (b"\r\n", b"\n") and len(lines) > 1:
                    return b"".join(lines)

    def _parse(self, data: bytes, method: bytes | None = None) -> None:
        """Fill the environ from a request's head.

        A method that llhttp does not know is still a method: it reads the head again under another name, so that the
        request is refused like any that the path does not allow.
        """
        environ: dict[str, Any] = self.server.get_environ()
        head = Head(environ)
        parser = head.parser = httptools.HttpRequestParser(head)
        upgrade = False
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            upgrade = True
        except httptools.HttpParserInvalidMethodError:
            unknown, _, rest = data.partition(b" ")
            if method is not None or not _METHOD.fullmatch(unknown):
                raise MalformedRequestError(400, "Not a readable request: it has no method.") from None
            self._parse(b"GET " + rest, unknown)
            return
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            raise (
                cause
                if isinstance(cause, MalformedRequestError)
                else MalformedRequestError(400, "Not a readable request.")
            ) from None
        except httptools.HttpParserError as error:
            raise MalformedRequestError(400, f"Not a readable request: {error}.") from None
        finally:
            head.parser = None  # they would else keep each other alive
        self._fill(environ, head, parser, method or parser.get_method(), upgrade)

    def _fill(self, environ: dict[str, Any], head: Head, parser: Any, method: bytes, upgrade: bool) -> None:
        version = parser.get_http_version()
        if version not in ("1.0", "1.1"):
            raise MalformedRequestError(400, "Only HTTP/1.0 and HTTP/1.1 are spoken here.")
        target, _, query = head.url.partition(b"?")
        if not target.startswith(b"/"):
            target, host = _origin_form(target)
            if host is not None:
                environ["HTTP_HOST"] = host  # the target's authority replaces the header (RFC 9112, section 3.2.2)
        self.command = environ["REQUEST_METHOD"] = method.decode("latin-1")
        self.path = head.url.decode("latin-1")
        self.requestline = f"{self.command} {self.path} HTTP/{version}"
        self.request_version = environ["SERVER_PROTOCOL"] = f"HTTP/{version}"
        self.close_connection = version == "1.0" or not head.keep_alive
        environ["SCRIPT_NAME"] = ""
        environ["PATH_INFO"] = (unquote_to_bytes(target) if b"%" in target else target).decode("latin-1")
        environ["QUERY_STRING"] = query.decode("latin-1")
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = self.client_address[0], str(self.client_address[1])
        self._attach_body(environ, upgrade)
        self.environ = environ

    def _attach_body(self, environ: dict[str, Any], upgrade: bool) -> None:
        coding = environ.get("HTTP_TRANSFER_ENCODING", "chunked").lower()
        if coding != "chunked":
            raise MalformedRequestError(400, "The only transfer coding spoken here is chunked.")
        chunked = "HTTP_TRANSFER_ENCODING" in environ
        declared = environ.get("CONTENT_LENGTH")
        if declared is not None and not (declared.isascii() and declared.isdigit() and len(declared) < 19):
            raise MalformedRequestError(400, "Content-Length must be a number.")
        expecting = environ.get("HTTP_EXPECT", "").lower() == "100-continue"
        self.content_length = None if declared is None or chunked else int(declared)
        self.wsgi_input = TimedInput(
            self.rfile,
            self.content_length,
            socket=self.socket if expecting else None,
            chunked_input=chunked,
        )
        self.wsgi_input.handler = self
        environ["wsgi.input"] = self.wsgi_input
        environ["wsgi.input_terminated"] = True
        if upgrade:
            self.close_connection = self.upgraded = True
            environ["werkzeug.socket"] = WholeSocket(self.socket)  # where simple-websocket looks for one

    def run_application(self) -> None:
        """Run the application; a websocket ends with an exception that only means it is over."""
        try:
            super().run_application()
        except OSError:
            if "werkzeug.socket" not in self.environ:
                raise

    def _write_with_headers(self, data: bytes) -> None:
        """Send the head and the first piece of the body in one go."""
        self.headers_sent = True
        date = b"" if self.provided_date else self.server.date()
        self.provided_date = True  # gevent would format it anew for each answer
        self.finalize_headers()
        out = bytearray(b"HTTP/1.1 ")
        out += self.status
        out += date
        for name, value in self.response_headers:
            out += b"\r\n%b: %b" % (name, value)
        if self.close_connection and not any(name.lower() == b"connection" for name, _ in self.response_headers):
            out += b"\r\nConnection: close"
        out += b"\r\n\r\n"
        if data and self.response_use_chunked:
            out += b"%x\r\n%b\r\n" % (len(data), data)
        else:
            out += data
        self._sendall(out)

    def log_request(self) -> None:
        """Nothing: the door tells of every exchange."""

    def _log_error(self, kind: Any, value: Any, trace: Any) -> None:
        if issubclass(kind, (gevent.Timeout, HTTPError)):
            self.close_connection = True
        elif not issubclass(kind, gevent.GreenletExit):
            logger.error("%s failed", self.requestline, exc_info=(kind, value, trace))

    def _refuse(self, error: MalformedRequestError) -> tuple[bytes, bytes]:
        refusal = HTTPError(error.status, str(error))
        return str(error.status).encode(), self.server.error_response(refusal)

    def _handle_client_error(self, ex: Exception) -> Any:
        self.close_connection = True
        return self._refuse(MalformedRequestError(400, "The body is not as its headers say."))

    def _send_error_response_if_possible(self, error_code: int) -> None:
        self.close_connection = True
        if not self.headers_sent:
            message = "Internal server error" if error_code >= 500 else "The body is not as its headers say"
            self._sendall(self.server.error_response(HTTPError(error_code, message)))


class TimedInput(Input):  # type: ignore[misc]  # gevent is not typed
    """A request's body, which has to arrive within the server's read timeout."""

    handler: Handler
    spoiled = False

    def read(self, length: int | None = None) -> bytes:
        """Read the body, or `length` bytes of it."""
        if length and length == self.content_length and length <= self.handler.body_at_hand:  # it came with the head
            self.position = length
            whole: bytes = self.rfile.read(length)
            return whole
        try:
            with gevent.Timeout(self.handler.server.read_timeout, RequestTimeoutError()):
                data: bytes = super().read(length)
                return data
        except ConnectionError:
            raise
        except (OSError, RequestTimeoutError) as error:
            self.spoiled = True
            raise error if isinstance(error, RequestTimeoutError) else MalformedBodyError() from None

    def _discard(self) -> None:
        """Read what the application left unread.

        All of it, where the connection goes on. Where it closes, as much as comes in a moment: closing on unread data
        would reset the connection, and the client might never see why it was refused. Nothing more is waited for
        from who fell silent or sent what is no body.
        """
        if self.spoiled or not (self.chunked_input or (self.position or 0) < (self.content_length or 0)):
            return
        self.send_100_continue_enabled = False  # it has its answer
        if not self.handler.close_connection:
            super()._discard()
            return
        with gevent.Timeout(LINGER, False), contextlib.suppress(OSError):
            left = MAX_LINGER
            while left > 0 and (data := super().read(65536)):
                left -= len(data)


class RequestTimeoutError(HTTPError):
    """The body did not arrive in time."""

    def __init__(self) -> None:
        super().__init__(408, "The request took too long to arrive", headers=[("Connection", "close")])


class MalformedBodyError(HTTPError):
    """The body ended early, or was chunked badly."""

    def __init__(self) -> None:
        super().__init__(400, "The body is not as its headers say", headers=[("Connection", "close")])


class WholeSocket:
    """A socket whose `send` sends everything: simple-websocket takes no notice of what is left over."""

    def __init__(self, sock: Any) -> None:
        self._socket = sock

    def send(self, data: bytes) -> int:
        """Send all of `data`."""
        self._socket.sendall(data)
        return len(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


class Server(WSGIServer):  # type: ignore[misc]  # gevent is not typed
    """Listens on one address.

    Args:
        listener: a bound, listening socket.
        application: the WSGI application.
        read_timeout: seconds for a request to arrive once it has begun.
        idle_timeout: seconds between requests.
        refuse: makes the whole answer to a request that cannot be read.
    """

    handler_class = Handler

    def __init__(
        self,
        listener: socket.socket,
        application: Callable[..., Iterable[bytes]],
        *,
        read_timeout: float,
        idle_timeout: float,
        error_response: _Error,
    ) -> None:
        super().__init__(listener, application, log=None, error_log=None, environ={"SERVER_NAME": "localhost"})
        self.read_timeout = read_timeout
        self.idle_timeout = idle_timeout
        self.error_response = error_response
        self.connections: set[Handler] = set()
        self.closing = False
        self._second, self._date = 0, b""

    def date(self) -> bytes:
        """Return the line of the `Date` header, made anew each second."""
        now = int(time.time())
        if now != self._second:
            self._second, self._date = now, b"\r\nDate: " + format_date_time(now)
        return self._date

    def tell(self, message: str) -> None:
        """Log what is worth knowing about a peer."""
        logger.info("%s", message.encode("unicode_escape").decode())

    def handle(self, client: Any, address: Any) -> None:
        """Serve a connection, without Nagle's delay."""
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().handle(client, address)

    def finish(self, seconds: float) -> None:
        """Accept no more; let requests under way finish for some seconds, then close every connection."""
        self.closing = True
        self.close()
        with gevent.Timeout(seconds, False):
            while any(connection.busy and not connection.upgraded for connection in self.connections):
                gevent.sleep(0.01)
        self._wait_until(lambda: not any(connection.upgraded for connection in self.connections))
        for connection in self.connections:
            connection.hang_up()
        self._wait_until(lambda: not self.connections)
        gevent.killall([connection.greenlet for connection in self.connections], timeout=DRAIN_TIMEOUT)
        self.stop()

    def _wait_until(self, true: Callable[[], bool]) -> None:
        with gevent.Timeout(DRAIN_TIMEOUT, False):
            while not true():
                gevent.sleep(0.01)


def http_answer(status_line: str, headers: list[tuple[str, str]], body: bytes) -> bytes:
    """Return a whole HTTP answer that closes the connection."""
    lines = [f"HTTP/1.1 {status_line}", *(f"{name}: {value}" for name, value in headers)]
    date = format_date_time(time.time()).decode()
    lines += [f"Date: {date}", f"Content-Length: {len(body)}", "Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def _origin_form(target: bytes) -> tuple[bytes, str | None]:
    """The path of a request target that is none, and its authority if it names one (RFC 9112, section 3.2)."""
    scheme, found, rest = target.partition(b"://")
    if found and scheme.lower() in (b"http", b"https"):
        authority, _, path = rest.partition(b"/")
        return b"/" + path, authority.decode("latin-1")
    return b"/" + target, None
