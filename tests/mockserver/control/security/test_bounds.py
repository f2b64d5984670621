"""Memory is bounded, whatever is stubbed, recorded or saved: at a limit, a call is refused or the oldest goes."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import pytest

from duologue_mock.control.realtime.message_mappings import MAX_MAPPINGS
from duologue_mock.control.state.snapshots import MAX_SNAPSHOTS
from duologue_mock.control.stubs import stubs
from duologue_mock.http import namespaces
from tests.mockserver.control.steered_mock import SteeredMock

LARGE = "x" * 200_000


def test_stubs_are_counted(mock: SteeredMock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stubs, "MAX_STUBS", 50)
    statuses = [
        mock.control("POST", "/mappings", {"request": {"url": f"/{number}"}}).status_code for number in range(60)
    ]
    assert statuses == [201] * 50 + [422] * 10
    assert mock.control("GET", "/mappings").get_json()["meta"]["total"] == 50
    assert mock.control("DELETE", "/mappings").status_code == 200
    assert mock.control("POST", "/mappings", {}).status_code == 201


def test_stubs_are_weighed(mock: SteeredMock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stubs, "MAX_SIZE", 1_000_000)
    statuses = [mock.control("POST", "/mappings", {"response": {"body": LARGE}}).status_code for _ in range(8)]
    assert 422 in statuses
    assert statuses == sorted(statuses)


def test_snapshots_are_counted(mock: SteeredMock) -> None:
    statuses = [mock.control("PUT", f"/snapshots/s{number}").status_code for number in range(MAX_SNAPSHOTS + 5)]
    assert [status < 300 for status in statuses] == [True] * MAX_SNAPSHOTS + [False] * 5


def test_message_mappings_are_counted(mock: SteeredMock) -> None:
    body = {"event": "user:created", "action": "drop"}
    statuses = {
        number: mock.control("POST", "/message-mappings", body).status_code for number in range(MAX_MAPPINGS + 3)
    }
    assert [number for number, status in statuses.items() if status >= 300] == list(
        range(MAX_MAPPINGS, MAX_MAPPINGS + 3)
    )


def test_namespaces_are_counted(mock: SteeredMock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that no request has named for the longest time go, never `default`."""
    monkeypatch.setattr(namespaces, "MAX_NAMESPACES", 20)
    for number in range(50):
        assert mock.get("/api/users", X_Mock_Namespace=f"w{number}").status_code == 200
        mock.clock.advance(1)
    names = {one["name"] for one in mock.control("GET", "/namespaces").get_json()["namespaces"]}
    assert len(names) <= 20
    assert {"default", "w49"} <= names


REQUESTS: dict[str, dict[str, Any]] = {
    "bodies": {"method": "POST", "path": "/api/users", "json": {"name": LARGE}},
    "URLs": {"method": "GET", "path": f"/api/users?search={LARGE[:5000]}"},
    "headers": {"method": "GET", "path": "/api/users", "X_Long": LARGE[:30_000]},
    "violations": {"method": "GET", "path": f"/api/users?{'&'.join(f'a{n}=1' for n in range(60))}"},
    "unknown paths": {"method": "GET", "path": f"/{LARGE[:5000]}"},
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
@pytest.mark.slow
def test_recording_is_bounded(request_: dict[str, Any]) -> None:
    """Once the journal is full, further requests take nothing more."""
    mock = SteeredMock(journal=20)

    def fill() -> int:
        for _ in range(25):
            mock.request(**request_)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        fill()
        first, second = fill(), fill()
    finally:
        tracemalloc.stop()
    assert second - first < 300_000
    assert mock.control("GET", "/requests?limit=1").get_json()["meta"]["total"] <= 20
