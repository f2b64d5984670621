"""Real-time events in the cache: `api.queries.sync(api.realtime)`, the platform document's `useWebSocket`."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

from duologue.contract import Event, chats, messages, notifications, users
from duologue.contract.chats import ChatDeleted, ChatEvent
from duologue.contract.messages import MessageEvent
from duologue.contract.notifications import Notification
from duologue.contract.users import UserDeleted, UserEvent
from duologue.query.keys import Key
from duologue.query.resource_queries.entity_updates import edited

if TYPE_CHECKING:
    from duologue.query.client import QueryClient


class Events(Protocol):
    """What is followed: `api.realtime`, or anything with these methods."""

    def subscribe(self, event: Any, callback: Callable[..., object]) -> object:
        """Have a function called for each event."""
        ...

    def unsubscribe(self, event: Any, callback: Callable[..., object]) -> object:
        """Have it called no more."""
        ...

    def on(self, name: Literal["reconnected"], callback: Callable[[Any], object]) -> object:
        """Have a function called when a lost connection is there again."""
        ...

    def off(self, name: Literal["reconnected"], callback: Callable[[Any], object]) -> object:
        """Have it called no more."""
        ...


class RealtimeSync:
    """Keeps the cache up to date with events for as long as it is not stopped; a context manager.

    What an event brings whole is put in its place, and lists that it may have changed are invalidated: a list is never
    made of events. Notifications are, since the services have no list of them; they are kept under
    `("notifications",)`, the newest first.

    After a reconnection all of it is invalidated: what happened meanwhile was missed.

    A connection speaks for whoever made it. When somebody else logs in, what still comes over it only invalidates;
    connect and follow anew.

    Args:
        queries: the cache.
        events: what is followed.
    """

    def __init__(self, queries: QueryClient, events: Events) -> None:
        self._queries = queries
        self._events = events
        self._generation = queries.generation
        self._handlers: tuple[tuple[Event[Any], Callable[[Any], None]], ...] = (
            (users.CREATED, self._user),
            (users.UPDATED, self._user),
            (users.DELETED, self._user_gone),
            (chats.CREATED, self._chat),
            (chats.UPDATED, self._chat),
            (chats.DELETED, self._chat_gone),
            (messages.CREATED, self._message),
            (notifications.NEW, self._notification),
        )
        for event, handler in self._handlers:
            events.subscribe(event, handler)
        events.on("reconnected", self._reconnected)

    def stop(self) -> None:
        """Follow no more."""
        self._events.off("reconnected", self._reconnected)
        for event, handler in self._handlers:
            self._events.unsubscribe(event, handler)

    def missed(self) -> None:
        """Invalidate all that events keep up to date: some were missed, as while there was no connection."""
        for noun in ("users", "me", "chats", "messages"):
            self._queries.invalidate((noun,))

    def _reconnected(self, _: object) -> None:
        self.missed()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _user(self, event: UserEvent) -> None:
        self._put(("users", event.user_id), event.user, ("users",), ("me",))
        self._queries.invalidate(("users",))

    def _user_gone(self, event: UserDeleted) -> None:
        self._queries.remove_inactive(("users", event.user_id))
        self._queries.invalidate(("users",))

    def _chat(self, event: ChatEvent) -> None:
        self._put(("chats", event.session.id), event.session, ("chats",))
        self._queries.invalidate(("chats",))

    def _chat_gone(self, event: ChatDeleted) -> None:
        for prefix in (("chats", event.session_id), ("messages", event.session_id)):
            self._queries.remove_inactive(prefix)
        self._queries.invalidate(("chats",))

    def _message(self, event: MessageEvent) -> None:
        self._queries.invalidate(("messages", event.session_id))
        self._queries.invalidate(("chats",))

    def _notification(self, event: Notification) -> None:
        def told(known: list[Notification]) -> list[Notification]:
            return [event, *[other for other in known if other.id != event.id]]

        if self._queries.generation == self._generation:
            none: list[Notification] = []
            self._queries.update_data(("notifications",), told, default=none)

    def _put(self, key: Key, thing: Any, *places: Key) -> None:
        """Show a thing where it was shown before, and alone."""
        if self._queries.generation != self._generation:
            return
        for place in places:
            self._queries.set_queries_data(place, lambda shown: edited(shown, thing.id, lambda _: thing))
        self._queries.set_data(key, thing)
