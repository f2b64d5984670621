"""`/scenarios`: the states that stubs require and change."""

from __future__ import annotations

from typing import Any

from duologue_mock.control.api.endpoints import ControlCall, Endpoints
from duologue_mock.control.json_keys import read_object
from duologue_mock.control.json_values import read_text

endpoints = Endpoints("scenarios")


@endpoints.add("GET", "/scenarios", response={"type": "object"})
def list_scenarios(call: ControlCall) -> Any:
    """List the scenarios, with their states and stubs."""
    stubs = call.control.stubs
    return {"scenarios": stubs.scenarios.to_json(stubs.list_by_age())}


@endpoints.add("POST", "/scenarios/reset")
def reset_scenarios(call: ControlCall) -> None:
    """Put all scenarios back to where they begin."""
    call.control.stubs.scenarios.reset()


@endpoints.add(
    "PUT",
    "/scenarios/{name}/state",
    request={"type": "object", "properties": {"state": {"type": "string"}}},
    statuses={404: "There is no such scenario.", 422: "The scenario has no such state."},
)
def set_scenario_state(call: ControlCall) -> None:
    """Put a scenario into a state; without a body, back to where it begins."""
    fields = read_object(call.json_object(), "", ("state",))
    stubs, name = call.control.stubs, call.args["name"]
    if call.is_empty:
        stubs.scenarios.reset_one(name)
    else:
        state = read_text(fields["state"], "/state") if "state" in fields else None
        stubs.scenarios.set_state(name, state, stubs.list_all())
