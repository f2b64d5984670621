"""`/state`: the data of a namespace as one JSON document."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from duologue_mock.control.api.endpoints import ControlCall, Endpoints
from duologue_mock.control.cooperation import Turns
from duologue_mock.control.errors import invalid
from duologue_mock.control.state.export import VERSION, export_state
from duologue_mock.control.state.load import KEYS, load_state
from duologue_mock.control.state.reset import reset_state

endpoints = Endpoints("state")

_STATE = MappingProxyType(
    {
        "type": "object",
        "description": "Users with their passwords, chats, messages, logins with their refresh tokens, and the clock.",
        "properties": {**{key: {} for key in KEYS}, "version": {"const": VERSION}},
        "required": ["version"],
        "additionalProperties": False,
    }
)


@endpoints.add("GET", "/state", response=_STATE)
def get_state(call: ControlCall) -> Any:
    """Return all data of the namespace, secrets included, as one JSON document."""
    state = call.namespace.state
    return export_state(state.capture(), state.clock.capture(), Turns(call.control.sleep).take)


@endpoints.add(
    "PUT", "/state", request=_STATE, statuses={422: "A record is not valid; the error names it. Nothing is changed."}
)
def replace_state(call: ControlCall) -> None:
    """Replace all data of the namespace by that of a JSON document, or change nothing."""
    state = call.namespace.state
    loaded = load_state(call.json(), state.capture(), Turns(call.control.sleep).take)
    if loaded.clock is not None:
        try:
            state.clock.check(loaded.clock)
        except ValueError as error:
            raise invalid("/clock/offsetMilliseconds", str(error)) from None
        state.clock.restore(loaded.clock)
    state.restore(loaded.capture)
    call.namespace.dispatcher.forget_idempotency_keys()
    call.control.events.publish("state", {"action": "imported"})


@endpoints.add("POST", "/state/reset")
def return_to_start(call: ControlCall) -> None:
    """Return all data of the namespace to that of its start. The clock, stubs and journal stay as they are."""
    reset_state(call.namespace, call.control)
    call.control.events.publish("state", {"action": "reset"})
