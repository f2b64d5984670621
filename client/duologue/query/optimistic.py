"""Optimistic updates: base data, and an ordered list of patches on top of it.

TanStack Query's recipe restores a snapshot when a mutation fails, which also undoes what a second mutation changed
meanwhile. Here the failed patch is removed from the list, and the others stay.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

from duologue.query.state import MISSING

_log = logging.getLogger("duologue")


class Patch:
    """One optimistic change of one query.

    Args:
        update: returns the changed data; it gets the result of the patches before it, and must not modify that.
    """

    __slots__ = ("committed_at", "thread", "update")

    def __init__(self, update: Callable[[Any], Any]) -> None:
        self.update = update
        self.thread = threading.get_ident()
        self.committed_at: int | None = None
        """When the server confirmed the change, in the cache's sequence; None before that."""

    def apply(self, data: object) -> object:
        """Return changed data. A patch that fails on the data as it is now is skipped and logged."""
        try:
            return self.update(data)
        except Exception:  # an update function may raise anything
            _log.exception("An optimistic update failed")
            return data


def apply_patches(base: object, patches: Iterable[Patch]) -> object:
    """Return the base with all patches applied; `MISSING` stays `MISSING`."""
    if base is MISSING:
        return base
    for patch in patches:
        base = patch.apply(base)
    return base


def keep_pending(patches: Iterable[Patch], started_at: int | None = None) -> tuple[Patch, ...]:
    """Return the patches that new data does not include yet.

    Args:
        patches: all patches.
        started_at: when the fetch of the data started, in the cache's sequence: it includes what was committed before.
            None: it includes everything that is committed.
    """
    return tuple(
        patch
        for patch in patches
        if patch.committed_at is None or (started_at is not None and patch.committed_at > started_at)
    )


def merge_committed(base: object, patches: Sequence[Patch]) -> tuple[object, tuple[Patch, ...]]:
    """Merge the committed patches at the head of the list into the base; those behind a pending one stay."""
    rest = list(patches)
    while rest and rest[0].committed_at is not None:
        base = apply_patches(base, [rest.pop(0)])
    return base, tuple(rest)


class OptimisticUpdate:
    """A change that the server is still to make; a context manager that commits it, or rolls it back on an error.

        with query_client.optimistic_update(("users", "1"), lambda user: replace(user, name="Ada")):
            api.users.update("1", name="Ada")

    Args:
        commit: commits the patches.
        rollback: removes them.
    """

    def __init__(self, commit: Callable[[], None], rollback: Callable[[], None]) -> None:
        self._commit = commit
        self._rollback = rollback

    def commit(self) -> None:
        """Make the change part of the data: the server has made it."""
        self._commit()

    def rollback(self) -> None:
        """Undo the change: the server has not made it. Other changes stay."""
        self._rollback()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            self.commit()
        else:
            self.rollback()
