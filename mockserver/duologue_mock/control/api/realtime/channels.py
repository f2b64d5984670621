"""`/__admin/channels`: who is connected over Socket.IO, disconnecting them, and sending them events."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from duologue_mock.control.api.endpoints import ControlCall, Endpoints
from duologue_mock.control.errors import ControlError, invalid, not_found
from duologue_mock.control.json_keys import read_object, show
from duologue_mock.control.json_values import read_boolean
from duologue_mock.control.realtime.channels import build_payload, describe_connection, select_connections

endpoints = Endpoints("channels")

_MAX_SHOWN_ID = 100
_BREAK = MappingProxyType(
    {"break": "`true` to break the connection without a word, as a network does, in place of a disconnect packet."}
)
_SEND = MappingProxyType(
    {
        "type": "object",
        "required": ["event"],
        "properties": {
            "event": {"type": "string"},
            "payload": {},
            "to": {"description": '`"all"`, or an object with one of `userId`, `role`, `chatUserId`, `channelId`.'},
            "validate": {"type": "boolean", "description": "Whether the contract must have the event and its payload."},
        },
        "additionalProperties": False,
    }
)

_SEND_KEYS = ("event", "payload", "to", "validate")


@endpoints.add("GET", "/channels")
def list_channels(call: ControlCall) -> dict[str, Any]:
    """List the connected Socket.IO clients, in the order in which they connected."""
    channels = [describe_connection(connection) for connection in call.control.realtime.connections]
    return {"channels": channels, "meta": {"total": len(channels)}}


@endpoints.add("DELETE", "/channels", query=_BREAK)
def disconnect_all(call: ControlCall) -> None:
    """Disconnect every client."""
    for connection in list(call.control.realtime.connections):
        _disconnect(call, connection)


@endpoints.add("DELETE", "/channels/{id}", query=_BREAK, statuses={404: "No client with this id is connected."})
def disconnect(call: ControlCall) -> None:
    """Disconnect a client."""
    id = call.args["id"]
    connection = next((one for one in call.control.realtime.connections if one.id == id), None)
    if connection is None:
        raise not_found(f"channel {id[:_MAX_SHOWN_ID]!r}")
    _disconnect(call, connection)


@endpoints.add("POST", "/channels/send", request=_SEND, statuses={413: "it is larger than `--max-request-size`"})
def send(call: ControlCall) -> dict[str, Any]:
    """Send an event to clients, and return those that it was for."""
    limit = call.control.settings.values["max_request_size"]
    if len(call.body) > limit:  # writing it as a packet must not hold the one thread for long
        raise ControlError(413, "The event is too large", detail=f"Send at most {limit} bytes.")
    fields = read_object(call.json_object(), "", _SEND_KEYS)
    realtime = call.control.realtime
    event = fields.get("event")
    if not isinstance(event, str) or not event:
        raise invalid("/event", f"Must be the name of an event, not {show(event)}.")
    receivers = select_connections(realtime.connections, fields.get("to", "all"))
    payload = fields.get("payload")
    if read_boolean(fields.get("validate", True), "/validate"):
        payload = build_payload(call.control.state, event, payload)
    receivers = list(realtime.send(event, payload, receivers))
    channels = [describe_connection(connection) for connection in receivers]
    return {"channels": channels, "channelsMessaged": len(channels)}


def _disconnect(call: ControlCall, connection: Any) -> None:
    realtime = call.control.realtime
    if read_boolean(call.query.get("break", False), "break"):
        realtime.break_connection(connection)
    else:
        realtime.disconnect(connection)
