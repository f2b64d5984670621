"""What must be made anew in a forked process: locks that a vanished thread holds, sockets that are the parent's."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol


class Forked(Protocol):
    """An object that does not survive a fork as it is."""

    def after_fork(self) -> None:
        """Make anew what the child must not share with its parent; called in the child, before anything else runs."""
        ...


_owners: weakref.WeakKeyDictionary[object, tuple[str, ...]] = weakref.WeakKeyDictionary()
_watched: weakref.WeakSet[Forked] = weakref.WeakSet()


def watch(forked: Forked) -> None:
    """Have an object's `after_fork` called in every forked process, for as long as somebody holds the object."""
    _watched.add(forked)


def watch_locks(owner: object, *names: str) -> None:
    """Have an object's locks replaced in every forked process: a thread that is not there any more may hold them.

    Args:
        owner: the object.
        names: the attributes in which its locks are.
    """
    _owners[owner] = names


def _tell_all() -> None:
    for owner, names in list(_owners.items()):
        for name in names:
            reentrant = isinstance(getattr(owner, name), type(threading.RLock()))
            setattr(owner, name, threading.RLock() if reentrant else threading.Lock())
    for forked in list(_watched):
        forked.after_fork()


if hasattr(os, "register_at_fork"):  # not where there is no fork
    os.register_at_fork(after_in_child=_tell_all)
