"""`/__admin/message-mappings`: what happens to Socket.IO events and handshakes."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from duologue_mock.control.api.endpoints import ControlCall, ControlResponse, Endpoints
from duologue_mock.control.errors import ControlError, not_found
from duologue_mock.control.realtime.message_mappings import ACTIONS, MessageMapping, read_message_mapping

endpoints = Endpoints("message-mappings")

_MAPPING = MappingProxyType(
    {
        "type": "object",
        "required": ["event", "action"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "name": {"type": "string"},
            "event": {"type": "string", "description": "An event of the contract, or `connect` for the handshake."},
            "action": {"enum": list(ACTIONS)},
            "delayMilliseconds": {"type": "integer", "minimum": 0},
            "times": {"type": "integer", "minimum": 1},
            "probability": {"type": "number", "minimum": 0, "maximum": 1},
            "expiresAfterMilliseconds": {"type": "integer", "minimum": 1},
        },
        "additionalProperties": False,
    }
)
_UNKNOWN = MappingProxyType({404: "There is no mapping of this id."})


@endpoints.add("GET", "/message-mappings")
def list_mappings(call: ControlCall) -> dict[str, Any]:
    """List the message mappings, the newest first."""
    mappings = [mapping.to_json() for mapping in call.control.realtime.mappings]
    return {"messageMappings": mappings, "meta": {"total": len(mappings)}}


@endpoints.add("POST", "/message-mappings", request=_MAPPING, response=_MAPPING, statuses={201: "It is added."})
def add_mapping(call: ControlCall) -> ControlResponse:
    """Drop, delay or duplicate events, disconnect those who should receive them, or refuse handshakes."""
    mappings = call.control.realtime.mappings
    mapping = read_message_mapping(call.json_object(), "", mappings.new_id())
    if mappings.get(mapping.id) is not None:
        raise ControlError(422, f"There is a message mapping {mapping.id} already", pointer="/id", code=109)
    mappings.add(mapping)
    return ControlResponse(201, mapping.to_json())


@endpoints.add("DELETE", "/message-mappings")
def remove_mappings(call: ControlCall) -> None:
    """Remove all message mappings."""
    call.control.realtime.mappings.clear()


@endpoints.add("GET", "/message-mappings/{id}", response=_MAPPING, statuses=_UNKNOWN)
def get_mapping(call: ControlCall) -> dict[str, Any]:
    """Return a message mapping."""
    return _find(call).to_json()


@endpoints.add("DELETE", "/message-mappings/{id}", statuses=_UNKNOWN)
def remove_mapping(call: ControlCall) -> None:
    """Remove a message mapping."""
    call.control.realtime.mappings.remove(_find(call).id)


def _find(call: ControlCall) -> MessageMapping:
    id = call.uuid()
    mapping = call.control.realtime.mappings.get(id)
    if mapping is None:
        raise not_found(f"message mapping {id}")
    return mapping
