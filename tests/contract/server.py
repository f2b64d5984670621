"""A server under test, called with bare `requests` and sockets, and what every response must look like.

Nothing here uses our client, so a mistake that client and server share still shows.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import socket
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import requests
from requests.structures import CaseInsensitiveDict

from duologue.contract import CHAT, PLATFORM, Operation, operations

TIMEOUT = 10.0
"""Seconds after which a server that does not respond fails the test."""

RUNNING = os.environ.get("DUOLOGUE_TEST_PLATFORM_URL")
"""The running server that is tested; None where the tests start their own."""

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
OBJECT_ID = re.compile(r"[0-9a-f]{24}")

CODES = {
    400: "VALIDATION_ERROR",
    401: "AUTHENTICATION_ERROR",
    403: "AUTHORIZATION_ERROR",
    404: "NOT_FOUND_ERROR",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT_ERROR",
    412: "PRECONDITION_FAILED",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    421: "MISDIRECTED_REQUEST",
    422: "IDEMPOTENCY_KEY_REUSED",
    429: "RATE_LIMIT_ERROR",
    500: "SERVER_ERROR",
    502: "SERVER_ERROR",
    503: "SERVER_ERROR",
    504: "SERVER_ERROR",
}
"""The codes of the contract, written again rather than imported."""

Body = Any
"""A JSON value; `bytes` are sent as they are."""

NO_BODY = object()


def covers(operation: Operation[Any], *statuses: int) -> pytest.MarkDecorator:
    """Mark a test to cover these statuses of an operation; it fails if no response has them."""
    return pytest.mark.covers(operation, *statuses)


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
        response = retry_when_limited(
            lambda: self.session.send(prepared, timeout=TIMEOUT, allow_redirects=False, stream=stream)
        )
        self._remember(response, path)
        return response

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, body: Body = NO_BODY, **options: Any) -> requests.Response:
        return self.request("POST", path, body, **options)

    def put(self, path: str, body: Body = NO_BODY, **options: Any) -> requests.Response:
        return self.request("PUT", path, body, **options)

    def patch(self, path: str, body: Body = NO_BODY, **options: Any) -> requests.Response:
        return self.request("PATCH", path, body, **options)

    def delete(self, path: str, **options: Any) -> requests.Response:
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


@dataclass(frozen=True)
class Server:
    """A server under test."""

    base_url: str
    chat_base_url: str
    api_key: str
    record: Record = field(default_factory=Record)
    session: requests.Session = field(default_factory=lambda: _session())

    @property
    def platform_origin(self) -> str:
        return get_origin(self.base_url)

    @property
    def chat_origin(self) -> str:
        return get_origin(self.chat_base_url)

    @property
    def platform(self) -> Api:
        """The platform, for an anonymous caller."""
        return Api(self.base_url, self.session, self.record)

    @property
    def chat(self) -> Api:
        """The chat service, for a new user."""
        headers = {"x-api-key": self.api_key}
        return Api(self.chat_base_url, self.session, self.record, headers, numbered=True).as_user()

    def get_api(self, operation: Operation[Any]) -> Api:
        """Return the service that has `operation`."""
        return self.chat if operation.service is CHAT else self.platform

    def get_service(self, name: str) -> Api:
        """Return the service with a name."""
        return self.chat if name == CHAT.name else self.platform

    def at_origin(self, service: str) -> Api:
        """Return a caller that sends nothing of its own, for paths from the root of a service's origin."""
        origin = self.platform_origin if service == PLATFORM.name else self.chat_origin
        return Api(origin, self.session, self.record)

    def close(self) -> None:
        """Delete what was created and close the connections."""
        try:
            self.record.clean_up()
        finally:
            self.session.close()


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


def get_origin(url: str) -> str:
    """Return scheme, host and port of `url`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def unique(word: str) -> str:
    """Return a name that nothing else has."""
    return f"{word}-{uuid.uuid4().hex[:16]}"


def build_user(**fields: Any) -> dict[str, Any]:
    """Return the body of a `POST /users` that no other test sends."""
    name = unique("Ada")
    return {"name": name, "email": f"{name}@example.com".lower(), **fields}


def get_code(status: int) -> str | None:
    """Return the code of a status; of one that has none of its own, the Platform API specification's."""
    default = "SERVER_ERROR" if status >= 500 else None
    return CODES.get(status, default)


