"""How many requests one caller may make in a minute."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
import requests

from duologue.conformance.target.caller import Api
from duologue.conformance.target.examples import each, prepare_request
from duologue.conformance.target.responses import check_error, read_data
from duologue.conformance.target.server import Server
from duologue.contract import Operation
from duologue_mock import MockServer

Serve = Callable[..., Server]


def budget(response: requests.Response) -> tuple[int, int]:
    """Return limit and remaining; check that the limit is renewed within a minute."""
    assert 0 <= int(response.headers["RateLimit-Reset"]) <= 60
    return int(response.headers["RateLimit-Limit"]), int(response.headers["RateLimit-Remaining"])


def check_limited(response: requests.Response) -> None:
    """Check that a response is a 429 with a `Retry-After`."""
    check_error(response, 429)
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    assert budget(response)[1] == 0


def test_limit(serve: Serve) -> None:
    chat = serve(rate_limit=3).chat

    responses = [chat.get("/chats") for _ in range(3)]

    assert [response.status_code for response in responses] == [200, 200, 200]
    assert [budget(response) for response in responses] == [(3, 2), (3, 1), (3, 0)]
    check_limited(chat.get("/chats"))
    check_limited(chat.get("/chats"))


def test_refused_requests_count(serve: Serve) -> None:
    chat = serve(rate_limit=3).chat

    for _ in range(3):
        check_error(chat.post("/chats", {"title": ""}), 400)

    check_limited(chat.post("/chats", {"title": "Fine"}))


def test_budget_of_chat_user(serve: Serve) -> None:
    server = serve(rate_limit=2, api_keys=("dev-api-key", "other-key"))
    one = server.chat
    for _ in range(2):
        one.get("/chats")

    check_limited(one.get("/chats"))
    assert budget(one.as_user().get("/chats")) == (2, 1)
    assert budget(one.with_headers(x_api_key="other-key").get("/chats")) == (2, 1)


def test_budget_of_platform_user(serve: Serve) -> None:
    platform = serve(rate_limit=4).platform
    login = {"email": "john@example.com", "password": "password"}
    one, same = (platform.with_token(platform.post("/auth/login", login).json()["token"]) for _ in range(2))
    other = platform.with_token(
        platform.post("/auth/login", {"email": "jane@example.com", "password": "password"}).json()["token"]
    )
    for _ in range(2):
        one.get("/users")
        same.get("/users")

    check_limited(one.get("/users"))
    check_limited(same.get("/users"))
    assert budget(other.get("/users")) == (4, 3)
    assert platform.get("/users").status_code == 200
    check_limited(platform.get("/users"))


def test_budget_of_address(serve: Serve) -> None:
    platform = serve(rate_limit=2).platform
    platform.get("/users")
    platform.with_headers(X_Forwarded_For="203.0.113.7", Forwarded="for=203.0.113.7").get("/users")

    check_limited(platform.with_headers(X_Forwarded_For="203.0.113.8").get("/users"))


def test_budget_after_bad_credentials(serve: Serve) -> None:
    chat = serve(rate_limit=2).chat

    for _ in range(3):
        chat.get("/chats", headers={"x-api-key": "wrong"})

    assert budget(chat.get("/chats")) == (2, 1)


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer guess"}, {"x-api-key": "guess"}], ids=["token", "key"])
def test_guessing_is_limited(serve: Serve, headers: dict[str, str]) -> None:
    server = serve(rate_limit=3)
    api, path = (server.chat, "/chats") if "x-api-key" in headers else (server.platform, "/users")

    guesses = [api.get(path, headers=headers) for _ in range(4)]

    assert [budget(response) for response in guesses[:3]] == [(3, 2), (3, 1), (3, 0)]
    assert [response.status_code for response in guesses[:3]] == [401, 401, 401]
    check_limited(guesses[3])


def test_default_is_off() -> None:
    with MockServer() as mock, closing(Server(mock.base_url, mock.chat_base_url, mock.api_key)) as server:
        for api, path in ((server.platform, "/users"), (server.chat, "/chats")):
            response = api.get(path)
            assert response.status_code == 200
            assert not [name for name in response.headers if name.lower().startswith("ratelimit-")]


def test_off(serve: Serve) -> None:
    response = serve(rate_limit=None).platform.get("/users")

    assert response.status_code == 200
    assert not [name for name in response.headers if name.lower().startswith("ratelimit-")]


@pytest.mark.parametrize("status", [200, 204, 304, 404])
def test_headers_everywhere(serve: Serve, status: int) -> None:
    server = serve(rate_limit=100)
    calls: dict[int, Callable[[Api], requests.Response]] = {
        200: lambda api: api.get("/users/1"),
        204: lambda api: api.delete("/users/2"),
        304: lambda api: api.get("/users/1", headers={"If-None-Match": "*"}),
        404: lambda api: api.get("/users/unknown"),
    }

    response = calls[status](server.platform)

    assert response.status_code == status
    assert budget(response)[0] == 100


@each(statuses=[429])
def test_limit_everywhere(serve: Serve, operation: Operation[Any]) -> None:
    request = prepare_request(serve(rate_limit=8), operation)

    responses = [request.send() for _ in range(9)]

    check_limited(responses[-1])


def test_refused_change(serve: Serve) -> None:
    chat = serve(rate_limit=3, api_keys=("dev-api-key", "other-key")).chat

    for number in range(5):
        chat.post("/chats", {"title": f"Session {number}"})

    assert len(read_data(chat.with_headers(x_api_key="other-key").get("/chats"))) == 3
