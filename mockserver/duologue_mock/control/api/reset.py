"""`/reset`: a namespace as after start."""

from __future__ import annotations

from duologue_mock.control.api.endpoints import ControlCall, Endpoints
from duologue_mock.control.state.reset import reset

endpoints = Endpoints("reset")


@endpoints.add("POST", "/reset")
def reset_namespace(call: ControlCall) -> None:
    """Put back data, logins, limits, keys, clock, journal, scenarios, and stubs but the persistent ones."""
    reset(call.namespace, call.control)
    call.control.events.publish("state", {"action": "reset"})
