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
from duologue.conformance.target.responses import check_error

MOST = 600
"""A limit above this takes too many requests to be used up."""


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
