"""How many requests a caller may make in a minute, where the server limits them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
import requests

from duologue.conformance import sources
from duologue.conformance.limits.budget import Budget
from duologue.conformance.rules import rule
from duologue.conformance.target.caller import Api
from duologue.conformance.target.examples import PASSWORD, log_in
from duologue.conformance.target.responses import check_error
from duologue.conformance.target.server import Server

MOST = 600
"""A limit above this takes too many requests to be used up."""


@pytest.fixture
def limited(chat: Api) -> Api:
    """A new user of the chat service; no request is repeated."""
    return replace(chat, obeys_limits=False)


@rule(
    "rate-limit.every-response",
    "Each response of a server that limits requests says the limit, how many requests remain, and in how many seconds "
    "there are as many again: a 304 and an error too.",
    source=sources.RATE_LIMITS,
    stage=3,
    needs=["rate-limit"],
)
def test_headers(limited: Api) -> None:
    calls: dict[int, Callable[[], requests.Response]] = {
        200: lambda: limited.get("/chats"),
        304: lambda: limited.get("/chats", headers={"If-None-Match": "*"}),
        400: lambda: limited.get("/chats", query={"limit": "0"}),
        404: lambda: limited.get(f"/chats/{'0' * 24}"),
    }

    for status, call in calls.items():
        response = call()
        assert response.status_code == status
        Budget.read(response)


@rule(
    "rate-limit.remaining",
    "RateLimit-Remaining of a new caller starts below the limit and falls by one with each request.",
    source=sources.RATE_LIMITS,
    stage=3,
    needs=["rate-limit"],
)
def test_remaining_falls(limited: Api) -> None:
    budgets = [Budget.read(limited.get("/chats")) for _ in range(5)]

    assert budgets[0].remaining == budgets[0].limit - 1
    for before, after in pairwise(budgets):
        assert after.follows(before), f"{after} after {before}"


@rule(
    "rate-limit.reset",
    "RateLimit-Reset does not grow with further requests until the limit is renewed.",
    source=sources.RATE_LIMITS,
    stage=3,
    needs=["rate-limit"],
)
def test_reset_does_not_grow(limited: Api) -> None:
    budgets = [Budget.read(limited.get("/chats")) for _ in range(4)]

    for before, after in pairwise(budgets):
        assert after.reset <= before.reset or after.remaining == after.limit - 1, f"{after} after {before}"


@rule(
    "rate-limit.limit",
    "As many requests as the limit says are served, and the next one is refused with 429, whose Retry-After is the "
    "number of seconds until the limit is renewed.",
    source=sources.RATE_LIMITS,
    stage=3,
    needs=["rate-limit"],
)
def test_limit(limited: Api) -> None:
    responses = [limited.get("/chats")]
    first = Budget.read(responses[0])
    if first.limit > MOST:
        pytest.skip(f"A limit of {first.limit} requests takes too long to be used up.")
    while responses[-1].status_code == 200 and len(responses) <= 2 * first.limit:
        responses.append(limited.get("/chats"))
        if Budget.read(responses[-1]).follows(Budget.read(responses[-2])) and _is_full(responses[-1]):
            responses = responses[-1:]  # the minute is over: it starts again

    refused = responses.pop()
    assert len(responses) == first.limit, f"{len(responses)} requests are served, and the limit is {first.limit}"
    check_error(refused, 429)
    budget = Budget.read(refused)
    assert budget.remaining == 0
    assert refused.headers["Retry-After"] == str(budget.reset)
    assert budget.reset >= 1
    assert limited.as_user().get("/chats").status_code == 200


def _is_full(response: requests.Response) -> bool:
    budget = Budget.read(response)
    return budget.remaining == budget.limit - 1


@rule(
    "rate-limit.chat-callers",
    "Each user of the chat service has a limit of its own, whatever key they share.",
    source=sources.RATE_LIMITS,
    stage=3,
    needs=["rate-limit"],
)
def test_chat_users_are_counted_apart(limited: Api) -> None:
    for _ in range(3):
        limited.get("/chats")

    other = Budget.read(limited.as_user().get("/chats"))

    assert other.remaining == other.limit - 1


@rule(
    "rate-limit.logins",
    "All logins of a user of the platform share its limit, and each user has one of its own.",
    source=sources.RATE_LIMITS,
    stage=3,
    needs=["admin", "rate-limit"],
)
def test_logins_are_counted_together(server: Server) -> None:
    login, other = log_in(server), log_in(server)
    again = server.platform.post("/auth/login", {"email": login["user"]["email"], "password": PASSWORD}).json()
    one, same, another = (server.platform.with_token(each["token"]) for each in (login, again, other))

    budgets = [Budget.read(api.get("/auth/me")) for api in (one, same, one, same)]

    assert budgets[0].remaining == budgets[0].limit - 1
    for before, after in pairwise(budgets):
        assert after.follows(before), f"{after} after {before}"
    first = Budget.read(another.get("/auth/me"))
    assert first.remaining == first.limit - 1


@rule(
    "rate-limit.invalid-requests",
    "Requests that are refused as invalid count as well.",
    source=sources.RATE_LIMITS,
    stage=3,
    needs=["rate-limit"],
)
def test_invalid_requests_count(limited: Api) -> None:
    budgets = [Budget.read(limited.get("/chats"))]
    for _ in range(3):
        response = limited.post("/chats", {"title": ""})
        check_error(response, 400)
        budgets.append(Budget.read(response))

    for before, after in pairwise(budgets):
        assert after.follows(before), f"{after} after {before}"
