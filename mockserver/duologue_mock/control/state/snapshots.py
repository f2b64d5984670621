"""Snapshots: moments of a namespace to go back to. Taking one costs microseconds: what is the same is stored once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from duologue.contract.fields import format_timestamp
from duologue_mock.control.errors import ControlError, not_found
from duologue_mock.store import State
from duologue_mock.store.clock import ClockSetting
from duologue_mock.store.state import Capture

MAX_SNAPSHOTS = 50
MAX_RECORDS = 500_000
"""Users, sessions, messages, logins and used refresh tokens that all snapshots of a namespace may have together. Where
none was added, changed or removed between two snapshots, those of one kind count once."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}", re.ASCII)


@dataclass(frozen=True)
class Snapshot:
    """The data and the clock of a namespace at one moment."""

    name: str
    taken_at: datetime
    """By the clock of its namespace."""
    capture: Capture
    clock: ClockSetting
    counts: Mapping[str, int]
    """How many records of each kind it has."""

    def count_by_table(self) -> dict[int, int]:
        """Return how many records each table has, by the table's identity: captures share what has not changed."""
        users, chats, logins = self.capture.users, self.capture.chats, self.capture.logins
        return {
            id(users.positions): self.counts["users"],
            id(chats.records): self.counts["chats"] + self.counts["messages"],
            id(logins.sessions): self.counts["logins"] + len(logins.used_tokens),
        }

    def to_json(self) -> dict[str, Any]:
        """Return what a list of snapshots says of it."""
        return {"name": self.name, "takenAt": format_timestamp(self.taken_at), **self.counts}


class Snapshots:
    """The snapshots of one namespace, by name.

    Args:
        state: its data.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._snapshots: dict[str, Snapshot] = {}

    def __len__(self) -> int:
        return len(self._snapshots)

    def __iter__(self) -> Iterator[Snapshot]:
        return iter(tuple(self._snapshots.values()))

    def get(self, name: str) -> Snapshot:
        """Return the snapshot of a name.

        Raises:
            ControlError: there is none (404).
        """
        if name not in self._snapshots:
            raise not_found(f"snapshot {name[:100]!r}")
        return self._snapshots[name]

    def take(self, name: str) -> Snapshot:
        """Take a snapshot, in place of one that has the name already, and return it.

        Raises:
            ControlError: it is no name (422), or the snapshots would take too much memory (422).
        """
        if not _NAME.fullmatch(name):
            detail = f"A name has 1 to 100 of A-Z, a-z, 0-9, '.', '_' and '-', which {name[:100]!r} has not."
            raise ControlError(422, "Invalid name of a snapshot", detail=detail)
        state = self._state
        capture = state.capture()
        snapshot = Snapshot(name, state.clock.now(), capture, state.clock.capture(), count_records(capture))
        others = [other for other in self._snapshots.values() if other.name != name]
        if len(others) >= MAX_SNAPSHOTS:
            raise _too_many(f"The mock stores at most {MAX_SNAPSHOTS} in a namespace.")
        if _count_distinct([*others, snapshot]) > MAX_RECORDS:
            raise _too_many(f"Those of a namespace may have at most {MAX_RECORDS} records together.")
        self._snapshots.pop(name, None)
        self._snapshots[name] = snapshot
        return snapshot

    def restore(self, name: str) -> Snapshot:
        """Return to a snapshot, which stays: to its data and its clock.

        Raises:
            ControlError: there is none of this name (404).
        """
        snapshot = self.get(name)
        self._state.clock.restore(snapshot.clock)
        self._state.restore(snapshot.capture)
        return snapshot

    def remove(self, name: str) -> None:
        """Remove a snapshot.

        Raises:
            ControlError: there is none of this name (404).
        """
        self.get(name)
        del self._snapshots[name]

    def clear(self) -> None:
        """Remove all."""
        self._snapshots.clear()


def count_records(capture: Capture) -> dict[str, int]:
    """Return how many users, chats, messages and logins there are."""
    return {
        "users": len(capture.users.positions),
        "chats": len(capture.chats.records),
        "messages": sum(map(len, capture.chats.messages.values())),
        "logins": len(capture.logins.sessions),
    }


def _count_distinct(snapshots: Iterable[Snapshot]) -> int:
    """Return how many records snapshots have, those of a table that several share once."""
    sizes: dict[int, int] = {}
    for snapshot in snapshots:
        sizes.update(snapshot.count_by_table())
    return sum(sizes.values())


def _too_many(detail: str) -> ControlError:
    return ControlError(422, "Too many snapshots", detail=f"{detail} Remove one that is not needed any more.")
