"""Health, and errors on request."""

from __future__ import annotations

import pytest

from duologue import __version__
from duologue.contract.health import ErrorQuery
from duologue_mock import health
from duologue_mock.errors import HTTPError
from duologue_mock.store import State
from tests.mockserver.clocks import START, ManualClock


def test_health(state: State, clock: ManualClock) -> None:
    clock.advance(12.5)
    for response in (health.platform(state), health.chat(state)):
        assert (response.status, response.version, response.uptime) == ("ok", __version__, 12.5)
        assert response.timestamp == clock.now() != START


def test_clock_goes_backwards(state: State, clock: ManualClock) -> None:
    clock.advance(-5)
    assert health.platform(state).uptime == 0


@pytest.mark.parametrize(("status", "phrase"), [(400, "Bad request"), (418, "I'm a teapot"), (599, "Server error")])
def test_error(status: int, phrase: str) -> None:
    with pytest.raises(HTTPError) as caught:
        health.error(ErrorQuery(status))
    assert (caught.value.status, caught.value.message) == (status, phrase)


def test_error_statuses() -> None:
    for status in range(400, 600):
        with pytest.raises(HTTPError) as caught:
            health.error(ErrorQuery(status))
        assert caught.value.status == status
        assert caught.value.message
        assert caught.value.code
