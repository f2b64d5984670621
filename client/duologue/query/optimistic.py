"""Optimistic updates: a base, and an ordered list of changes on top of it.

TanStack Query's recipe puts a snapshot back when a mutation fails, and with it undoes whatever a second mutation did in
the meantime. Here a failed change is taken out of the list, and the others stay.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from duologue.query.state import MISSING

_log = logging.getLogger("duologue")

Update = Callable[[Any], Any]


class Patch:
    """One optimistic change of one query.

    Args:
        update: returns the changed data; it gets what the changes before it made, and must not alter that.
    """

    __slots__ = ("settled_at", "update")

    def __init__(self, update: Update) -> None:
        self.update = update
        self.settled_at: int | None = None
        """When the server was known to have made the change, in the cache's own count."""

    def applied(self, data: object) -> object:
        """Return changed data. A change that does not fit the data, as it has become, is left out and logged."""
        try:
            return self.update(data)
        except Exception:  # whatever the update of a stranger may raise
            _log.exception("An optimistic update failed")
            return data


def applied(patches: Iterable[Patch], base: object) -> object:
    """Return the base with all changes on it; where there is no data, there is nothing to change."""
    if base is MISSING:
        return base
    for patch in patches:
        base = patch.applied(base)
    return base


def unsettled(patches: Iterable[Patch], before: int | None = None) -> tuple[Patch, ...]:
    """Return the changes that data which has just come cannot know of.

    Args:
        patches: all changes.
        before: data that was asked for at this moment knows what was settled until then; None knows all of that.
    """
    return tuple(
        patch for patch in patches if patch.settled_at is None or (before is not None and patch.settled_at > before)
    )


def compacted(base: object, patches: Sequence[Patch]) -> tuple[object, tuple[Patch, ...]]:
    """Move the settled changes at the head of the list into the base; those behind an unsettled one stay there."""
    rest = list(patches)
    while rest and rest[0].settled_at is not None:
        base = applied([rest.pop(0)], base)
    return base, tuple(rest)
