"""`/coverage`: which operations, statuses and events of the contract there have been."""

from __future__ import annotations

from typing import Any

from duologue_mock.control.api.endpoints import ControlCall, Endpoints

endpoints = Endpoints("coverage")


@endpoints.add("GET", "/coverage", response={"type": "object"})
def get_coverage(call: ControlCall) -> dict[str, Any]:
    """Count responses by operation and status, and events, since the last reset; and say what was not seen."""
    return call.control.recorder.coverage.render()
