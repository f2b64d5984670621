"""How many requests a caller may send, where the server limits them; each rule has a caller with a full budget."""

from __future__ import annotations

from dataclasses import replace

import pytest

from duologue.conformance import sources
from duologue.conformance.limits.budget import Budget
from duologue.conformance.rules import rule
from duologue.conformance.target.caller import Api
from duologue.conformance.target.examples import PASSWORD, log_in
from duologue.conformance.target.facts import Facts
from duologue.conformance.target.responses import read_data
from duologue.conformance.target.server import Server


@pytest.fixture
def caller(chat: Api) -> Api:
    """A new user of the chat service, who does not wait."""
    return replace(chat, obeys_limits=False)


@rule(
    "rate-limit.counted",
    "Each request of a caller leaves one request less, whether it succeeds or is refused.",
    source=sources.RATE_LIMITS,
    stage=3,
    needs=["rate-limit"],
)
def test_requests_count(caller: Api, facts: Facts) -> None:
    responses = [caller.get("/chats"), caller.post("/chats", {"title": ""}), caller.get("/chats/unknown")]

    assert [response.status_code for response in responses] == [200, 400, 404]
    budgets = [Budget.read(response) for response in responses]
    limit = facts.rate_limit or 0
    assert [(budget.limit, budget.remaining) for budget in budgets] == [(limit, limit - count) for count in (1, 2, 3)]


@rule(
    "rate-limit.every-response",
    "Responses with every kind of status say how many requests are left, those without a body too.",
    source=sources.RATE_LIMITS,
    stage=3,
    needs=["rate-limit"],
)
def test_headers_everywhere(caller: Api, facts: Facts) -> None:
    path = f"/chats/{read_data(caller.post('/chats', {'title': 'Limited'}), 201)['_id']}"
    responses = [
        caller.get(path, headers={"If-None-Match": "*"}),
        caller.request("HEAD", path),
        caller.patch(path, {"title": "x"}, headers={"If-Match": '"old"'}),
        caller.delete(path),
    ]

    assert [response.status_code for response in responses] == [304, 200, 412, 204]
    assert {Budget.read(response).limit for response in responses} == {facts.rate_limit}


@rule(
    "rate-limit.chat-users",
    "Users of the chat service have budgets of their own.",
    source=sources.RATE_LIMITS,
    stage=3,
    needs=["rate-limit"],
)
def test_budget_of_chat_user(caller: Api) -> None:
    before = Budget.read(caller.get("/chats"))
    Budget.read(caller.as_user().get("/chats"))

    after = Budget.read(caller.get("/chats"))
    assert (after.limit, after.remaining) == (before.limit, before.remaining - 1)


@rule(
    "rate-limit.platform-users",
    "Users of the platform have budgets of their own, each one for all of its logins.",
    source=sources.RATE_LIMITS,
    stage=3,
    needs=["admin", "rate-limit"],
)
def test_budget_of_platform_user(server: Server) -> None:
    login, stranger = log_in(server), log_in(server)
    again = server.platform.post("/auth/login", {"email": login["user"]["email"], "password": PASSWORD}).json()
    one, same, other = (server.platform.with_token(each["token"]) for each in (login, again, stranger))
    first = Budget.read(one.get("/auth/me"))

    budgets = [Budget.read(caller.get("/auth/me")) for caller in (other, same, one)]
    assert [budget.limit for budget in budgets] == [first.limit] * 3
    assert [budget.remaining for budget in budgets] == [first.remaining - count for count in (0, 1, 2)]
