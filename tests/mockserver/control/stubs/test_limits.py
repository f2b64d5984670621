"""Stubs that step aside: after so many times, with a probability, and when they expire."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_mock.control.errors import ControlError
from duologue_mock.control.stubs import stubs as stubs_module
from duologue_mock.control.stubs.mapping import read_stub
from duologue_mock.control.stubs.stubs import Stubs
from tests.mockserver.clocks import ManualClock
from tests.mockserver.control.matching.received import receive
from tests.mockserver.control.steered_mock import SteeredMock


def add(stubs: Stubs, **fields: object) -> None:
    stubs.add(read_stub({"request": {"url": "/x"}, **fields}, "", stubs.new_id()))


def matches(stubs: Stubs, url: str = "/x") -> bool:
    return stubs.match("GET", url, None, receive=lambda: receive("GET", url)) is not None


def test_times_and_then_the_own_response(mock: SteeredMock) -> None:
    mock.stub({"status": 503}, request={"operation": "users.LIST"}, times=2)
    assert [mock.get("/api/users").status_code for _ in range(4)] == [503, 503, 200, 200]


def test_times_counts_what_is_served(mock: SteeredMock) -> None:
    """Neither a request that does not match, nor one that another stub or a preference responds to."""
    mock.stub({"status": 503}, url="/x", times=1)
    mock.stub({"status": 500}, url="/x", times=1)
    statuses = [
        mock.get("/y").status_code,
        mock.get("/x", Prefer="code=418").status_code,
        *(mock.get("/x").status_code for _ in range(3)),
    ]
    assert statuses == [404, 418, 500, 503, 404]


def test_spent_stub_is_listed(mock: SteeredMock) -> None:
    mock.stub(name="spent", times=1)
    mock.get("/x")
    assert mock.list_names() == ["spent"]


@pytest.mark.parametrize(("milliseconds", "seconds"), [(1000, 1.0), (1, 0.001), (90_000, 90.0)])
def test_expiry_by_the_clock(mock: SteeredMock, milliseconds: int, seconds: float) -> None:
    id = mock.stub(name="short", expiresAfterMilliseconds=milliseconds)
    mock.clock.advance(seconds / 2)
    assert mock.get("/x").status_code == 200
    mock.clock.advance(seconds / 2)
    assert mock.get("/x").status_code == 404
    assert mock.control("GET", f"/mappings/{id}").status_code == 404
    assert mock.control("DELETE", f"/mappings/{id}").status_code == 404
    assert mock.list_names() == []


def test_expired_id_is_free(mock: SteeredMock) -> None:
    id = str(uuid.UUID(int=5))
    for _ in range(2):
        mock.stub(id=id, expiresAfterMilliseconds=1000)
        mock.clock.advance(1)


def test_expired_scenario_ends(mock: SteeredMock) -> None:
    mock.stub(scenarioName="s", expiresAfterMilliseconds=1000)
    mock.clock.advance(1)
    assert mock.control("GET", "/scenarios").get_json() == {"scenarios": []}


@pytest.mark.parametrize(("probability", "expected"), [(0, False), (1, True)])
def test_certain_probabilities(probability: int, expected: bool) -> None:
    stubs = Stubs(ManualClock())
    add(stubs, probability=probability)
    assert {matches(stubs) for _ in range(50)} == {expected}


def test_share_of_a_probability() -> None:
    stubs = Stubs(ManualClock(), seed=1)
    add(stubs, probability=0.3)
    assert 250 < sum(matches(stubs) for _ in range(1000)) < 350


@given(seed=st.integers(0, 2**64), probability=st.floats(0, 1), others=st.lists(st.booleans(), max_size=30))
def test_same_seed_same_outcome(seed: int, probability: float, others: list[bool]) -> None:
    """Requests that the stub does not match change nothing."""
    outcomes = []
    for is_disturbed in (False, True):
        stubs = Stubs(ManualClock(), seed)
        add(stubs, probability=probability)
        outcome = []
        for other in others:
            if other and is_disturbed:
                matches(stubs, "/y")
            outcome.append(matches(stubs))
        outcomes.append(outcome)
    assert outcomes[0] == outcomes[1]


def test_reset_begins_sequence_anew() -> None:
    stubs = Stubs(ManualClock(), seed=1)
    add(stubs, probability=0.5, persistent=True)
    first = [matches(stubs) for _ in range(40)]
    stubs.reset()
    again = [matches(stubs) for _ in range(40)]
    stubs.reset()
    assert again == [matches(stubs) for _ in range(40)]
    assert first == again


def test_miss_is_no_time(mock: SteeredMock) -> None:
    """A stub whose probability says no is not counted as served."""
    mock.stub({"status": 503}, probability=0.5, times=3)
    statuses = [mock.get("/x").status_code for _ in range(60)]
    assert statuses.count(503) == 3
    assert statuses[-1] == 404


def test_number_of_stubs_is_bounded(monkeypatch: pytest.MonkeyPatch, mock: SteeredMock) -> None:
    monkeypatch.setattr(stubs_module, "MAX_STUBS", 3)
    ids = [mock.stub(name=str(number)) for number in range(3)]
    assert mock.control("POST", "/mappings", {}).status_code == 422
    assert mock.control("POST", "/mappings/import", {"mappings": [{}, {}]}).status_code == 422
    assert mock.list_names() == ["2", "1", "0"]
    assert mock.control("PUT", f"/mappings/{ids[0]}", {"name": "new"}).status_code == 200
    replacement = {"mappings": [{}, {}, {}], "importOptions": {"deleteAllNotInImport": True}}
    assert mock.control("POST", "/mappings/import", replacement).status_code == 200


def test_memory_of_stubs_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stubs_module, "MAX_SIZE", 100_000)
    stubs = Stubs(ManualClock())
    for _ in range(4):
        add(stubs, response={"body": "x" * 20_000})
    with pytest.raises(ControlError, match="memory"):
        add(stubs, response={"body": "x" * 20_000})
    assert len(stubs.list_all()) == 4
    stubs.remove_where(lambda stub: True)
    for _ in range(4):
        add(stubs, response={"body": "x" * 20_000})
