"""A request as it was received: what stubs match, and what the journal records."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import unquote_plus

from duologue.contract.core import Operation
from duologue_mock.control.charsets import decode
from duologue_mock.http.messages import HEAD_KEY, Request
from duologue_mock.http.request_head import RECEIVED_HOST

_COOKIE_NAME = re.compile(r"[!#%&'*+.^_`|~0-9A-Za-z-][!#$%&'*+.^_`|~0-9A-Za-z-]*")
_COOKIE_VALUE = re.compile(r"[ !#-+\--:<-\[\]-~]*")
"""Cookies that are read (RFC 6265, with spaces); others count as absent, as in WireMock."""

_CHARSET = re.compile(r";[ \t]*charset=\"?([A-Za-z0-9_.:-]+)", re.IGNORECASE)

_TIME_WITH_OFFSET = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?[+-]\d\d:\d\d", re.ASCII)


@dataclass(frozen=True)
class ReceivedRequest:
    """A request, independent of its connection. What is derived from it is computed when it is first used.

    Header names are lower-case in `headers`; `sent_headers` has them as they were sent.
    """

    method: str
    url: str
    """Path and query string, as they were sent: not decoded."""
    body: bytes = b""
    sent_headers: tuple[tuple[str, str], ...] = ()
    scheme: str = "http"
    host: str = "localhost"
    port: int = 80
    client_ip: str = "127.0.0.1"
    operation: Operation[Any] | None = None
    """The operation that its path and method name."""
    operation_args: Mapping[str, str] = field(default_factory=dict)
    received_at: datetime | None = None
    """By the clock of its namespace."""
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    request_id: str = ""
    """Its `Unique-Reference-Code`, or the id that the mock gave it."""

    @cached_property
    def path(self) -> str:
        """The path as it was sent, without the query string."""
        return self.url.partition("?")[0]

    @cached_property
    def query_string(self) -> str:
        """The query string as it was sent."""
        return self.url.partition("?")[2]

    @cached_property
    def query(self) -> dict[str, list[str]]:
        """The values of each query parameter, decoded; `+` is a space. A name without `=` has the value ``."""
        return parse_parameters(self.query_string)

    @cached_property
    def form(self) -> dict[str, list[str]]:
        """The values of each parameter of a body that is a form."""
        media_type = (self.get_header("content-type") or "").partition(";")[0].strip().lower()
        if media_type != "application/x-www-form-urlencoded":
            return {}
        return parse_parameters(self.body_text)

    @cached_property
    def headers(self) -> dict[str, list[str]]:
        """The values of each header, by its name in lower case."""
        values: dict[str, list[str]] = {}
        for name, value in self.sent_headers:
            values.setdefault(name.lower(), []).append(value)
        return values

    def get_header(self, name: str) -> str | None:
        """Return a header's first value, or None."""
        values = self.headers.get(name.lower())
        return values[0] if values else None

    @cached_property
    def cookies(self) -> dict[str, list[str]]:
        """The values of each cookie."""
        values: dict[str, list[str]] = {}
        for header in self.headers.get("cookie", ()):
            for part in header.split(";"):
                name, separator, value = part.partition("=")
                name, value = name.strip(" \t"), _unquote_cookie(value.strip(" \t"))
                if separator and _COOKIE_NAME.fullmatch(name) and _COOKIE_VALUE.fullmatch(value):
                    values.setdefault(name, []).append(value)
        return values

    @cached_property
    def body_text(self) -> str:
        """The body as text, in the charset that its type names; bytes that are not of it become U+FFFD."""
        charset = _CHARSET.search(self.get_header("content-type") or "")
        return decode(self.body, charset[1] if charset else None)


def receive(request: Request, *, received_at: datetime | None = None) -> ReceivedRequest:
    """Return a request that the mock handles as it was received.

    Args:
        request: the request, its body read.
        received_at: when, by the clock of its namespace.
    """
    environ = request.environ
    scheme = environ.get("wsgi.url_scheme", "http")
    host, port = split_host(environ.get(RECEIVED_HOST) or environ.get("HTTP_HOST", ""), scheme)
    url = environ.get("REQUEST_URI") or request.path + (f"?{request.query_string}" if request.query_string else "")
    return ReceivedRequest(
        method=request.method,
        url=url,
        body=request.body,
        sent_headers=_list_headers(environ),
        scheme=scheme,
        host=host,
        port=port,
        client_ip=environ.get("REMOTE_ADDR", "127.0.0.1"),
        operation=request.operation,
        operation_args=request.args,
        received_at=received_at,
        request_id=request.id,
    )


def parse_parameters(text: str) -> dict[str, list[str]]:
    """Return the values of each parameter of a query string or a form, decoded as WireMock does."""
    values: dict[str, list[str]] = {}
    for part in text.split("&"):
        if part:
            name, _, value = part.partition("=")
            values.setdefault(_decode(name), []).append(_decode(value))
    return values


def _decode(text: str) -> str:
    """Return a text decoded. As in WireMock, the `+` of a time's offset, `2024-06-01T12:00:00+02:00`, is no space."""
    return text if _TIME_WITH_OFFSET.fullmatch(text) else unquote_plus(text)


def _list_headers(environ: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the headers in the order and spelling in which they were sent, where the server has kept their bytes."""
    head: bytes | None = environ.get(HEAD_KEY)
    if head is not None:
        lines = head.decode("latin-1").split("\r\n")[1:]
        pairs = (line.partition(":") for line in lines if ":" in line)
        return tuple((name, value.strip(" \t")) for name, _, value in pairs)
    names = [key for key in environ if key.startswith("HTTP_")]
    sent = [(key.removeprefix("HTTP_").replace("_", "-").title(), environ[key]) for key in names]
    plain = [(key.replace("_", "-").title(), environ[key]) for key in ("CONTENT_TYPE", "CONTENT_LENGTH")
             if environ.get(key)]  # fmt: skip
    return (*sent, *plain)


def split_host(host: str, scheme: str) -> tuple[str, int]:
    """Return the name and the port of a Host header; the scheme's port if it has none."""
    name, separator, port = host.rpartition(":")
    if separator and port.isascii() and port.isdigit():
        return name, int(port)
    return host, 443 if scheme == "https" else 80


def _unquote_cookie(value: str) -> str:
    is_quoted = len(value) > 1 and value.startswith('"') and value.endswith('"')
    return value[1:-1] if is_quoted else value
