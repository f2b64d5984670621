"""Responses with a list that may be long: built in pieces, so that other requests have their turn in between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from duologue_mock.control.api.endpoints import ControlResponse
from duologue_mock.control.cooperation import Turns
from duologue_mock.http.messages import json_bytes


def build_list(
    name: str, items: Iterable[Any], rest: Mapping[str, Any], turns: Turns, *, status: int = 200
) -> ControlResponse:
    """Return a response whose JSON has a list under one name, and the rest after it.

    Args:
        name: the list's name.
        items: its items as JSON values, each built as it is taken.
        rest: the other members.
        turns: gives others their turn.
        status: the response's status.
    """
    pieces = []
    for item in items:
        pieces.append(json_bytes(item))
        turns.take()
    end = json_bytes(rest)[1:]
    body = b'{"%b":[%b]' % (name.encode(), b",".join(pieces)) + (b"," + end if len(end) > 1 else end)
    return ControlResponse(status, body=body)


def build_meta(total: int, dropped: int) -> dict[str, int]:
    """Return what is said of a journal's list: how many entries there are, and were dropped for newer ones."""
    return {"total": total, **({"dropped": dropped} if dropped else {})}
