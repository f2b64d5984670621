"""Telling listeners what happened: in order, outside all locks."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_log = logging.getLogger("duologue")


class ListenerQueue(Generic[T]):
    """What one listener is still to be told.

    Things are put in under a lock, which gives them their order, and told later by whichever thread comes first; one
    thread at a time, so that they arrive in that order. A listener that causes further things is told of them when
    it returns.

    Args:
        tell: called with each thing. What it raises is logged and harms nobody else.
    """

    __slots__ = ("_busy", "_things", "tell")

    def __init__(self, tell: Callable[[T], object]) -> None:
        self.tell = tell
        self._things: deque[T] = deque()
        self._busy = threading.Lock()

    def put(self, thing: T) -> None:
        """Add a thing."""
        self._things.append(thing)

    def empty(self) -> None:
        """Tell all there is to tell, unless another thread, or this one further up, is at it."""
        while self._things and self._busy.acquire(blocking=False):
            try:
                self._tell_all()
            finally:
                self._busy.release()

    def _tell_all(self) -> None:
        while self._things:
            thing = self._things.popleft()
            try:
                self.tell(thing)
            except Exception:  # whatever a listener may raise
                _log.exception("%s failed", getattr(self.tell, "__qualname__", self.tell))


class NotifyManager:
    """The mailboxes that have something in them."""

    def __init__(self) -> None:
        self._due: deque[ListenerQueue[object]] = deque()

    def put(self, mailbox: ListenerQueue[T], thing: T) -> None:
        """Put a thing into a mailbox, to be told by the next `deliver`."""
        mailbox.put(thing)
        self._due.append(mailbox)  # type: ignore[arg-type]  # it is only ever emptied

    def deliver(self) -> None:
        """Empty the mailboxes; to be called without holding any lock."""
        while self._due:
            try:
                mailbox = self._due.popleft()
            except IndexError:  # another thread was faster
                return
            mailbox.empty()
