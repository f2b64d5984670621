"""`/offline`: no connection works, as if the backend were gone."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from duologue_mock.control.api.endpoints import ControlCall, Endpoints
from duologue_mock.control.json_keys import read_object
from duologue_mock.control.json_values import read_integer
from duologue_mock.control.offline import go_offline, go_online, is_offline

endpoints = Endpoints("offline")

_DURATION = MappingProxyType(
    {
        "type": "object",
        "properties": {
            "milliseconds": {
                "type": "integer",
                "minimum": 1,
                "description": "How long; left out, until the namespace is put online.",
            }
        },
        "additionalProperties": False,
    }
)
_OFFLINE = MappingProxyType({"type": "object", "properties": {"offline": {"type": "boolean"}}})


@endpoints.add("GET", "/offline", response=_OFFLINE)
def get_offline(call: ControlCall) -> dict[str, Any]:
    """Return whether the namespace is offline."""
    return {"offline": is_offline(call.control)}


@endpoints.add("POST", "/offline", request=_DURATION, response=_OFFLINE)
def take_offline(call: ControlCall) -> dict[str, Any]:
    """Reset every connection, of HTTP and Socket.IO, for some time or until the namespace is put online."""
    fields = read_object(call.json_object(), "", ("milliseconds",))
    milliseconds = fields.get("milliseconds")
    go_offline(
        call.control,
        None if milliseconds is None else read_integer(milliseconds, "/milliseconds", minimum=1),
    )
    return {"offline": True}


@endpoints.add("DELETE", "/offline", response=_OFFLINE)
def put_online(call: ControlCall) -> dict[str, Any]:
    """Serve again."""
    go_online(call.control)
    return {"offline": False}
