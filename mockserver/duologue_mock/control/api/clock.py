"""`/clock`: the time of a namespace, which its timestamps and lifetimes obey."""

from __future__ import annotations

from datetime import datetime
from types import MappingProxyType
from typing import Any

from marshmallow import ValidationError

from duologue.contract.fields import Timestamp, format_timestamp
from duologue_mock.control.api.endpoints import ControlCall, Endpoints
from duologue_mock.control.errors import invalid
from duologue_mock.control.json_keys import read_object, show

endpoints = Endpoints("clock")

_TIME = MappingProxyType({"type": "string", "format": "date-time"})
_CLOCK = MappingProxyType(
    {
        "type": "object",
        "properties": {"now": _TIME, "frozen": {"type": "boolean"}, "offsetMilliseconds": {"type": "integer"}},
        "required": ["now", "frozen", "offsetMilliseconds"],
        "additionalProperties": False,
    }
)
_CHANGE = MappingProxyType(
    {
        "type": "object",
        "properties": {"now": _TIME, "frozen": {"type": "boolean"}},
        "additionalProperties": False,
    }
)
_STEP = MappingProxyType(
    {
        "type": "object",
        "properties": {"milliseconds": {"type": "integer", "minimum": 0}},
        "required": ["milliseconds"],
        "additionalProperties": False,
    }
)


@endpoints.add("GET", "/clock", response=_CLOCK)
def get_clock(call: ControlCall) -> Any:
    """Return the time, whether it stands still, and how far it is ahead of this machine's."""
    return _describe(call)


@endpoints.add("PUT", "/clock", request=_CHANGE, response=_CLOCK, statuses={422: "A value is not valid."})
def change_clock(call: ControlCall) -> Any:
    """Set the time, and stop the clock or let it run; what is left out stays as it is."""
    fields = read_object(call.json_object(), "", ("now", "frozen"))
    moment = None if "now" not in fields else _read_moment(fields["now"])
    frozen = fields.get("frozen")
    if not isinstance(frozen, bool | None):
        raise invalid("/frozen", f"Must be true or false, not {show(frozen)}.")
    clock = call.namespace.state.clock
    if frozen is not None:
        (clock.freeze if frozen else clock.unfreeze)()
    if moment is not None:
        clock.set(moment)
    return _publish(call)


@endpoints.add(
    "POST",
    "/clock/advance",
    request=_STEP,
    response=_CLOCK,
    statuses={422: "It is no number, negative, or more than the years to 9999."},
)
def advance_clock(call: ControlCall) -> Any:
    """Move the time forward; what comes due by that has happened before the response."""
    fields = read_object(call.json_object(), "", ("milliseconds",))
    milliseconds = fields.get("milliseconds")
    if isinstance(milliseconds, float) and milliseconds.is_integer():
        milliseconds = int(milliseconds)
    if not isinstance(milliseconds, int) or isinstance(milliseconds, bool):
        raise invalid("/milliseconds", f"Must be a whole number of at least 0, not {show(milliseconds)}.")
    try:
        call.namespace.state.clock.advance(milliseconds)
    except ValueError as error:
        raise invalid("/milliseconds", str(error)) from None
    return _publish(call)


@endpoints.add("DELETE", "/clock", response=_CLOCK)
def reset_clock(call: ControlCall) -> Any:
    """Return to the time of this machine."""
    call.namespace.state.clock.reset()
    return _publish(call)


def _read_moment(value: Any) -> datetime:
    try:
        moment: datetime = Timestamp().deserialize(value)
        return moment
    except ValidationError as error:
        raise invalid("/now", f"{' '.join(error.messages)} It is {show(value)}.") from None


def _describe(call: ControlCall) -> dict[str, Any]:
    clock = call.namespace.state.clock
    return {"now": format_timestamp(clock.now()), "frozen": clock.is_frozen, "offsetMilliseconds": clock.offset}


def _publish(call: ControlCall) -> dict[str, Any]:
    described = _describe(call)
    call.control.events.publish("clock", described)
    return described
