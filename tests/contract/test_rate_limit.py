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


def test_requests_count_down_and_the_one_too_many_is_refused(serve: Serve) -> None:
    chat = serve(rate_limit=3).chat

    answers = [chat.get("/chats") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert [budget(answer) for answer in answers] == [(3, 2), (3, 1), (3, 0)]
    limited(chat.get("/chats"))
    limited(chat.get("/chats"))


def test_a_request_that_is_refused_counts_too(serve: Serve) -> None:
    chat = serve(rate_limit=3).chat

    for _ in range(3):
        refused(chat.post("/chats", {"title": ""}), 400)

    limited(chat.post("/chats", {"title": "Fine"}))


def test_each_user_of_the_chat_service_has_a_budget_of_its_own(serve: Serve) -> None:
    wire = serve(rate_limit=2, api_keys=("dev-api-key", "other-key"))
    one = wire.chat
    for _ in range(2):
        one.get("/chats")

    limited(one.get("/chats"))
    assert budget(one.as_user().get("/chats")) == (2, 1)
    assert budget(one.sending(x_api_key="other-key").get("/chats")) == (2, 1)


def test_each_user_of_the_platform_has_a_budget_of_its_own_whatever_the_token(serve: Serve) -> None:
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


def test_who_has_no_token_is_counted_by_address(serve: Serve) -> None:
    platform = serve(rate_limit=2).platform
    platform.get("/users")
    platform.sending(X_Forwarded_For="203.0.113.7", Forwarded="for=203.0.113.7").get("/users")

    limited(platform.sending(X_Forwarded_For="203.0.113.8").get("/users"))


def test_a_wrong_key_or_token_does_not_use_up_the_budget_of_its_owner(serve: Serve) -> None:
    chat = serve(rate_limit=2).chat

    for _ in range(3):
        chat.get("/chats", headers={"x-api-key": "wrong"})

    assert budget(chat.get("/chats")) == (2, 1)


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer guess"}, {"x-api-key": "guess"}], ids=["token", "key"])
def test_whoever_guesses_at_credentials_is_limited_too(serve: Serve, headers: dict[str, str]) -> None:
    wire = serve(rate_limit=3)
    api, path = (wire.chat, "/chats") if "x-api-key" in headers else (wire.platform, "/users")

    guesses = [api.get(path, headers=headers) for _ in range(4)]

    assert [budget(answer) for answer in guesses[:3]] == [(3, 2), (3, 1), (3, 0)]
    assert [answer.status_code for answer in guesses[:3]] == [401, 401, 401]
    limited(guesses[3])


@pytest.mark.skipif(bool(RUNNING), reason="needs a server without options, and a running one is tested")
def test_without_options_there_is_no_limit() -> None:
    with MockServer() as mock, closing(Wire(mock.base_url, mock.chat_base_url, mock.api_key)) as wire:
        for api, path in ((wire.platform, "/users"), (wire.chat, "/chats")):
            response = api.get(path)
            assert response.status_code == 200
            assert not [name for name in response.headers if name.lower().startswith("ratelimit-")]


def test_it_can_be_switched_off(serve: Serve) -> None:
    answer = serve(rate_limit=None).platform.get("/users")

    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.lower().startswith("ratelimit-")]


@pytest.mark.parametrize("status", [200, 204, 304, 404])
def test_answers_of_every_kind_tell_the_budget(serve: Serve, status: int) -> None:
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
def test_every_call_can_be_one_too_many(serve: Serve, operation: Operation[Any]) -> None:
    asked = ask(serve(rate_limit=8), operation)

    answers = [asked.send() for _ in range(9)]

    limited(answers[-1])


def test_a_refused_caller_changes_nothing(serve: Serve) -> None:
    chat = serve(rate_limit=3, api_keys=("dev-api-key", "other-key")).chat

    for number in range(5):
        chat.post("/chats", {"title": f"Session {number}"})

    assert len(data(chat.sending(x_api_key="other-key").get("/chats"))) == 3
