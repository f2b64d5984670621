"""Everything the mock remembers, behind one door."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

from duologue.contract.core import Event
from duologue_mock.store.chats import Chats
from duologue_mock.store.clock import Clock, IdGenerator, SystemClock
from duologue_mock.store.sessions import LoginSessions
from duologue_mock.store.users import Users

T = TypeVar("T")
Listener = Callable[[Event[Any], Any, "str | None"], None]


class State:
    """The users, logins, chats and messages of one mock.

    `with state:` makes a change whole: nothing else is read or written meanwhile, and what is announced inside is
    told in the order of the changes.

    Args:
        clock: the time everything obeys.
        ids: where new ids come from.
    """

    def __init__(self, *, clock: Clock | None = None, ids: IdGenerator | None = None) -> None:
        self.clock: Clock = clock or SystemClock()
        self.ids = ids or IdGenerator()
        self.users = Users()
        self.logins = LoginSessions()
        self.chats = Chats()
        self.started = self.clock.seconds()
        self._lock = threading.RLock()
        self._listeners: list[Listener] = []

    def __enter__(self) -> State:
        self._lock.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def subscribe(self, listener: Listener) -> None:
        """Call `listener(event, payload, user_id)` for everything announced from now on."""
        self._listeners.append(listener)

    @property
    def heard(self) -> bool:
        """Whether anybody listens: what is made only to be told need not be made for nobody."""
        return bool(self._listeners)

    def publish(self, event: Event[T], payload: T, *, user_id: str | None = None) -> None:
        """Tell the listeners of a change that has been made.

        Args:
            event: which event of the contract.
            payload: its model.
            user_id: the user it concerns, where the event's audience is one.
        """
        for listener in self._listeners:
            listener(event, payload, user_id)
