"""`/presets`: named starting points."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from duologue_mock.control.api.endpoints import ControlCall, Endpoints
from duologue_mock.control.cooperation import Turns
from duologue_mock.control.state.reset import apply_preset

endpoints = Endpoints("presets")

_LIST = MappingProxyType(
    {
        "type": "object",
        "properties": {
            "presets": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string"},
                        "description": {"type": "string"},
                        "shipped": {"type": "boolean"},
                    },
                    "required": ["name", "description", "shipped"],
                    "additionalProperties": False,
                },
            },
            "meta": {"type": "object", "properties": {"total": {"type": "integer"}}, "required": ["total"]},
        },
        "required": ["presets", "meta"],
        "additionalProperties": False,
    }
)


@endpoints.add("GET", "/presets", response=_LIST)
def list_presets(call: ControlCall) -> Any:
    """List the presets, with a sentence about each: those shipped with Duologue, and those of `--presets`."""
    presets = [
        {"name": preset.name, "description": preset.description, "shipped": preset.is_shipped}
        for preset in call.server.presets.list()
    ]
    return {"presets": presets, "meta": {"total": len(presets)}}


@endpoints.add(
    "POST",
    "/presets/{name}",
    statuses={404: "There is no preset of this name.", 422: "The preset's file is not valid. Nothing is changed."},
)
def put_at_preset(call: ControlCall) -> None:
    """Put the namespace at a preset: its data, settings, stubs and time, until a reset returns it to its own start."""
    name = call.args["name"]
    start = call.server.presets.build(name, call.server.start, Turns(call.control.sleep).take)
    apply_preset(start, call.namespace, call.control)
    call.control.events.publish("state", {"action": "preset", "preset": name})
