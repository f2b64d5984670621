"""`/health`, `/version`, `/ready`, `/shutdown`: the mock as a whole."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from duologue._version import __version__
from duologue.contract.fields import format_timestamp
from duologue_mock.control.api.endpoints import ControlCall, ControlResponse, Endpoints
from duologue_mock.control.errors import ControlError

endpoints = Endpoints("server")

_HEALTH = MappingProxyType(
    {
        "type": "object",
        "properties": {
            "status": {"const": "healthy"},
            "message": {"type": "string"},
            "version": {"type": "string"},
            "uptimeInSeconds": {"type": "integer", "minimum": 0},
            "timestamp": {"type": "string", "format": "date-time"},
        },
        "required": ["status", "message", "version", "uptimeInSeconds", "timestamp"],
        "additionalProperties": False,
    }
)
_VERSION = MappingProxyType(
    {
        "type": "object",
        "properties": {"version": {"type": "string"}},
        "required": ["version"],
        "additionalProperties": False,
    }
)


@endpoints.add("GET", "/health", response=_HEALTH)
def get_health(call: ControlCall) -> Any:
    """Return that the mock is well, its version, and how long it has been running."""
    state = call.server.namespaces.default.state
    clock = state.clock.base
    return {
        "status": "healthy",
        "message": "Duologue's mock is ok",
        "version": __version__,
        "uptimeInSeconds": max(0, int(clock.seconds() - state.started)),
        "timestamp": format_timestamp(clock.now()),
    }


@endpoints.add("GET", "/version", response=_VERSION)
def get_version(call: ControlCall) -> Any:
    """Return the version of Duologue."""
    return {"version": __version__}


@endpoints.add("GET", "/ready", statuses={503: "The mock does not have its data yet, or stops."})
def check_ready(call: ControlCall) -> Any:
    """Return 200 as soon as the mock has its data."""
    if not call.server.is_ready():
        raise ControlError(
            503, "The mock is not ready", detail="It does not have its data yet, or it stops. Try again."
        )
    return {}


@endpoints.add("POST", "/shutdown", statuses={501: "The mock runs in a server that it cannot end."})
def shut_down(call: ControlCall) -> ControlResponse:
    """End the mock once the responses to the requests in flight have been sent, this one's included."""
    if call.server.shut_down is None:
        raise ControlError(501, "The mock cannot end the server that it runs in", detail="End the server itself.")
    call.server.shut_down()
    return ControlResponse(200, {})
