"""The journal: the requests that a namespace received, typed."""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from duologue_mock.control_client.transport import ControlTransport

HeaderValue = str | list[str]
"""A header's value; a list where it was sent more than once."""


@dataclass(frozen=True)
class LoggedRequest:
    """A request that the mock received; secrets in it are shown as `[REDACTED]`."""

    method: str
    url: str
    """Path and query string, as they were sent."""
    headers: Mapping[str, HeaderValue] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    """The body, at most the first 64 kB of it."""
    id: str | None = None
    """The id of its entry in the journal."""
    logged_at: datetime | None = None
    operation: str | None = None
    """The id of its operation, as `users.LIST`; None if its path is no operation's."""
    caller: Mapping[str, Any] | None = None
    """Who sent it: `{"userId", "role"}`, `{"chatUserId"}` or `{"address"}`."""
    status: int | None = None
    """The status of the response; None where no response was sent, or the mock does not say."""
    stub_id: str | None = None
    """The id of the stub that responded to it; None for the mock's own response."""
    violations: tuple[Mapping[str, Any], ...] = ()
    """How it broke the contract: `rule`, `message` and `cure` of each."""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """The entry as the mock has it, in WireMock's shape."""

    @property
    def path(self) -> str:
        """The path, without the query string."""
        return self.url.partition("?")[0]

    @cached_property
    def query(self) -> Mapping[str, list[str]]:
        """The values of each query parameter, decoded."""
        return parse_qs(self.url.partition("?")[2], keep_blank_values=True)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the JSON of the body.

        Raises:
            ValueError: the body is not JSON.
        """
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        """Return a header's first value, or None.

        Args:
            name: its name, in any case.
        """
        for key, value in self.headers.items():
            if key.lower() == name.lower():
                return value if isinstance(value, str) else value[0]
        return None

    def __str__(self) -> str:
        return f"{self.method} {self.url}"


def parse_entry(entry: Mapping[str, Any]) -> LoggedRequest:
    """Return the request of a journal entry: one with its response, or the request alone."""
    request = entry.get("request", entry)
    response = entry.get("response") or {}
    stub = entry.get("stubMapping") or {}
    logged = request.get("loggedDate")
    return LoggedRequest(
        method=str(request.get("method", "")),
        url=str(request.get("url", "")),
        headers=request.get("headers") or {},
        body=_read_body(request),
        id=entry.get("id") or request.get("id"),
        logged_at=None if logged is None else datetime.fromtimestamp(logged / 1000, UTC),
        operation=entry.get("operation") or request.get("operation"),
        caller=entry.get("caller") or request.get("caller"),
        status=response.get("status"),
        stub_id=stub.get("id"),
        violations=tuple(entry.get("violations") or request.get("violations") or ()),
        raw=entry,
    )


def parse_entries(entries: Iterable[Mapping[str, Any]]) -> list[LoggedRequest]:
    """Return the requests of journal entries, in their order."""
    return [parse_entry(entry) for entry in entries]


def list_requests(
    transport: ControlTransport,
    *,
    limit: int | None = None,
    since: datetime | None = None,
    unmatched: bool = False,
    matching_stub: str | None = None,
) -> list[LoggedRequest]:
    """Return the journal's entries, the first first; `MockControl.requests` describes the arguments.

    Raises:
        ControlAPIError: the call failed.
    """
    query = {
        "limit": limit,
        "since": None if since is None else since.isoformat(),
        "unmatched": "true" if unmatched else None,
        "matchingStub": matching_stub,
    }
    journal = transport.call("GET", "/requests", query=query)
    return parse_entries(reversed(journal["requests"]))


def find_requests(transport: ControlTransport, pattern: Mapping[str, Any]) -> list[LoggedRequest]:
    """Return the requests that match a pattern, the first first.

    Raises:
        ControlAPIError: the call failed, or the pattern is not one.
    """
    return parse_entries(transport.call("POST", "/requests/find", pattern)["requests"])


def find_entries(transport: ControlTransport, pattern: Mapping[str, Any]) -> list[LoggedRequest]:
    """Return the requests that match a pattern with their responses, the first first.

    A search finds requests alone, as WireMock's does; what else the journal has of them is looked up here.

    Raises:
        ControlAPIError: the call failed, or the pattern is not one.
    """
    requests = transport.call("POST", "/requests/find", pattern)["requests"]
    entries: dict[str, deque[Mapping[str, Any]]] = {}
    for entry in reversed(transport.call("GET", "/requests")["requests"] if requests else ()):
        entries.setdefault(_get_key(entry["request"]), deque()).append(entry)
    found = (entries.get(_get_key(request)) for request in requests)
    return parse_entries(
        same.popleft() if same else request for request, same in zip(requests, found, strict=True)
    )  # an entry may have been dropped meanwhile


def _get_key(request: Mapping[str, Any]) -> str:
    return json.dumps(request, sort_keys=True)


def _read_body(request: Mapping[str, Any]) -> bytes:
    encoded = request.get("bodyAsBase64")
    if encoded:
        return base64.b64decode(encoded)
    return str(request.get("body") or "").encode()
