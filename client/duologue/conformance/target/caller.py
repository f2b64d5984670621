"""A caller of one service: bare `requests`, and a record of what it sends.

Nothing here uses our client, so a mistake that client and server share still shows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests

from duologue.conformance.target.checks import check_response
from duologue.conformance.target.rate_limit import retry_when_limited
from duologue.conformance.target.unique_names import is_unique, unique
from duologue.contract import Operation, operations

TIMEOUT = 10.0
"""Seconds after which a server that does not respond fails the test."""

Body = Any
"""A JSON value; `bytes` are sent as they are."""

NO_BODY = object()

_FOLDERS = ("/users", "/chats")
"""Where a `POST` creates what is deleted at the end of a test."""


@dataclass(frozen=True)
class RecordedRequest:
    """A request and its response."""

    method: str
    path: str
    response: requests.Response = field(repr=False)

    @property
    def status(self) -> int:
        """The status of the response."""
        return self.response.status_code


@dataclass
class Record:
    """The requests that a test has sent so far."""

    requests: list[RecordedRequest] = field(default_factory=list)
    created: list[tuple[Api, str]] = field(default_factory=list)
    """What it created by `POST`, to be deleted at its end: the caller, and the path."""
    unanswered: list[tuple[Api, str, Body]] = field(default_factory=list)
    """What it tried to create, but has no response: the caller, the folder, and the body."""
    generated: list[tuple[str, str, int]] = field(default_factory=list)
    """What Schemathesis has sent for it: method, path, and the status of the response."""
    events: list[str] = field(default_factory=list)
    """The names of the events that its listeners received."""
    left_over: list[str] = field(default_factory=list)
    """What it created and could not delete."""

    def responses(self) -> list[tuple[str, int]]:
        """Return the operations that were called, each with the status of its response, in order."""
        sent = [*((request.method, request.path, request.status) for request in self.requests), *self.generated]
        pairs = ((find_operation(method, path), status) for method, path, status in sent)
        return [(operation.id, status) for operation, status in pairs if operation]

    def statuses(self) -> set[tuple[str, int]]:
        """Return the operations that were called, each with the status of its response."""
        return set(self.responses())

    @contextmanager
    def await_creation(self, api: Api, method: str, path: str, body: Body) -> Iterator[None]:
        """Remember what a request creates for as long as it has no response: it may break off."""
        creation = (api, path.rstrip("/"), body)
        creates = method == "POST" and creation[1] in _FOLDERS
        if creates:
            self.unanswered.append(creation)
        yield
        if creates:
            self.unanswered.remove(creation)

    def clean_up(self) -> None:
        """Delete what the test created and did not delete; remember what cannot be."""
        for api, folder, body in self.unanswered:
            self.created += [(api, path) for path in _find_created(api, folder, body)]
        for api, path in reversed(self.created):
            try:
                status: object = replace(api, is_checked=False).delete(path).status_code
            except requests.RequestException as error:
                status = type(error).__name__
            if status not in (204, 404):
                self.left_over.append(f"{api.url}{path} ({status})")
        self.created.clear()
        self.unanswered.clear()


def _find_created(api: Api, folder: str, body: Body) -> list[str]:
    """Return the paths of what a `POST` without a response has created: its caller or its e-mail address is unique."""
    api = replace(api, is_checked=False)
    try:
        if folder == "/chats":
            sessions = api.get(folder).json()["data"] if is_unique(api.headers["x-user-id"]) else []
            return [f"{folder}/{session['_id']}" for session in sessions]
        users = api.get(folder, query={"search": body["email"]}).json()["users"]
        return [f"{folder}/{user['id']}" for user in users if user["email"] == body["email"]]
    except (requests.RequestException, ValueError, TypeError, KeyError):  # not a valid body, or no valid response
        return []


_ROUTES = [
    (operation.method, re.compile(re.sub(r"{\w+}", "[^/]+", operation.route) + "/?"), operation)
    for operation in operations()
]


def find_operation(method: str, path: str) -> Operation[Any] | None:
    """Return the operation that a request is for; None if the contract has none there."""
    return next((one for verb, route, one in _ROUTES if verb == method and route.fullmatch(path)), None)


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
    on_response: Callable[[requests.Response], None] | None = None
    """Is told of each response."""
    is_checked: bool = True
    """Whether each response is checked for the rules that hold for every one."""

    def with_headers(self, **headers: str) -> Api:
        """Return the same caller with more headers; `_` in a name stands for `-`."""
        return replace(self, headers={**self.headers, **{key.replace("_", "-"): text for key, text in headers.items()}})

    def with_token(self, token: str) -> Api:
        """Return the caller whose token this is."""
        return replace(self.with_headers(Authorization=f"Bearer {token}"), on_response=None)

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
        """Send one request, the path exactly as written; a header that is None is not sent.

        Raises:
            BrokenRuleError: the response breaks a rule that holds for every response.
        """
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

        with self.record.await_creation(self, method, path, body):
            response = retry_when_limited(send) if self.obeys_limits else send()
            if not stream:
                response.raw = None  # it refers to the pool, whose connections are open for as long as that is there
            self._remember(response, path)
        if self.is_checked:
            check_response(response, find_operation(method, urlsplit(response.url).path), streamed=stream)
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
        if self.on_response is not None:
            self.on_response(response)
        method = str(response.request.method)
        self.record.requests.append(RecordedRequest(method, urlsplit(response.url).path, response))
        folder = path.rstrip("/")
        if method == "POST" and response.status_code == 201 and folder in _FOLDERS:
            body = response.json()
            self.record.created.append((self, f"{folder}/{body['id'] if folder == '/users' else body['data']['_id']}"))


def _query_text(query: Mapping[str, Any] | str | None) -> str:
    if not query:
        return ""
    return "?" + (query if isinstance(query, str) else urlencode(query))
