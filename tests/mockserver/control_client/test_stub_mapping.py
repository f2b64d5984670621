"""Stubs in the words of Python, as the mapping that is sent."""

from __future__ import annotations

from typing import Any

import pytest

from duologue.contract import users
from duologue_mock.control_client.stubs import build_mapping


@pytest.mark.parametrize(
    ("arguments", "response"),
    [
        ({}, {"passThrough": True}),
        ({"status": 503}, {"status": 503, "passThrough": True}),
        ({"status": 204}, {"status": 204}),
        ({"delay": 1.5}, {"fixedDelayMilliseconds": 1500, "passThrough": True}),
        ({"delay": 0}, {"fixedDelayMilliseconds": 0, "passThrough": True}),
        (
            {"delay": (0.2, 0.8)},
            {"delayDistribution": {"type": "uniform", "lower": 200, "upper": 800}, "passThrough": True},
        ),
        ({"delay": {"type": "lognormal"}}, {"delayDistribution": {"type": "lognormal"}, "passThrough": True}),
        ({"body_patch": {"a": None}}, {"bodyPatch": {"a": None}, "passThrough": True}),
        ({"headers": {"A": "1"}}, {"headers": {"A": "1"}, "passThrough": True}),
        ({"fault": "EMPTY_RESPONSE", "delay": 1}, {"fault": "EMPTY_RESPONSE", "fixedDelayMilliseconds": 1000}),
        ({"status": 503, "body": "text"}, {"status": 503, "body": "text"}),
        ({"body": b"\x00"}, {"base64Body": "AA=="}),
        ({"body": {"a": 1}}, {"jsonBody": {"a": 1}, "headers": {"Content-Type": "application/json"}}),
        (
            {"body": [], "headers": {"content-type": "application/problem+json"}},
            {"jsonBody": [], "headers": {"content-type": "application/problem+json"}},
        ),
    ],
)
def test_response(arguments: dict[str, Any], response: dict[str, Any]) -> None:
    assert build_mapping(users.LIST, **arguments) == {"request": {"operation": "users.LIST"}, "response": response}


def test_members() -> None:
    mapping = build_mapping(
        "GET /a", where={"headers": {"A": {"absent": True}}}, times=2, probability=0.0, expires_after=1.5, name=None
    )
    assert mapping == {
        "request": {"method": "GET", "urlPath": "/a", "headers": {"A": {"absent": True}}},
        "response": {"passThrough": True},
        "times": 2,
        "probability": 0.0,
        "expiresAfterMilliseconds": 1500,
    }
