"""Scenarios: states that stubs require and change, so that one request changes what the next one gets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from duologue_mock.control.errors import ControlError
from duologue_mock.control.stubs.mapping import STARTED, StubMapping

UNKNOWN_STATE = 11
"""WireMock's code of a state that a scenario does not have."""


class Scenarios:
    """The states of the scenarios that the stubs of a namespace name. One without a stub does not exist."""

    def __init__(self) -> None:
        self._states: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def allows(self, stub: StubMapping) -> bool:
        """Whether a stub's scenario is in the state that the stub requires."""
        return stub.required_state is None or self._states.get(stub.scenario_name or "") == stub.required_state

    def advance(self, stub: StubMapping) -> None:
        """Change the scenario's state as a stub does that has been served."""
        if stub.scenario_name is not None and stub.new_state is not None:
            self._states[stub.scenario_name] = stub.new_state

    def add(self, stub: StubMapping) -> None:
        """Note a new stub; the first of a scenario begins it."""
        name = stub.scenario_name
        if name is not None:
            self._states.setdefault(name, STARTED)
            self._counts[name] = self._counts.get(name, 0) + 1

    def remove(self, stub: StubMapping) -> None:
        """Note that a stub is gone; the last of a scenario ends it."""
        name = stub.scenario_name
        if name is not None:
            self._counts[name] -= 1
            if not self._counts[name]:
                del self._states[name], self._counts[name]

    def reset(self) -> None:
        """Put all scenarios back to where they begin."""
        self._states = dict.fromkeys(self._states, STARTED)

    def reset_one(self, name: str) -> None:
        """Put one scenario back to where it begins.

        Raises:
            ControlError: there is no such scenario (404).
        """
        self._check(name)
        self._states[name] = STARTED

    def set_state(self, name: str, state: str | None, stubs: Iterable[StubMapping]) -> None:
        """Put a scenario into a state.

        Args:
            name: the scenario's name.
            state: one of its states.
            stubs: the stubs of the namespace.

        Raises:
            ControlError: there is no such scenario (404), or it has no such state (422).
        """
        self._check(name)
        possible = _list_states(stub for stub in stubs if stub.scenario_name == name)
        if state is None or state not in possible:
            hint = f"Its states are {', '.join(possible)}." if possible else "It has no states."
            title = f"Scenario {name} does not support state {'null' if state is None else state}"
            raise ControlError(422, title, detail=hint, code=UNKNOWN_STATE)
        self._states[name] = state

    def _check(self, name: str) -> None:
        if name not in self._states:
            raise ControlError(404, f"Scenario {name} does not exist", code=404)

    def to_json(self, stubs: Iterable[StubMapping]) -> list[dict[str, Any]]:
        """Return the scenarios as WireMock's JSON has them.

        Args:
            stubs: the stubs of the namespace, the oldest first.
        """
        members: dict[str, list[StubMapping]] = {name: [] for name in self._states}
        for stub in stubs:
            if stub.scenario_name is not None:
                members[stub.scenario_name].append(stub)
        return [
            {
                "id": name,
                "name": name,
                "state": self._states[name],
                "possibleStates": _list_states(own),
                "mappings": [stub.json for stub in own],
            }
            for name, own in members.items()
        ]


def _list_states(stubs: Iterable[StubMapping]) -> list[str]:
    """Return the states that stubs require or lead to, each once, in their order."""
    states = (state for stub in stubs for state in (stub.required_state, stub.new_state) if state is not None)
    return list(dict.fromkeys(states))
