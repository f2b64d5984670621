"""Health, and errors on request."""

from __future__ import annotations

import pytest

from duologue import __version__
from duologue.contract.health import ErrorQuery
from duologue_mock import health
from duologue_mock.errors import HTTPError
from duologue_mock.store import State
from tests.mockserver.clocks import START, ManualClock


def test_both_services_are_up_since_they_started(state: State, clock: ManualClock) -> None:
    clock.advance(12.5)
    for answer in (health.platform(state), health.chat(state)):
        assert (answer.status, answer.version, answer.uptime) == ("ok", __version__, 12.5)
        assert answer.timestamp == clock.now() != START


def test_a_clock_that_went_backwards_makes_no_negative_uptime(state: State, clock: ManualClock) -> None:
    clock.advance(-5)
    assert health.platform(state).uptime == 0


@pytest.mark.parametrize(("status", "phrase"), [(400, "Bad request"), (418, "I'm a teapot"), (599, "Server error")])
def test_an_error_is_the_one_asked_for(status: int, phrase: str) -> None:
    with pytest.raises(HTTPError) as caught:
        health.error(ErrorQuery(status))
    assert (caught.value.status, caught.value.message) == (status, phrase)


def test_every_status_of_the_contract_can_be_asked_for() -> None:
    for status in range(400, 600):
        with pytest.raises(HTTPError) as caught:
            health.error(ErrorQuery(status))
        assert caught.value.status == status
        assert caught.value.message
        assert caught.value.code
