"""How many requests one caller may make in a minute."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
import requests

from duologue.contract import Operation
from duologue_mock import MockServer
from tests.contract.examples import ask, each
from tests.contract.wire import RUNNING, Api, Wire, data, refused

Serve = Callable[..., Wire]


def budget(answer: requests.Response) -> tuple[int, int]:
    """Return limit and remaining; check that the limit is renewed within a minute."""
    assert 0 <= int(answer.headers["RateLimit-Reset"]) <= 60
    return int(answer.headers["RateLimit-Limit"]), int(answer.headers["RateLimit-Remaining"])


def limited(answer: requests.Response) -> None:
    """Check that `answer` refuses a caller who made too many requests, and says when to come back."""
    refused(answer, 429)
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert budget(answer)[1] == 0


def test_limit(serve: Serve) -> None:
    chat = serve(rate_limit=3).chat

    answers = [chat.get("/chats") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert [budget(answer) for answer in answers] == [(3, 2), (3, 1), (3, 0)]
    limited(chat.get("/chats"))
    limited(chat.get("/chats"))


def test_refused_requests_count(serve: Serve) -> None:
    chat = serve(rate_limit=3).chat

    for _ in range(3):
        refused(chat.post("/chats", {"title": ""}), 400)

    limited(chat.post("/chats", {"title": "Fine"}))


def test_budget_of_chat_user(serve: Serve) -> None:
    wire = serve(rate_limit=2, api_keys=("dev-api-key", "other-key"))
    one = wire.chat
    for _ in range(2):
        one.get("/chats")

    limited(one.get("/chats"))
    assert budget(one.as_user().get("/chats")) == (2, 1)
    assert budget(one.sending(x_api_key="other-key").get("/chats")) == (2, 1)


def test_budget_of_platform_user(serve: Serve) -> None:
    platform = serve(rate_limit=4).platform
    login = {"email": "john@example.com", "password": "password"}
    one, same = (platform.bearing(platform.post("/auth/login", login).json()["token"]) for _ in range(2))
    other = platform.bearing(
        platform.post("/auth/login", {"email": "jane@example.com", "password": "password"}).json()["token"]
    )
    for _ in range(2):
        one.get("/users")
        same.get("/users")

    limited(one.get("/users"))
    limited(same.get("/users"))
    assert budget(other.get("/users")) == (4, 3)
    assert platform.get("/users").status_code == 200
    limited(platform.get("/users"))


def test_budget_of_address(serve: Serve) -> None:
    platform = serve(rate_limit=2).platform
    platform.get("/users")
    platform.sending(X_Forwarded_For="203.0.113.7", Forwarded="for=203.0.113.7").get("/users")

    limited(platform.sending(X_Forwarded_For="203.0.113.8").get("/users"))


def test_budget_after_bad_credentials(serve: Serve) -> None:
    chat = serve(rate_limit=2).chat

    for _ in range(3):
        chat.get("/chats", headers={"x-api-key": "wrong"})

    assert budget(chat.get("/chats")) == (2, 1)


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer guess"}, {"x-api-key": "guess"}], ids=["token", "key"])
def test_guessing_is_limited(serve: Serve, headers: dict[str, str]) -> None:
    wire = serve(rate_limit=3)
    api, path = (wire.chat, "/chats") if "x-api-key" in headers else (wire.platform, "/users")

    guesses = [api.get(path, headers=headers) for _ in range(4)]

    assert [budget(answer) for answer in guesses[:3]] == [(3, 2), (3, 1), (3, 0)]
    assert [answer.status_code for answer in guesses[:3]] == [401, 401, 401]
    limited(guesses[3])


@pytest.mark.skipif(bool(RUNNING), reason="needs a server without options, and a running one is tested")
def test_default_limit() -> None:
    with MockServer() as mock, closing(Wire(mock.base_url, mock.chat_base_url, mock.api_key)) as wire:
        for api, path in ((wire.platform, "/users"), (wire.chat, "/chats")):
            assert budget(api.get(path)) == (600, 599)


def test_off(serve: Serve) -> None:
    answer = serve(rate_limit=None).platform.get("/users")

    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.lower().startswith("ratelimit-")]


@pytest.mark.parametrize("status", [200, 204, 304, 404])
def test_headers_everywhere(serve: Serve, status: int) -> None:
    wire = serve(rate_limit=100)
    asked: dict[int, Callable[[Api], requests.Response]] = {
        200: lambda api: api.get("/users/1"),
        204: lambda api: api.delete("/users/2"),
        304: lambda api: api.get("/users/1", headers={"If-None-Match": "*"}),
        404: lambda api: api.get("/users/nobody"),
    }

    answer = asked[status](wire.platform)

    assert answer.status_code == status
    assert budget(answer)[0] == 100


@each(answering=[429])
def test_limit_everywhere(serve: Serve, operation: Operation[Any]) -> None:
    asked = ask(serve(rate_limit=8), operation)

    answers = [asked.send() for _ in range(9)]

    limited(answers[-1])


def test_refused_change(serve: Serve) -> None:
    chat = serve(rate_limit=3, api_keys=("dev-api-key", "other-key")).chat

    for number in range(5):
        chat.post("/chats", {"title": f"Session {number}"})

    assert len(data(chat.sending(x_api_key="other-key").get("/chats"))) == 3
