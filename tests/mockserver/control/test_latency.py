"""The setting `latency`: delays of every response, from the seed."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from duologue_mock import Settings, create_app


def collect_delays(count: int = 40, namespace: str = "default", **settings: Any) -> list[float]:
    """The seconds by which so many responses of a new mock are delayed, none of them waited for."""
    waits: list[float] = []  # a delay is waited for in pieces
    delays: list[float] = []
    app = create_app(Settings(**settings), sleep=waits.append)
    for _ in range(count):
        waits.clear()
        assert app.test_client().get("/api/users", headers={"X-Mock-Namespace": namespace}).status_code == 200
        delays.append(sum(waits))
    return delays


def test_none_by_default() -> None:
    assert set(collect_delays()) == {0}


@pytest.mark.parametrize("latency", [300, "300", "300..300"])
def test_fixed_latency(latency: str | int) -> None:
    assert collect_delays(2, latency=latency) == [pytest.approx(0.3)] * 2


def test_random_latency() -> None:
    delays = collect_delays(latency="200..800", seed=7)
    assert all(0.199 < delay < 0.801 for delay in delays)
    assert sum(one != other for one, other in pairwise(delays)) > 30
    assert max(delays) > 0.6
    assert min(delays) < 0.4


def test_latency_is_of_the_seed() -> None:
    settings: dict[str, Any] = {"latency": "200..800"}
    assert collect_delays(**settings, seed=7) == collect_delays(**settings, seed=7)
    assert collect_delays(**settings, seed=7) != collect_delays(**settings, seed=8)


def test_every_namespace_has_it() -> None:
    assert min(collect_delays(5, namespace="w1", latency="200..800")) > 0.199


def test_settings_show_it() -> None:
    """It is the control API's own setting, which can be changed while the mock runs."""
    waits: list[float] = []
    client = create_app(Settings(latency="200..800"), sleep=waits.append).test_client()
    assert client.get("/__admin/settings").json["settings"]["delayDistribution"] == {  # type: ignore[index]
        "type": "uniform",
        "lower": 200,
        "upper": 800,
    }
    assert client.post("/__admin/settings", json={}).status_code == 200
    assert client.get("/api/users").status_code == 200
    assert waits == []
