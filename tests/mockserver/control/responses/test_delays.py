"""Delays: what is drawn from distributions, and how bodies are split."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_mock.control.errors import ControlError
from duologue_mock.control.responses.delays import Dribble, read_distribution, read_dribble

DISTRIBUTIONS: list[dict[str, Any]] = [
    {"type": "fixed", "milliseconds": 250},
    {"type": "uniform", "lower": 10, "upper": 20},
    {"type": "uniform", "lower": 0, "upper": 0},
    {"type": "lognormal", "median": 80.0, "sigma": 0.4},
    {"type": "lognormal", "median": 80.0, "sigma": 0.0, "maxValue": 80.0},
    {"type": "lognormal", "median": 80.0, "sigma": 100.0, "maxValue": 100.0},
    {"type": "lognormal", "median": 2147483647.0, "sigma": 100.0},
]


@pytest.mark.parametrize("json", DISTRIBUTIONS, ids=str)
def test_json_is_kept(json: dict[str, Any]) -> None:
    assert read_distribution(json, "/x").to_json() == json


@pytest.mark.parametrize("json", DISTRIBUTIONS, ids=str)
@given(seed=st.integers())
def test_same_seed_same_delays(json: dict[str, Any], seed: int) -> None:
    distribution = read_distribution(json, "/x")
    first, second = Random(seed), Random(seed)
    assert [distribution.sample(first) for _ in range(5)] == [distribution.sample(second) for _ in range(5)]


@pytest.mark.parametrize("json", DISTRIBUTIONS, ids=str)
@given(seed=st.integers())
def test_samples_within_bounds(json: dict[str, Any], seed: int) -> None:
    sample = read_distribution(json, "/x").sample(Random(seed))
    upper = json.get("milliseconds", json.get("upper", json.get("maxValue", 2**31 - 1)))
    assert json.get("milliseconds", json.get("lower", 0)) <= sample <= upper


def test_half_below_median() -> None:
    distribution, random = read_distribution({"type": "lognormal", "median": 80, "sigma": 0.4}, "/x"), Random(1)
    below = sum(distribution.sample(random) < 80 for _ in range(4000))
    assert 1850 < below < 2150


@pytest.mark.parametrize(
    ("json", "pointer"),
    [
        (5, "/x"),
        ({}, "/x"),
        ({"type": "normal"}, "/x"),
        ({"type": ["uniform"]}, "/x"),
        ({"type": "uniform", "lower": 5, "upper": 2}, "/x"),
        ({"type": "uniform", "lower": -1}, "/x/lower"),
        ({"type": "uniform", "lower": "a"}, "/x/lower"),
        ({"type": "uniform", "median": 1}, "/x/median"),
        ({"type": "lognormal", "median": -1}, "/x/median"),
        ({"type": "lognormal", "sigma": 1e300}, "/x/sigma"),
        ({"type": "lognormal", "median": 300, "sigma": 1, "maxValue": 100}, "/x"),
        ({"type": "fixed", "milliseconds": 1.5}, "/x/milliseconds"),
    ],
    ids=str,
)
def test_invalid_distributions(json: Any, pointer: str) -> None:
    with pytest.raises(ControlError) as raised:
        read_distribution(json, "/x")
    assert (raised.value.status, raised.value.pointer) == (422, pointer)


@given(body=st.binary(max_size=300), number=st.integers(1, 400), duration=st.integers(0, 10_000))
def test_dribble_loses_nothing(body: bytes, number: int, duration: int) -> None:
    parts = list(Dribble(number, duration).split(body))
    assert b"".join(part for _, part in parts) == body
    assert len(parts) == min(number, len(body))
    assert all(part for _, part in parts)
    assert sum(pause for pause, _ in parts) == pytest.approx(duration / 1000 if body else 0)


def test_dribble_like_wiremock() -> None:
    """The last part has what is left of the division."""
    assert [part for _, part in Dribble(3, 600).split(b"hello world")] == [b"hel", b"lo ", b"world"]


@pytest.mark.parametrize(
    ("json", "pointer"),
    [
        ({"numberOfChunks": 5}, "/x"),
        ({"totalDuration": 5}, "/x"),
        ({"numberOfChunks": 0, "totalDuration": 5}, "/x/numberOfChunks"),
        ({"numberOfChunks": 5, "totalDuration": -1}, "/x/totalDuration"),
        ({"numberOfChunks": 5, "totalDuration": 1, "size": 1}, "/x/size"),
    ],
    ids=str,
)
def test_invalid_dribbles(json: Any, pointer: str) -> None:
    with pytest.raises(ControlError) as raised:
        read_dribble(json, "/x")
    assert raised.value.pointer == pointer
