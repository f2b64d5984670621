"""A clock that is set, stopped and advanced."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.contract.fields import format_timestamp
from duologue_mock.store import State
from duologue_mock.store.clock import MockClock, SystemClock
from tests.mockserver.clocks import START, ManualClock

DAY = 24 * 3600 * 1000
YEAR_1 = datetime(1, 1, 1, tzinfo=UTC)
YEAR_9999 = datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)


@pytest.fixture
def machine() -> ManualClock:
    return ManualClock()


@pytest.fixture
def clock(machine: ManualClock) -> MockClock:
    return MockClock(machine)


def test_untouched_clock(clock: MockClock, machine: ManualClock) -> None:
    machine.advance(0.1234567)
    assert (clock.now(), clock.seconds()) == (machine.now(), machine.seconds())
    assert (clock.is_frozen, clock.offset) == (False, 0)


def test_state_wraps_clock(machine: ManualClock, clock: MockClock) -> None:
    assert State(clock=machine).clock.base is machine
    assert State(clock=clock).clock is clock
    assert isinstance(State().clock.base, SystemClock)


def test_advance(clock: MockClock, machine: ManualClock) -> None:
    clock.advance(DAY)
    machine.advance(5)
    assert clock.now() == START + timedelta(days=1, seconds=5)
    assert clock.seconds() == clock.now().timestamp()


def test_set_runs_on(clock: MockClock, machine: ManualClock) -> None:
    clock.set(datetime(2030, 1, 1, 0, 0, 0, 123_456, UTC))
    assert format_timestamp(clock.now()) == "2030-01-01T00:00:00.123Z"
    machine.advance(1)
    assert format_timestamp(clock.now()) == "2030-01-01T00:00:01.123Z"


def test_set_takes_any_time_zone(clock: MockClock) -> None:
    clock.set(datetime.fromisoformat("2030-01-01T02:00:00+02:00"))
    assert clock.now() == datetime(2030, 1, 1, tzinfo=UTC)
    assert clock.now().tzinfo is UTC


def test_frozen_clock(clock: MockClock, machine: ManualClock) -> None:
    clock.freeze()
    machine.advance(60)
    assert (clock.now(), clock.seconds(), clock.is_frozen) == (START, START.timestamp(), True)
    clock.advance(1500)
    assert clock.now() == START + timedelta(seconds=1.5)
    clock.set(START)
    assert (clock.now(), clock.is_frozen) == (START, True)
    clock.freeze()
    assert clock.now() == START


def test_unfrozen_clock_runs_on(clock: MockClock, machine: ManualClock) -> None:
    clock.freeze()
    machine.advance(60)
    clock.unfreeze()
    machine.advance(2)
    assert (clock.now(), clock.is_frozen) == (START + timedelta(seconds=2), False)
    clock.unfreeze()
    assert clock.now() == START + timedelta(seconds=2)


def test_reset_returns_to_machine(clock: MockClock, machine: ManualClock) -> None:
    clock.advance(DAY)
    clock.freeze()
    machine.advance(1)
    clock.reset()
    assert (clock.now(), clock.is_frozen) == (machine.now(), False)


@pytest.mark.parametrize("digits", [0, 8, 5000])
def test_advance_backwards(clock: MockClock, digits: int) -> None:
    with pytest.raises(ValueError, match=r"not by .*; set it instead"):
        clock.advance(-(10**digits))
    assert clock.now() == START


@pytest.mark.parametrize("digits", [15, 19, 25, 400, 5000])
@pytest.mark.parametrize("frozen", [False, True])
def test_advance_beyond_years(clock: MockClock, digits: int, frozen: bool) -> None:
    if frozen:
        clock.freeze()
    with pytest.raises(ValueError, match="after the year 9999"):
        clock.advance(10**digits)
    assert clock.now() == START


@pytest.mark.parametrize("moment", [YEAR_1, YEAR_9999], ids=["first", "last"])
@pytest.mark.parametrize("frozen", [False, True])
def test_first_and_last_moment(clock: MockClock, machine: ManualClock, moment: datetime, frozen: bool) -> None:
    if frozen:
        clock.freeze()
    clock.set(moment)
    assert clock.now() == moment
    assert clock.seconds() == pytest.approx(moment.timestamp(), abs=0.01)
    machine.advance(3600)
    assert moment <= clock.now() <= YEAR_9999
    assert len(format_timestamp(clock.now())) == 24


def test_captured_setting(clock: MockClock, machine: ManualClock) -> None:
    captures = [clock.capture()]
    clock.advance(DAY)
    captures.append(clock.capture())
    clock.freeze()
    captures.append(clock.capture())
    machine.advance(10)
    clock.reset()
    restored = []
    for capture in captures:
        clock.restore(capture)
        restored.append((clock.now() - START, clock.is_frozen))
    seconds = timedelta(seconds=10)
    assert restored == [(seconds, False), (timedelta(days=1) + seconds, False), (timedelta(days=1), True)]


STEPS = st.one_of(
    st.tuples(st.just("advance"), st.integers(0, 10**14)),
    st.tuples(st.just("set"), st.datetimes(timezones=st.just(UTC))),
    st.tuples(st.sampled_from(["freeze", "unfreeze", "reset", "time passes"]), st.none()),
)


@given(st.lists(STEPS, max_size=12), st.integers(0, 10**14))
def test_advance_is_forward(steps: list[tuple[str, object]], milliseconds: int) -> None:
    """However the clock was set before, `advance` moves it forward by what was said, or not at all."""
    machine = ManualClock()
    clock = MockClock(machine)
    for name, argument in [*steps, ("advance", milliseconds)]:
        before = clock.now(), clock.seconds()
        if name == "time passes":
            machine.advance(0.0123456)
        elif isinstance(argument, int):
            check_advance(clock, argument, *before)
        else:
            getattr(clock, name)(*([] if argument is None else [argument]))
            if name in ("freeze", "unfreeze"):
                assert timedelta(0) <= clock.now() - before[0] < timedelta(milliseconds=1)


def check_advance(clock: MockClock, milliseconds: int, now: datetime, seconds: float) -> None:
    try:
        clock.advance(milliseconds)
    except ValueError:
        assert clock.now() == now
    else:
        assert clock.now() == now + timedelta(milliseconds=milliseconds)
        assert clock.seconds() >= seconds
