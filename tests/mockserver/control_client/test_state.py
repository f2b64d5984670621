"""Clock, snapshots, state and presets of the mock itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from duologue import Client, NotFoundError
from duologue_mock import ControlAPIError, MockControl, MockServer

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_clock(control: MockControl) -> None:
    clock = control.clock
    assert clock.freeze(NOON) == NOON == clock.now()
    assert clock.is_frozen()
    assert clock.advance(days=1, hours=1, minutes=1, seconds=1, milliseconds=1) == datetime(
        2026, 3, 2, 13, 1, 1, 1000, UTC
    )
    assert clock.advance(timedelta(minutes=5), seconds=1) == datetime(2026, 3, 2, 13, 6, 2, 1000, UTC)
    assert clock.set(NOON.replace(tzinfo=None)) == NOON
    assert clock.unfreeze() >= NOON
    assert not clock.is_frozen()
    assert abs(clock.reset() - datetime.now(UTC)) < timedelta(minutes=5)


def test_clock_does_not_go_back(control: MockControl) -> None:
    with pytest.raises(ValueError, match=r"cannot advance by -1 day.*clock\.set"):
        control.clock.advance(hours=1, days=-1)


def test_clock_takes_no_number_without_unit(control: MockControl) -> None:
    with pytest.raises(TypeError, match=r"^advance takes a timedelta, or a number by its unit, as seconds=5; not 5\.$"):
        control.clock.advance(5)  # type: ignore[arg-type]  # what callers without a type checker write
    for change in (control.clock.set, control.clock.freeze):
        with pytest.raises(TypeError, match=r"^The clock is set to a datetime, not '2030-01-01'\.$"):
            change("2030-01-01")  # type: ignore[arg-type]  # likewise


def test_snapshot_as_context(control: MockControl, api: Client) -> None:
    with control.snapshot() as snapshot:
        api.users.delete("2")
        assert set(snapshot.diff()["removed"]["users"]) == {"2"}
    assert api.users.list().total == 2
    assert control.snapshots.names() == []


def test_snapshot_after_an_error(control: MockControl, api: Client) -> None:
    snapshot = control.snapshot("kept")
    api.users.delete("2")
    with pytest.raises(NotFoundError), snapshot:
        api.users.get("2")
    assert api.users.list().total == 2
    assert control.snapshots.names() == ["kept"]


def test_named_snapshots(control: MockControl, api: Client) -> None:
    control.snapshots.save("before")
    user = api.users.create(name="Ada", email="ada@example.com")
    assert set(control.snapshots.diff("before")["added"]["users"]) == {user.id}
    control.snapshots.restore("before")
    assert api.users.list().total == 2
    control.snapshots.delete("before")
    with pytest.raises(ControlAPIError) as caught:
        control.snapshots.restore("before")
    assert caught.value.status == 404


@pytest.mark.parametrize("name", ["", "before lunch", "ä/b?", "../x"])
def test_invalid_snapshot_name(control: MockControl, name: str) -> None:
    with pytest.raises(ControlAPIError) as caught:
        control.snapshots.save(name)
    assert caught.value.status in (404, 405, 422)
    assert control.snapshots.names() == []


def test_export_and_import(control: MockControl, api: Client) -> None:
    state = control.export_state()
    api.users.delete("2")
    control.import_state(state)
    assert api.users.list().total == 2
    with pytest.raises(ControlAPIError):
        control.import_state({**state, "users": "none"})
    assert api.users.list().total == 2
    api.users.delete("2")
    control.reset_state()
    assert api.users.list().total == 2


def test_presets(control: MockControl, api: Client) -> None:
    control.preset("empty")
    assert api.users.list().total == 0
    control.create()
    assert api.users.list().total == 2
    with pytest.raises(ControlAPIError):
        control.preset("no-such-preset")


def test_offline_preset_ends(control: MockControl, api: Client) -> None:
    """`online` ends the preset of being offline, too."""
    control.preset("offline")
    control.online()
    assert api.users.list().total == 2


def test_reset(control: MockControl, api: Client) -> None:
    api.users.delete("2")
    control.stub("GET /a")
    control.clock.freeze(NOON)
    control.reset()
    assert control.stubs() == []
    assert control.requests() == []
    assert not control.clock.is_frozen()
    assert api.users.list().total == 2


def test_reset_returns_to_the_latency_of_the_start() -> None:
    with MockServer(latency=1) as mock:
        before = mock.control.settings()
        mock.control.set_delay(None)
        mock.control.reset()
        assert mock.control.settings() == before
        assert before["fixedDelay"] == 1
