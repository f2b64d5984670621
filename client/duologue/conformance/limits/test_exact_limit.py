"""The limit is exactly what the headers say, and its minute only comes nearer."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import requests

from duologue.conformance import sources
from duologue.conformance.limits.budget import Budget
from duologue.conformance.rules import rule
from duologue.conformance.target.caller import Api
from duologue.conformance.target.responses import check_error, read_data

ATTEMPTS = 3
"""How often a limit is used up, in case that its minute ends meanwhile."""


@pytest.fixture
def limited(chat: Api) -> Api:
    """A new user of the chat service; no request is repeated."""
    return replace(chat, obeys_limits=False)


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
    "As many requests as the limit says are served. The next ones, reads and changes, are refused with 429, and say in "
    "Retry-After in how many seconds the limit is renewed.",
    source=sources.RATE_LIMITS,
    stage=3,
    needs=["low-limit"],
)
def test_limit(limited: Api) -> None:
    [first, *others], change = _use_up(limited)

    limit = Budget.read(first).limit
    assert len(others) == limit, f"{len(others)} requests are served, and the limit is {limit}"
    for response in (others[-1], change):
        assert check_error(response, 429)["code"] == "RATE_LIMIT_ERROR"
        budget = Budget.read(response)
        assert (budget.limit, budget.remaining) == (limit, 0)
        assert response.headers["Retry-After"] == str(budget.reset)
        assert budget.reset >= 1
    assert limited.as_user().get("/chats").status_code == 200


@rule(
    "rate-limit.exceeded",
    "A change that is refused over the limit has no effect.",
    source=sources.RATE_LIMITS,
    stage=3,
    needs=["low-limit"],
)
def test_refused_change(limited: Api) -> None:
    _, change = _use_up(limited)

    check_error(change, 429)
    assert read_data(replace(limited, obeys_limits=True).get("/chats")) == []


def _use_up(limited: Api) -> tuple[list[requests.Response], requests.Response]:
    """Send reads until one is refused, and then a change.

    Returns:
        the responses to the reads of the last minute, and the one to the change.
    """
    for _ in range(ATTEMPTS):
        responses = _read_until_refused(limited)
        change = limited.post("/chats", {"title": "Over the limit"})
        if change.status_code != 201:
            break
        limited.delete(f"/chats/{read_data(change, 201)['_id']}")  # the minute may have ended between the two
    return responses, change


def _read_until_refused(limited: Api) -> list[requests.Response]:
    """Return the responses of the last minute; the last one is the refusal, or one of twice as many as there may be."""
    responses = [limited.get("/chats")]
    for _ in range(2 * Budget.read(responses[0]).limit):
        if responses[-1].status_code != 200:
            break
        responses.append(limited.get("/chats"))
        if Budget.read(responses[-1]).follows(Budget.read(responses[-2])) and _is_full(responses[-1]):
            responses = responses[-1:]  # the minute is over: it starts again
    return responses


def _is_full(response: requests.Response) -> bool:
    budget = Budget.read(response)
    return budget.remaining == budget.limit - 1
