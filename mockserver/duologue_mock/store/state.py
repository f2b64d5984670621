"""The data of one mock, with one lock and the events that changes publish."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from duologue.contract.core import Event
from duologue_mock.store.chats import Chats, ChatsCapture
from duologue_mock.store.clock import Clock, IdGenerator, IdPosition, MockClock
from duologue_mock.store.sessions import LoginsCapture, LoginSessions
from duologue_mock.store.users import Users, UsersCapture

T = TypeVar("T")
Subscriber = Callable[[Event[Any], Any, "str | None"], None]


@dataclass(frozen=True, slots=True)
class Capture:
    """The data of a mock at one moment. It takes no memory of its own until that data changes."""

    users: UsersCapture
    logins: LoginsCapture
    chats: ChatsCapture
    ids: IdPosition
    started: float


class State:
    """The users, logins, chats and messages of one mock.

    `with state:` makes a change atomic: no other thread reads or writes meanwhile, and events are published in the
    order of the changes.

    Args:
        clock: the time, which `clock` makes one that can be set; None for the machine's.
        ids: generates ids; None for random ones.
    """

    def __init__(self, *, clock: Clock | None = None, ids: IdGenerator | None = None) -> None:
        self.clock = clock if isinstance(clock, MockClock) else MockClock(clock)
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

    def capture(self) -> Capture:
        """Return the data as it is now: users, logins, chats, messages, and the position of the id generator.

        It costs microseconds, whatever the size: what is captured is copied when it is first changed afterwards.
        """
        with self:
            return Capture(
                self.users.capture(), self.logins.capture(), self.chats.capture(), self.ids.capture(), self.started
            )

    def restore(self, capture: Capture) -> None:
        """Return to the data of a capture, which can be of another state. The clock stays as it is.

        Logins that the capture does not have end, which disconnects their sockets. Events are not published.
        """
        with self:
            self.users.restore(capture.users)
            self.chats.restore(capture.chats)
            self.ids.restore(capture.ids)
            self.started = capture.started
            self.logins.restore(capture.logins)

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
