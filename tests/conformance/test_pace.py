"""How fast a run sends its requests."""

from __future__ import annotations

import pytest

from duologue.conformance.target.rate_limit import Pace, parse_rate


@pytest.mark.parametrize(("text", "per_second"), [("5/s", 5), ("300/m", 5), ("1800/h", 0.5)])
def test_rate(text: str, per_second: float) -> None:
    assert parse_rate(text) == per_second


@pytest.mark.parametrize("text", ["", "300", "0/m", "-5/s", "5/d", "5 /s", "1.5/s", "auto"])
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match="is not a rate"):
        parse_rate(text)


class Time:
    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_requests_are_spaced_out() -> None:
    time = Time()
    pace = Pace(lambda: time.now, time.sleep)
    pace.interval = 2.0

    for spent in (0.5, 3.0, 0.0, 0.0):
        pace.wait()
        time.now += spent

    assert time.slept == [0, 1.5, 0, 2]


def test_no_limit() -> None:
    time = Time()

    Pace(lambda: time.now, time.sleep).wait()

    assert time.slept == []
