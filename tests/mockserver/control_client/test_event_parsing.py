"""The stream of events, however its bytes arrive."""

from __future__ import annotations

import pytest

from duologue_mock import ControlAPIError, ControlEvent
from duologue_mock.control_client.events import parse_events

STREAM = (
    ": connected\n\n"
    'id: 7\nevent: request\ndata: {"method": "GET"}\n\n'
    'event: clock\r\ndata: {"name":\r\ndata: "ä"}\r\n\r\n'
    "event: nothing\n\n"
    "data: not JSON\n\n"
    "event: cut\ndata: 1\n"
).encode()
EVENTS = [
    ControlEvent("request", {"method": "GET"}, "7"),
    ControlEvent("clock", {"name": "ä"}, "7"),
    ControlEvent("message", "not JSON", "7"),
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_pieces(size: int) -> None:
    pieces = [STREAM[start : start + size] for start in range(0, len(STREAM), size)]
    assert list(parse_events(pieces)) == EVENTS


def test_endless_line() -> None:
    with pytest.raises(ControlAPIError, match="too long"):
        list(parse_events(b"x" * 1_000_000 for _ in range(10)))