def check_error(response: requests.Response, status: int, *naming: str) -> dict[str, Any]:
    """Check that `response` is the common error body for `status` and names each text; return the body."""
    assert response.status_code == status, f"{response.status_code} {response.text[:500]}"
    assert response.headers["Content-Type"].split(";")[0] == "application/json"
    body: dict[str, Any] = response.json()
    check_error_body(body, status)
    assert body["metadata"]["requestId"] == response.headers["X-Request-Id"]
    for text in naming:
        assert text in body["details"]["message"], body
    return body


def check_error_body(body: dict[str, Any], status: int) -> None:
    """Check that `body` is the one body every error has."""
    assert set(body) == {"message", "code", "details", "errors", "metadata"}
    assert isinstance(body["message"], str)
    assert body["message"]
    assert body["code"] == get_code(status) or get_code(status) is None
    assert set(body["details"]) == {"message", "fields"}
    assert isinstance(body["details"]["message"], str)
    assert body["details"]["message"]
    for name, complaints in body["details"]["fields"].items():
        assert complaints
        assert all(f"{name}: {complaint}" in body["errors"] for complaint in complaints)
    assert body["errors"]
    assert all(isinstance(error, str) for error in body["errors"])
    check_metadata(body["metadata"])
    assert "Traceback" not in json.dumps(body)


def check_metadata(metadata: dict[str, Any]) -> None:
    """Check `metadata` of an envelope or of an error."""
    assert set(metadata) == {"timestamp", "requestId", "version"}
    assert TIMESTAMP.fullmatch(metadata["timestamp"])
    assert metadata["requestId"]
    assert metadata["version"]


def read_data(response: requests.Response, status: int = 200) -> Any:
    """Check that `response` is the chat service's envelope of a success; return its data."""
    assert response.status_code == status, f"{response.status_code} {response.text[:500]}"
    body = response.json()
    assert set(body) - {"pagination"} == {"data", "message", "metadata"}
    assert isinstance(body["message"], str)
    assert body["message"]
    check_metadata(body["metadata"])
    assert body["metadata"]["requestId"] == response.headers["X-Request-Id"]
    return body["data"]


@contextlib.contextmanager
def open_connection(origin: str, timeout: float = TIMEOUT) -> Iterator[socket.socket]:
    """A bare TCP connection to `origin`."""
    parts = urlsplit(origin)
    with socket.create_connection((str(parts.hostname), parts.port or 80), timeout) as connection:
        yield connection


def has_ipv6() -> bool:
    """Return whether this machine has an IPv6 loopback."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def send_raw(origin: str, text: str | bytes) -> requests.Response:
    """Send these very bytes as one request on a connection of its own and return the response.

    Line ends may be written `\\n`; `{host}` stands for the server's host and port.
    """
    if isinstance(text, str):
        text = text.replace("{host}", urlsplit(origin).netloc).replace("\n", "\r\n").encode()
    sent = text
    return retry_when_limited(lambda: _say(origin, sent))


def _say(origin: str, text: bytes) -> requests.Response:
    with open_connection(origin) as connection:
        connection.sendall(text)
        return read_response(connection)


def retry_when_limited(ask: Callable[[], requests.Response]) -> requests.Response:
    """Return the response to a request; where a running server limits requests, repeat it as late as it says."""
    for _ in range(5):
        response = ask()
        if response.status_code != 429 or not RUNNING:
            break
        time.sleep(float(response.headers.get("Retry-After", 1)))
    return response


def read_response(connection: socket.socket, method: str = "GET") -> requests.Response:
    """Read one response off a bare connection."""
    raw = http.client.HTTPResponse(connection, method=method)
    try:
        raw.begin()
        response = requests.Response()
        response.status_code = raw.status
        response.headers = CaseInsensitiveDict(raw.getheaders())
        response._content = raw.read()
        return response
    finally:
        raw.close()


def is_closed(connection: socket.socket) -> bool:
    """Return whether the other side closes the connection within the timeout; what it still sends is dropped."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True
