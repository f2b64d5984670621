"""`/snapshots`: moments of a namespace to go back to, and what has changed since."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from duologue_mock.control.api.endpoints import ControlCall, ControlResponse, Endpoints
from duologue_mock.control.cooperation import Turns
from duologue_mock.control.state.diff import compare

endpoints = Endpoints("snapshots")

_NO_SNAPSHOT = "There is no snapshot of this name."
_COUNT = MappingProxyType({"type": "integer", "minimum": 0})
_SNAPSHOT = MappingProxyType(
    {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "takenAt": {"type": "string", "format": "date-time"},
            "users": _COUNT,
            "chats": _COUNT,
            "messages": _COUNT,
            "logins": _COUNT,
        },
        "required": ["name", "takenAt", "users", "chats", "messages", "logins"],
        "additionalProperties": False,
    }
)
_LIST = MappingProxyType(
    {
        "type": "object",
        "properties": {
            "snapshots": {"type": "array", "items": _SNAPSHOT},
            "meta": {"type": "object", "properties": {"total": _COUNT}, "required": ["total"]},
        },
        "required": ["snapshots", "meta"],
        "additionalProperties": False,
    }
)
_BY_ID = MappingProxyType(
    {
        "type": "object",
        "description": "By kind (`users`, `chats`, `messages`, `logins`), then by id.",
        "properties": {kind: {"type": "object"} for kind in ("users", "chats", "messages", "logins")},
        "additionalProperties": False,
    }
)
_DIFFERENCE = MappingProxyType(
    {
        "type": "object",
        "properties": {"added": _BY_ID, "removed": _BY_ID, "changed": _BY_ID},
        "required": ["added", "removed", "changed"],
        "additionalProperties": False,
    }
)


@endpoints.add("GET", "/snapshots", response=_LIST)
def list_snapshots(call: ControlCall) -> Any:
    """List the snapshots, the oldest first."""
    snapshots = [snapshot.to_json() for snapshot in call.control.snapshots]
    return {"snapshots": snapshots, "meta": {"total": len(snapshots)}}


@endpoints.add(
    "PUT",
    "/snapshots/{name}",
    response=_SNAPSHOT,
    statuses={201: "Taken; there was none of this name.", 422: "It is no name, or there are too many."},
)
def take_snapshot(call: ControlCall) -> ControlResponse:
    """Take a snapshot of data, logins and clock, in place of one that has the name already."""
    before = len(call.control.snapshots)
    snapshot = call.control.snapshots.take(call.args["name"])
    return ControlResponse(201 if len(call.control.snapshots) > before else 200, snapshot.to_json())


@endpoints.add("DELETE", "/snapshots/{name}", statuses={404: _NO_SNAPSHOT})
def remove_snapshot(call: ControlCall) -> None:
    """Remove a snapshot."""
    call.control.snapshots.remove(call.args["name"])


@endpoints.add("POST", "/snapshots/{name}/restore", statuses={404: _NO_SNAPSHOT})
def restore_snapshot(call: ControlCall) -> None:
    """Return to a snapshot, which stays. Logins that began later end, and idempotency keys are forgotten."""
    snapshot = call.control.snapshots.restore(call.args["name"])
    call.namespace.dispatcher.forget_idempotency_keys()
    call.control.events.publish("state", {"action": "restored", "snapshot": snapshot.name})


@endpoints.add("GET", "/snapshots/{name}/diff", response=_DIFFERENCE, statuses={404: _NO_SNAPSHOT})
def compare_snapshot(call: ControlCall) -> Any:
    """Return what has been added, removed and changed since a snapshot; of what changed, each field before and now."""
    before = call.control.snapshots.get(call.args["name"]).capture
    return compare(before, call.namespace.state.capture(), Turns(call.control.sleep).take).to_json()
