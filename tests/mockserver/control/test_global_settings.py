"""`/settings`: delays of all responses, as WireMock has them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mockserver.control.steered_mock import SteeredMock

DELAYS: list[tuple[dict[str, Any], dict[str, Any], float]] = [
    ({}, {}, 0.0),
    ({"fixedDelay": 200}, {}, 0.2),
    ({"fixedDelay": 200, "delayDistribution": {"type": "uniform", "lower": 300, "upper": 300}}, {}, 0.5),
    ({"fixedDelay": 200}, {"fixedDelayMilliseconds": 0}, 0.0),
    ({"fixedDelay": 200}, {"fixedDelayMilliseconds": -1}, 0.0),
    ({"fixedDelay": -1}, {}, 0.0),
    ({"fixedDelay": 200}, {"fixedDelayMilliseconds": 100}, 0.1),
    ({"fixedDelay": 200}, {"delayDistribution": {"type": "fixed", "milliseconds": 100}}, 0.3),
    ({}, {"fixedDelayMilliseconds": 50, "delayDistribution": {"type": "fixed", "milliseconds": 100}}, 0.15),
    ({}, {"fixedDelayMilliseconds": 60_000}, 60.0),
]


@pytest.mark.parametrize(("global_", "response", "delay"), DELAYS, ids=str)
@pytest.mark.parametrize("path", ["/x", "/api/users"])
def test_delays_like_wiremock(
    mock: SteeredMock, path: str, global_: dict[str, Any], response: dict[str, Any], delay: float
) -> None:
    assert mock.control("POST", "/settings", global_).get_json() == {}
    mock.stub({**response, "passThrough": path != "/x"}, url=path)
    mock.get(path)
    assert mock.delay == delay


def test_global_delay_of_the_own_response(mock: SteeredMock) -> None:
    mock.control("POST", "/settings", {"fixedDelay": 200})
    for path, delay in (("/api/users", 0.2), ("/nothing", 0.2), ("/", 0.2)):
        mock.get(path)
        assert mock.delay == delay


SETTINGS: list[dict[str, Any]] = [
    {},
    {"fixedDelay": 5},
    {"fixedDelay": -1},
    {"delayDistribution": {"type": "uniform", "lower": 1, "upper": 2}},
    {"delayDistribution": {"type": "lognormal", "median": 90.0, "sigma": 0.1}, "fixedDelay": 0},
    {"extended": {"a": [1]}},
]


@pytest.mark.parametrize("body", SETTINGS, ids=str)
def test_settings_are_replaced(mock: SteeredMock, body: dict[str, Any]) -> None:
    mock.control("POST", "/settings", {"fixedDelay": 77, "extended": {"b": 1}})
    assert mock.control("POST", "/settings", body).get_json() == {}
    shown = mock.control("GET", "/settings").get_json()
    assert shown == {"settings": {**body, "proxyPassThrough": False}}
    assert mock.control("POST", "/settings", shown).get_json() == {}
    assert mock.control("GET", "/settings").get_json() == shown


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"foo": 1}, "/foo"),
        ({"fixedDelay": "x"}, "/fixedDelay"),
        ({"fixedDelay": 2**31}, "/fixedDelay"),
        ({"delayDistribution": {}}, "/delayDistribution"),
        ({"extended": []}, "/extended"),
        ({"proxyPassThrough": True}, "/proxyPassThrough"),
        ({"settings": {"foo": 1}}, "/settings/foo"),
        ([], "/"),
    ],
    ids=str,
)
def test_invalid_settings(mock: SteeredMock, body: Any, pointer: str) -> None:
    mock.control("POST", "/settings", {"fixedDelay": 77})
    refused = mock.control("POST", "/settings", body)
    assert (refused.status_code, refused.get_json()["errors"][0]["source"]["pointer"]) == (422, pointer)
    assert mock.control("GET", "/settings").get_json()["settings"]["fixedDelay"] == 77


def test_settings_without_body(mock: SteeredMock) -> None:
    assert mock.control("POST", "/settings").status_code == 422


def test_reset_leaves_settings(mock: SteeredMock) -> None:
    mock.control("POST", "/settings", {"fixedDelay": 77})
    for path in ("/mappings/reset", "/scenarios/reset", "/reset"):
        mock.control("POST", path)
    assert mock.control("GET", "/settings").get_json()["settings"]["fixedDelay"] == 77


@pytest.mark.parametrize("start", [{"latency": 5}, {"preset": "slow"}, {}], ids=str)
def test_return_to_the_start(start: dict[str, Any]) -> None:
    mock = SteeredMock(**start)
    before = mock.control("GET", "/settings").get_json()
    mock.control("POST", "/settings", {"fixedDelay": 77})
    assert mock.control("DELETE", "/settings").get_json() == {}
    assert mock.control("GET", "/settings").get_json() == before
