"""`/settings`: the delays of all responses."""

from __future__ import annotations

from typing import Any

from duologue_mock.control.api.endpoints import ControlCall, Endpoints
from duologue_mock.control.errors import invalid
from duologue_mock.control.state.reset import reset_global_settings

endpoints = Endpoints("settings")


@endpoints.add("GET", "/settings", response={"type": "object"})
def get_settings(call: ControlCall) -> Any:
    """Return the global settings."""
    return {"settings": call.control.global_settings.to_json()}


@endpoints.add(
    "POST", "/settings", request={"type": "object"}, statuses={422: "The JSON is not settings; nothing is changed."}
)
def change_settings(call: ControlCall) -> None:
    """Replace the global settings; what the JSON leaves out is switched off."""
    if call.is_empty:
        raise invalid("", "The body is empty; send a JSON object.")
    value = call.json_object()
    wrapped = value.keys() == {"settings"}  # as GET returns them
    call.control.global_settings.load(value["settings"] if wrapped else value, "/settings" if wrapped else "")


@endpoints.add("DELETE", "/settings")
def reset_settings(call: ControlCall) -> None:
    """Return the global settings to those of the start: the delay of `--latency`, or those of the preset."""
    reset_global_settings(call.control)
