"""Reading a request's head: the request line and headers, parsed by llhttp into WSGI's environ (PEP 3333)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote_to_bytes

import httptools

MAX_HEAD_SIZE = 64 * 1024
"""The longest request line and headers, in bytes."""
MAX_HEADERS = 100
"""The most headers of one request."""

_METHOD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}")  # a token (RFC 9110, section 5.6.2)
_UNPREFIXED = ("CONTENT_TYPE", "CONTENT_LENGTH")
_SINGLE = frozenset(
    {"HTTP_AUTHORIZATION", "HTTP_X_API_KEY", "HTTP_X_USER_ID", "HTTP_UNIQUE_REFERENCE_CODE", "HTTP_IDEMPOTENCY_KEY"}
)
"""Headers that identify the caller or the call: two of one name contradict each other."""
_ENVIRON_KEYS: dict[bytes, str] = {}
"""WSGI's keys of the header names seen so far, at most `_MAX_ENVIRON_KEYS`."""
_MAX_ENVIRON_KEYS = 512


class MalformedRequestError(Exception):
    """A request that breaks the rules of HTTP/1.1, or the server's limits for a head.

    Args:
        status: the HTTP status to respond with.
        message: what is wrong, for people.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class RequestHead:
    """What a request's head says. llhttp calls its `on_` methods while it parses.

    Args:
        environ: WSGI's dictionary; the headers are put into it as they are read.
    """

    __slots__ = ("environ", "header_count", "keep_alive", "method", "parser", "target", "upgrade", "version")

    def __init__(self, environ: dict[str, Any]) -> None:
        self.environ = environ
        self.parser: Any = None
        self.method = b""
        self.target = b""
        self.version = ""
        self.header_count = 0
        self.keep_alive = False
        self.upgrade = False

    def on_url(self, url: bytes) -> None:
        """Append a piece of the request target."""
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header. Several of one name become a list (RFC 9110, section 5.3); a second `Host` is an error."""
        self.header_count += 1
        if self.header_count > MAX_HEADERS:
            raise MalformedRequestError(431, f"A request may have at most {MAX_HEADERS} headers.")
        if b"_" in name:
            return  # WSGI could not distinguish `X_Api_Key` from `X-Api-Key`
        key = _ENVIRON_KEYS.get(name) or _environ_key(name)
        environ = self.environ
        if key in environ and key not in _UNPREFIXED:
            if key == "HTTP_HOST":
                raise MalformedRequestError(400, "A request must have one Host header.")
            if key in _SINGLE:
                raise MalformedRequestError(400, f"The header {name.decode('latin-1')} may be given once only.")
            environ[key] += ("; " if key == "HTTP_COOKIE" else ",") + value.decode("latin-1")
        else:
            environ[key] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Note whether the connection is kept alive: llhttp forgets it once the message is complete."""
        self.keep_alive = self.parser.should_keep_alive()


def parse_request_head(data: bytes, environ: dict[str, Any]) -> RequestHead:
    """Parse a request's head and fill WSGI's environ from it, except for what concerns the body and the peer.

    A method that llhttp does not know is still a method (RFC 9110, section 9.1): the head is parsed under another one,
    so that the request gets the 405 of any method that the path does not allow.

    Raises:
        MalformedRequestError: the head breaks the rules of HTTP/1.1 or has too many headers.
    """
    head = RequestHead(environ)
    try:
        _feed(head, data)
        head.method = head.parser.get_method()
    except httptools.HttpParserInvalidMethodError:
        method, _, rest = data.partition(b" ")
        if not _METHOD.fullmatch(method):
            raise MalformedRequestError(400, "Not a readable request: it has no method.") from None
        head = RequestHead(environ)
        try:
            _feed(head, b"GET " + rest)
        except httptools.HttpParserInvalidMethodError:
            raise MalformedRequestError(400, "Not a readable request: it has no method.") from None
        head.method = method
    head.version = head.parser.get_http_version()
    head.parser = None  # the two refer to each other: without this, only the garbage collector would free them
    if head.version not in ("1.0", "1.1"):
        raise MalformedRequestError(400, "Only HTTP/1.0 and HTTP/1.1 are spoken here.")
    _fill_environ(head)
    return head


def _feed(head: RequestHead, data: bytes) -> None:
    head.parser = httptools.HttpRequestParser(head)
    try:
        head.parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        head.upgrade = True
    except httptools.HttpParserInvalidMethodError:
        head.parser = None
        raise
    except httptools.HttpParserCallbackError as error:
        head.parser = None
        cause = error.__context__
        if isinstance(cause, MalformedRequestError):
            raise cause from None
        raise MalformedRequestError(400, "Not a readable request.") from None
    except httptools.HttpParserError as error:
        head.parser = None
        raise MalformedRequestError(400, f"Not a readable request: {error}.") from None


def _fill_environ(head: RequestHead) -> None:
    environ = head.environ
    path, _, query = head.target.partition(b"?")
    if not path.startswith(b"/"):
        path, host = _split_absolute_form(path)
        if host is not None:
            environ["HTTP_HOST"] = host  # the target's authority replaces the header (RFC 9112, section 3.2.2)
    environ["REQUEST_METHOD"] = head.method.decode("latin-1")
    environ["SERVER_PROTOCOL"] = f"HTTP/{head.version}"
    environ["SCRIPT_NAME"] = ""
    environ["PATH_INFO"] = (unquote_to_bytes(path) if b"%" in path else path).decode("latin-1")
    environ["QUERY_STRING"] = query.decode("latin-1")


def _split_absolute_form(target: bytes) -> tuple[bytes, str | None]:
    """Return the path of a target that does not start with `/`, and its authority (RFC 9112, section 3.2)."""
    scheme, separator, rest = target.partition(b"://")
    if separator and scheme.lower() in (b"http", b"https"):
        authority, _, path = rest.partition(b"/")
        return b"/" + path, authority.decode("latin-1")
    return b"/" + target, None


def _environ_key(name: bytes) -> str:
    key = name.decode("latin-1").upper().replace("-", "_")
    if key not in _UNPREFIXED:
        key = f"HTTP_{key}"
    if len(_ENVIRON_KEYS) < _MAX_ENVIRON_KEYS:
        _ENVIRON_KEYS[name] = key
    return key
