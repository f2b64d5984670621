"""Replacing what a forked process must not share: locks that a lost thread holds, sockets of the parent."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from typing import Protocol

_log = logging.getLogger("duologue")


class Forked(Protocol):
    """An object that must be repaired after a fork."""

    def after_fork(self) -> None:
        """Replace what the child must not share with its parent; called in the child, before anything else runs.

        All locks that are watched have been replaced by then. The only thread is the one that called `os.fork`.
        """
        ...


_owners: weakref.WeakKeyDictionary[object, tuple[str, ...]] = weakref.WeakKeyDictionary()
_watched: weakref.WeakSet[Forked] = weakref.WeakSet()


def watch(forked: Forked) -> None:
    """Call an object's `after_fork` in every forked process, for as long as the object is referenced."""
    _watched.add(forked)


def watch_locks(owner: object, *names: str) -> None:
    """Replace an object's locks and events in every forked process: a thread that is lost there may hold them.

    Args:
        owner: the object.
        names: the attributes that hold its locks and events.
    """
    _owners[owner] = names


def replace_locks(owner: object, *names: str) -> None:
    """Replace an object's locks and events by new ones; an event that was set is set again. For `after_fork`."""
    for name in names:
        setattr(owner, name, _copy(getattr(owner, name)))


def _copy(primitive: object) -> object:
    if isinstance(primitive, threading.Event):
        event = threading.Event()
        if primitive.is_set():
            event.set()
        return event
    return threading.RLock() if isinstance(primitive, type(threading.RLock())) else threading.Lock()


def _repair_all() -> None:
    for owner, names in list(_owners.items()):
        replace_locks(owner, *names)
    for forked in list(_watched):
        try:
            forked.after_fork()
        except Exception:  # the others must be repaired all the same
            _log.exception("%r could not be repaired after a fork", type(forked).__name__)


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_repair_all)
