"""A server that others use at the same time is judged by what it does with the run's own requests."""

from __future__ import annotations

import itertools

import pytest

from duologue.conformance.running.result import Verdict
from duologue.conformance.running.runner import RunOptions, check
from duologue.conformance.running.selection import Selection
from duologue.contract.users import UserCreate
from duologue_mock import MockServer, users
from tests.conformance.test_needs import find_target

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("only", ["conditional", "users"])
def test_others_create_users(only: str) -> None:
    """After two of seven requests, so that it is between any two of some rule's."""
    requests = itertools.count()

    def create_user(*_: object) -> None:
        number = next(requests)
        if number % 7 < 2:
            with mock.state as state:
                users.create(state, UserCreate(name="Other", email=f"other-{number}@example.org"))

    mock = MockServer(rate_limit=None, request_hooks=[create_user])
    with mock:
        result = check(find_target(mock), RunOptions(selection=Selection(only=(only,)), seed=1))

    assert [failure.rule + failure.message for failure in result.failures] == []
    assert result.verdict is Verdict.KEPT
    assert next(requests) > 100
