"""Replacing what a forked process must not share: locks that a lost thread holds, sockets of the parent."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol


class Forked(Protocol):
    """An object that must be repaired after a fork."""

    def after_fork(self) -> None:
        """Replace what the child must not share with its parent; called in the child, before anything else runs."""
        ...


_owners: weakref.WeakKeyDictionary[object, tuple[str, ...]] = weakref.WeakKeyDictionary()
_watched: weakref.WeakSet[Forked] = weakref.WeakSet()


def watch(forked: Forked) -> None:
    """Call an object's `after_fork` in every forked process, for as long as the object is referenced."""
    _watched.add(forked)


def watch_locks(owner: object, *names: str) -> None:
    """Replace an object's locks in every forked process: a thread that the child does not have may hold them.

    Args:
        owner: the object.
        names: the attributes that hold its locks.
    """
    _owners[owner] = names


def _repair_all() -> None:
    for owner, names in list(_owners.items()):
        for name in names:
            reentrant = isinstance(getattr(owner, name), type(threading.RLock()))
            setattr(owner, name, threading.RLock() if reentrant else threading.Lock())
    for forked in list(_watched):
        forked.after_fork()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_repair_all)
