"""One request and its response, as the journal stores them: references to what was there, and nothing derived."""

from __future__ import annotations

import string
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import quote

from duologue.contract.core import Operation
from duologue_mock.control.journal.violation import Violation
from duologue_mock.control.received import ReceivedRequest, split_host
from duologue_mock.handler_registry import Principal
from duologue_mock.http.messages import HEAD_KEY, Request, Response

MAX_BODY = 64 * 1024
"""Bytes of a body that are stored, of a request and of a response; and of a stub's response headers."""
OVERHEAD = 1536
"""Bytes that an entry takes besides its texts, roughly."""

Headers = Sequence[tuple[str, str]]


class Stub(Protocol):
    """A stub, as far as an entry shows it."""

    @property
    def id(self) -> uuid.UUID:
        """Its id."""

    @property
    def json(self) -> Mapping[str, Any]:
        """It as WireMock's JSON has it."""

    @property
    def size(self) -> int:
        """Bytes that it takes, roughly."""


@dataclass(frozen=True, slots=True)
class Served:
    """What decided a response, if it was not the mock alone.

    Args:
        stub: the stub that matched.
        preference: the `Prefer` header that was applied.
        fault: the name of what was broken.
        delay: milliseconds by which the response was delayed.
        replaces_operation: whether the operation was not done: an error was requested in its place.
        exceeded: a sentence about each matcher that took too long with the request, and so did not match.
    """

    stub: Stub | None = None
    preference: str | None = None
    fault: str | None = None
    delay: float = 0.0
    replaces_operation: bool = False
    exceeded: tuple[str, ...] = ()


NOT_STEERED = Served()
SERVED_KEY = "duologue.served"
"""Where in the environ the `Served` is. It is absent where nothing but the mock itself has decided."""


class Entry:
    """One request and its response.

    It refers to no environ, socket, stream or exception: they would keep alive all that belongs to a connection.
    """

    __slots__ = (
        "args",
        "body",
        "body_size",
        "client_ip",
        "elapsed",
        "head",
        "operation",
        "principal",
        "request_id",
        "response_body",
        "response_headers",
        "response_size",
        "scheme",
        "seconds",
        "sequence",
        "served",
        "size",
        "status",
        "violations",
    )

    sequence: int
    """Its place among all events of the namespace."""
    seconds: float
    """When the response was ready, by the clock of the namespace: seconds since 1970."""
    elapsed: float
    """Seconds that the response took."""
    head: bytes
    """The request's head, as it was sent."""
    size: int
    """Bytes that it takes, roughly."""

    def __init__(
        self,
        sequence: int,
        seconds: float,
        request: Request,
        response: Response,
        headers: Headers,
        violations: tuple[Violation, ...],
    ) -> None:
        environ, body = request.environ, request.body
        response_body = b"" if request.method == "HEAD" else response.body
        self.sequence = sequence
        self.seconds = seconds
        self.elapsed = time.perf_counter() - request.started_at
        self.head = head = environ.get(HEAD_KEY) or _build_head(request)
        self.body_size = body_size = len(body)
        self.response_size = response_size = len(response_body)
        self.body, self.response_body = body, response_body
        self.size = OVERHEAD + len(head) + body_size + response_size
        if body_size > MAX_BODY or response_size > MAX_BODY:
            self._cut_bodies()
        self.request_id = request.id
        self.client_ip: str = environ.get("REMOTE_ADDR", "127.0.0.1")
        self.scheme: str = environ.get("wsgi.url_scheme", "http")
        self.operation: Operation[Any] | None = request.operation
        self.args = request.args
        self.principal: Principal | None = request.principal
        self.status = response.status
        self.response_headers = headers
        self.violations = violations
        self.served = NOT_STEERED

    def _cut_bodies(self) -> None:
        self.body, self.response_body = self.body[:MAX_BODY], self.response_body[:MAX_BODY]
        self.size = OVERHEAD + len(self.head) + len(self.body) + len(self.response_body)

    @property
    def is_unmatched(self) -> bool:
        """Whether no operation and no stub responded to it, nor a page of the mock."""
        return self.operation is None and self.status >= 400 and self.served.stub is None

    @property
    def stub_id(self) -> uuid.UUID | None:
        """The id of the stub that matched."""
        return None if self.served.stub is None else self.served.stub.id

    @property
    def logged_at(self) -> datetime:
        """When the response was ready, in whole milliseconds."""
        return datetime.fromtimestamp(self.milliseconds / 1000, UTC)

    @property
    def milliseconds(self) -> int:
        """When the response was ready, in milliseconds since 1970."""
        return round(self.seconds * 1000)

    def to_received(self, id: uuid.UUID) -> ReceivedRequest:
        """Return the request as patterns match it; its body as much as is stored.

        Args:
            id: its id.
        """
        method, target, _ = self.split_request_line()
        sent_headers = tuple(self._parse_headers())
        authority, url = _split_target(target)
        host = authority or next((value for name, value in sent_headers if name.lower() == "host"), "")
        name, port = split_host(host, self.scheme)
        return ReceivedRequest(
            method=method,
            url=url,
            body=self.body,
            sent_headers=sent_headers,
            scheme=self.scheme,
            host=name,
            port=port,
            client_ip=self.client_ip,
            operation=self.operation,
            operation_args=self.args,
            received_at=self.logged_at,
            id=id,
            request_id=self.request_id,
        )

    def split_request_line(self) -> tuple[str, str, str]:
        """Return the method, the target and the protocol."""
        line = self.head.lstrip(b"\r\n").partition(b"\r\n")[0].decode("latin-1")
        method, target, protocol = line.split(" ", 2)
        return method, target, protocol

    def _parse_headers(self) -> Iterator[tuple[str, str]]:
        for line in self.head.lstrip(b"\r\n").decode("latin-1").split("\r\n")[1:]:
            name, separator, value = line.partition(":")
            if separator:
                yield name, value.strip(" \t")


def cut_headers(headers: Headers) -> Headers:
    """Return the first headers, as many as `MAX_BODY` has room for: a stub's may be of any length."""
    room = MAX_BODY
    shown = []
    for name, value in headers:
        room -= len(name) + len(value)
        if room < 0:
            break
        shown.append((name, value))
    return shown


def measure_headers(headers: Iterable[tuple[str, str]]) -> int:
    """Return the characters of headers."""
    return sum(len(name) + len(value) for name, value in headers)


def _split_target(target: str) -> tuple[str, str]:
    """Return the authority and the rest of a target that is a whole URL; no authority for a path."""
    if target[:1] in ("/", "*"):
        return "", target
    authority, slash, path = target.partition("://")[2].partition("/")
    authority, question, query = authority.partition("?")
    return authority, slash + path if slash else "/" + question + query


def _build_head(request: Request) -> bytes:
    """Return the head of a request that another server than ours has read."""
    environ = request.environ
    target = environ.get("REQUEST_URI") or request.path + (f"?{request.query_string}" if request.query_string else "")
    lines = [f"{request.method} {quote(target, safe=string.punctuation)} {environ.get('SERVER_PROTOCOL', 'HTTP/1.1')}"]
    for key, value in environ.items():
        name = key[5:] if key.startswith("HTTP_") else key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else ""
        if name and value:
            lines.append(f"{name.replace('_', '-').title()}: {value}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
