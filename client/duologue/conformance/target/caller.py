"""A caller of one service: bare `requests`, and a record of what it sends.

Nothing here uses our client, so a mistake that client and server share still shows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests

from duologue.conformance.target.rate_limit import retry_when_limited
from duologue.conformance.target.unique_names import unique
from duologue.contract import operations

TIMEOUT = 10.0
"""Seconds after which a server that does not respond fails the test."""

Body = Any
"""A JSON value; `bytes` are sent as they are."""

NO_BODY = object()


@dataclass(frozen=True)
class RecordedRequest:
    """A request and the status of its response."""

    method: str
    path: str
    status: int


@dataclass
class Record:
    """The requests that a test has sent so far."""

    requests: list[RecordedRequest] = field(default_factory=list)
    created: list[tuple[Api, str]] = field(default_factory=list)
    """What it created by `POST`, to be deleted at its end: the caller, and the path."""

    def statuses(self) -> set[tuple[str, int]]:
        """Return the operations that were called, each with the status of its response."""
        pairs = ((_operation_id(request), request.status) for request in self.requests)
        return {(operation, status) for operation, status in pairs if operation}

    def clean_up(self) -> None:
        """Delete what the test created and did not delete."""
        for api, path in reversed(self.created):
            api.delete(path)


_ROUTES = [
    (operation.method, re.compile(re.sub(r"{\w+}", "[^/]+", operation.route) + "/?"), operation.id)
    for operation in operations()
]


def _operation_id(request: RecordedRequest) -> str | None:
    for method, route, name in _ROUTES:
        if method == request.method and route.fullmatch(request.path):
            return name
    return None


@dataclass(frozen=True)
class Api:
    """One caller of one service: a base URL, the headers it always sends, and a connection of its own."""

    url: str
    session: requests.Session
    record: Record
    headers: Mapping[str, str] = field(default_factory=dict)
    numbered: bool = False
    """Whether each request carries a fresh `Unique-Reference-Code`."""
    obeys_limits: bool = True
    """Whether a request over the server's limit is repeated as late as it says."""

    def with_headers(self, **headers: str) -> Api:
        """Return the same caller with more headers; `_` in a name stands for `-`."""
        return replace(self, headers={**self.headers, **{key.replace("_", "-"): text for key, text in headers.items()}})

    def with_token(self, token: str) -> Api:
        """Return the caller whose token this is."""
        return self.with_headers(Authorization=f"Bearer {token}")

    def as_user(self, user_id: str | None = None) -> Api:
        """Return another user of the chat service, a new one by default."""
        return self.with_headers(x_user_id=user_id or unique("user"))

    def request(
        self,
        method: str,
        path: str,
        body: Body = NO_BODY,
        *,
        query: Mapping[str, Any] | str | None = None,
        headers: Mapping[str, str | None] | None = None,
        stream: bool = False,
    ) -> requests.Response:
        """Send one request, the path exactly as written; a header that is None is not sent."""
        sent: dict[str, str | None] = {"Unique-Reference-Code": unique("urc")} if self.numbered else {}
        sent |= self.headers
        data = None
        if body is not NO_BODY:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        sent |= headers or {}
        prepared = self.session.prepare_request(requests.Request(method, self.url, headers=sent, data=data))
        for name in [name for name, value in sent.items() if value is None]:
            prepared.headers.pop(name, None)
        prepared.url = self.url + path + _query_text(query)

        def send() -> requests.Response:
            return self.session.send(prepared, timeout=TIMEOUT, allow_redirects=False, stream=stream)

        response = retry_when_limited(send) if self.obeys_limits else send()
        self._remember(response, path)
        return response

    def get(self, path: str, **options: Any) -> requests.Response:
        """Send a `GET`, see `request`."""
        return self.request("GET", path, **options)

    def post(self, path: str, body: Body = NO_BODY, **options: Any) -> requests.Response:
        """Send a `POST`, see `request`."""
        return self.request("POST", path, body, **options)

    def put(self, path: str, body: Body = NO_BODY, **options: Any) -> requests.Response:
        """Send a `PUT`, see `request`."""
        return self.request("PUT", path, body, **options)

    def patch(self, path: str, body: Body = NO_BODY, **options: Any) -> requests.Response:
        """Send a `PATCH`, see `request`."""
        return self.request("PATCH", path, body, **options)

    def delete(self, path: str, **options: Any) -> requests.Response:
        """Send a `DELETE`, see `request`."""
        return self.request("DELETE", path, **options)

    def _remember(self, response: requests.Response, path: str) -> None:
        method = str(response.request.method)
        self.record.requests.append(RecordedRequest(method, urlsplit(response.url).path, response.status_code))
        folder = path.rstrip("/")
        if method == "POST" and response.status_code == 201 and folder in ("/users", "/chats"):
            body = response.json()
            self.record.created.append((self, f"{folder}/{body['id'] if folder == '/users' else body['data']['_id']}"))


def _query_text(query: Mapping[str, Any] | str | None) -> str:
    if not query:
        return ""
    return "?" + (query if isinstance(query, str) else urlencode(query))
