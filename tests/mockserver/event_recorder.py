"""Recording the events that a state publishes."""

from __future__ import annotations

from typing import Any

from duologue.contract import Event
from duologue_mock.store import State


class EventRecorder:
    """Records each event: its name, its payload, and the user it concerns."""

    def __init__(self, state: State) -> None:
        self.all: list[tuple[str, Any, str | None]] = []
        state.subscribe(self._record)

    def _record(self, event: Event[Any], payload: Any, user_id: str | None) -> None:
        event.payload.dump(payload)  # a payload must be valid
        self.all.append((event.name, payload, user_id))

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.all]

    def payloads(self, name: str) -> list[Any]:
        return [payload for event, payload, _ in self.all if event == name]
