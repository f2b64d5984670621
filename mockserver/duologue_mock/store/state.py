"""The data of one mock, with one lock and the events that changes publish."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from duologue.contract.core import Event
from duologue_mock.store.chats import Chats
from duologue_mock.store.clock import Clock, IdGenerator, SystemClock
from duologue_mock.store.sessions import LoginSessions
from duologue_mock.store.users import Users

T = TypeVar("T")
Subscriber = Callable[[Event[Any], Any, "str | None"], None]


class State:
    """The users, logins, chats and messages of one mock.

    `with state:` makes a change atomic: no other thread reads or writes meanwhile, and events are published in the
    order of the changes.

    Args:
        clock: the time; None for the machine's.
        ids: generates ids; None for random ones.
    """

    def __init__(self, *, clock: Clock | None = None, ids: IdGenerator | None = None) -> None:
        self.clock: Clock = clock or SystemClock()
        self.ids = ids or IdGenerator()
        self.users = Users()
        self.logins = LoginSessions()
        self.chats = Chats()
        self.started = self.clock.seconds()
        self._lock = threading.RLock()
        self._subscribers: list[Subscriber] = []

    def __enter__(self) -> State:
        self._lock.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    @property
    def is_empty(self) -> bool:
        """Whether there are neither users nor sessions."""
        return not (len(self.users) or len(self.chats))

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call `subscriber(event, payload, user_id)` for each event; return a function that ends that."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    @property
    def has_subscribers(self) -> bool:
        """Whether published events have subscribers; payloads that only an event needs are not built for none."""
        return bool(self._subscribers)

    def publish(self, event: Event[T], payload: T, *, user_id: str | None = None) -> None:
        """Publish an event about a change that has been made.

        Args:
            event: an event of the contract.
            payload: its model.
            user_id: the user that it concerns, where the event is for one.
        """
        for subscriber in tuple(self._subscribers):
            subscriber(event, payload, user_id)
