"""Listening to what a state announces."""

from __future__ import annotations

from typing import Any

from duologue.contract import Event
from duologue_mock.store import State


class Ear:
    """Writes down every announcement: the event's name on the wire, its payload, the user it concerns."""

    def __init__(self, state: State) -> None:
        self.all: list[tuple[str, Any, str | None]] = []
        state.subscribe(self._hear)

    def _hear(self, event: Event[Any], payload: Any, user_id: str | None) -> None:
        event.payload.dump(payload)  # what cannot be sent must not be announced
        self.all.append((event.name, payload, user_id))

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.all]

    def payloads(self, name: str) -> list[Any]:
        return [payload for heard, payload, _ in self.all if heard == name]
