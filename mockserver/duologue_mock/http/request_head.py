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

RECEIVED_HOST = "duologue.received_host"
"""Where in the environ the Host header is, if the request's target names a host itself."""

_REQUEST_LINE = re.compile(rb"(?:\r\n)?([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ([!\"$-~]+) (HTTP/1\.[01])\r\n")
"""A token, visible ASCII without `#`, and the protocol (RFC 9112, section 3), after one blank line at most."""
_ABSOLUTE_FORM = re.compile(r"https?://([^/]*)(/.*)?", re.IGNORECASE)
_UNPREFIXED = ("CONTENT_TYPE", "CONTENT_LENGTH")
_SINGLE = frozenset(
    {
        *_UNPREFIXED,
        "HTTP_HOST",
        "HTTP_AUTHORIZATION",
        "HTTP_X_API_KEY",
        "HTTP_X_USER_ID",
        "HTTP_UNIQUE_REFERENCE_CODE",
        "HTTP_IDEMPOTENCY_KEY",
    }
)
"""Headers that identify the caller or the call, or frame the body: two of one name contradict each other."""
_ENVIRON_KEYS: dict[bytes, str] = {}
"""WSGI's keys of the header names seen so far, at most `_MAX_ENVIRON_KEYS` that are short."""
_MAX_ENVIRON_KEYS = 512
_MAX_ENVIRON_KEY = 64


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
    """What a request's head says. llhttp calls its `on_` methods while it parses the headers.

    Args:
        environ: WSGI's dictionary; the headers are put into it as they are read.
    """

    __slots__ = (
        "complete",
        "environ",
        "header_count",
        "keep_alive",
        "method",
        "parser",
        "target",
        "upgrade",
        "version",
    )

    def __init__(self, environ: dict[str, Any], method: bytes, target: bytes, version: bytes) -> None:
        self.environ = environ
        self.method = method.decode("latin-1")
        self.target = target.decode("latin-1")
        self.version = version.decode("latin-1")
        self.parser: Any = None
        self.header_count = 0
        self.complete = False
        self.keep_alive = False
        self.upgrade = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header, without the white space around its value (RFC 9110, section 5.5).

        Several of one name become a list (RFC 9110, section 5.3); a second `Host` is an error.
        """
        self.header_count += 1
        if self.header_count > MAX_HEADERS:
            raise MalformedRequestError(431, f"A request may have at most {MAX_HEADERS} headers.")
        if b"_" in name:
            return  # WSGI could not distinguish `X_Api_Key` from `X-Api-Key`
        key = _ENVIRON_KEYS.get(name) or _environ_key(name)
        text = value.decode("latin-1").strip(" \t")
        environ = self.environ
        if key not in environ:
            environ[key] = text
        elif key in _SINGLE:
            raise MalformedRequestError(400, f"The header {name.decode('latin-1')} may be given once only.")
        else:
            environ[key] += ("; " if key == "HTTP_COOKIE" else ",") + text

    def on_headers_complete(self) -> None:
        """Note whether the connection is kept alive: llhttp forgets it once the message is complete."""
        self.complete = True
        self.keep_alive = self.parser.should_keep_alive()


def parse_request_head(data: bytes, environ: dict[str, Any]) -> RequestHead:
    """Parse a request's head and fill WSGI's environ from it, except for what concerns the body and the peer.

    llhttp parses the headers. The request line is parsed here: llhttp knows only some methods, and accepts other
    protocols, several spaces, and line feeds in front.

    Raises:
        MalformedRequestError: the head breaks the rules of HTTP/1.1 or has too many headers.
    """
    line = _REQUEST_LINE.match(data)
    if line is None:
        raise MalformedRequestError(400, "The request line must be like `GET /path HTTP/1.1`.")
    method, target, version = line.groups()
    head = RequestHead(environ, method, target, version)
    _parse_headers(head, b"GET / %b\r\n%b" % (version, data[line.end() :]))
    _fill_environ(head)
    return head


def _parse_headers(head: RequestHead, data: bytes) -> None:
    head.parser = httptools.HttpRequestParser(head)
    try:
        head.parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        head.upgrade = head.version != "HTTP/1.0"  # which has no upgrades (RFC 9110, section 7.8)
    except httptools.HttpParserCallbackError as error:
        cause = error.__context__
        if isinstance(cause, MalformedRequestError):
            raise cause from None
        raise MalformedRequestError(400, "Not a readable request.") from None
    except httptools.HttpParserError as error:
        raise MalformedRequestError(400, f"Not a readable request: {error}.") from None
    finally:
        head.parser = None  # the two refer to each other: without this, only the garbage collector would free them
    if not head.complete:
        raise MalformedRequestError(400, "Not a readable request: its headers have no end.")


def _fill_environ(head: RequestHead) -> None:
    environ = head.environ
    path, _, query = head.target.partition("?")
    if not path.startswith("/") and (path != "*" or head.method != "OPTIONS"):
        path = _split_absolute_form(path, environ)
    environ["REQUEST_METHOD"] = head.method
    environ["SERVER_PROTOCOL"] = head.version
    environ["SCRIPT_NAME"] = ""
    environ["REQUEST_URI"] = head.target
    environ["PATH_INFO"] = unquote_to_bytes(path).decode("latin-1") if "%" in path else path
    environ["QUERY_STRING"] = query


def _split_absolute_form(target: str, environ: dict[str, Any]) -> str:
    """Return the path of a target that is a whole URL; its authority becomes the host (RFC 9112, section 3.2.2)."""
    match = _ABSOLUTE_FORM.fullmatch(target)
    if match is None:
        raise MalformedRequestError(400, "The request's target must be a path, or a URL with `http://`.")
    environ[RECEIVED_HOST] = environ.get("HTTP_HOST", "")
    environ["HTTP_HOST"] = match[1]
    return match[2] or "/"


def _environ_key(name: bytes) -> str:
    key = name.decode("latin-1").upper().replace("-", "_")
    if key not in _UNPREFIXED:
        key = f"HTTP_{key}"
    if len(_ENVIRON_KEYS) < _MAX_ENVIRON_KEYS and len(name) < _MAX_ENVIRON_KEY:
        _ENVIRON_KEYS[name] = key
    return key
