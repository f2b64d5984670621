"""What reports show of requests and responses."""

from __future__ import annotations

import json
import shlex
import subprocess
from typing import Any

import pytest
import requests

from duologue.conformance.running.exchanges import MAX_BODY, build_exchange
from duologue.conformance.target.caller import find_operation

URL = "http://localhost:3001/api"


def respond(method: str, path: str, *, text: str = "{}", **request: Any) -> requests.Response:
    response = requests.Response()
    response.request = requests.Session().prepare_request(requests.Request(method, URL + path, **request))
    response.status_code = 200
    response.headers.update({"X-Request-Id": "req-1", "Set-Cookie": "session=abcdef"})
    response._content = text.encode("utf-8", "surrogatepass")
    return response


def test_exchange() -> None:
    exchange = build_exchange(respond("GET", "/users?limit=1", text='{"total": 3}'))

    assert (exchange.operation, exchange.status, exchange.request_id) == ("users.LIST", 200, "req-1")
    assert exchange.body == '{"total": 3}'
    assert exchange.curl == f"curl --include '{URL}/users?limit=1' --header 'Accept: */*'"


def test_curl_sends_the_same() -> None:
    """A shell that has the secrets as variables sends what was sent."""
    body = {"name": "O'Brien \u2028 $HOME `x` \"\\", "password": "open sesame", "items": [{"refreshToken": "t"}]}
    headers = {"x-api-key": "dev-api-key", "Authorization": "Bearer abc.def", "X-Name": "it's", "X-Empty": ""}

    curl = build_exchange(respond("POST", "/users", json=body, headers=headers)).curl

    assert not [secret for secret in ("sesame", "dev-api-key", "abc.def") if secret in curl]
    words = run_shell(curl, API_KEY="dev-api-key", TOKEN="abc.def", PASSWORD="open sesame", REFRESH_TOKEN="t")
    assert {"x-api-key: dev-api-key", "Authorization: Bearer abc.def", "X-Name: it's", "X-Empty;"} <= {*words}
    assert json.loads(words[words.index("--data-binary") + 1]) == body
    assert "--request" not in words


def run_shell(curl: str, **variables: str) -> list[str]:
    """The words that a shell passes to curl."""
    script = f'curl() {{ for word; do printf "%s\\0" "$word"; done; }}; {curl}'
    done = subprocess.run(["sh", "-c", script], env=variables, capture_output=True, text=True, check=True)
    return done.stdout.split("\0")[:-1]


@pytest.mark.parametrize("method", ["DELETE", "PUT", "HEAD"])
def test_curl_names_other_methods(method: str) -> None:
    assert f"--request {method}" in build_exchange(respond(method, "/users/1")).curl


@pytest.mark.parametrize("body", [b"\xff not JSON '", b'{"password": "open sesame"'])
def test_body_that_is_not_json(body: bytes) -> None:
    curl = build_exchange(respond("POST", "/users", data=body)).curl

    assert "--data-binary" in shlex.split(curl)
    assert "sesame" not in curl


def test_secrets_in_responses_are_masked() -> None:
    exchange = build_exchange(respond("POST", "/auth/login", text='{"token": "eyJhbGciOi.x.y", "user": {"id": "1"}}'))

    assert json.loads(exchange.body) == {"token": "***", "user": {"id": "1"}}
    assert exchange.headers["Set-Cookie"] == "***"


def test_long_response_is_cut() -> None:
    assert build_exchange(respond("GET", "/users", text="x" * 9_000)).body == "x" * MAX_BODY + "…"


def test_open_stream_is_not_read() -> None:
    response = respond("GET", "/users")
    vars(response)["_content"] = False

    assert build_exchange(response).body == ""


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("GET", "/api/users/7", "users.GET"),
        ("GET", "/api/users/7/", "users.GET"),
        ("POST", "/chats-service/api/v1/chats/7/smart-chat", "smart_chat.ASK"),
        ("PATCH", "/api/users/7", None),
        ("GET", "/api/unknown", None),
    ],
)
def test_find_operation(method: str, path: str, operation: str | None) -> None:
    found = find_operation(method, path)
    assert (found.id if found else None) == operation
