"""Realtime events in the cache: `query_client.sync(api.realtime)`, the Platform API specification's `useWebSocket`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol, Self

from duologue.contract import Event, chats, messages, notifications, users
from duologue.contract.chats import ChatDeleted, ChatEvent
from duologue.contract.messages import MessageEvent
from duologue.contract.notifications import Notification
from duologue.contract.users import UserDeleted, UserEvent
from duologue.query.base_client import BaseQueryClient
from duologue.query.keys import Key
from duologue.query.resource_queries.entity_updates import update_entity


class EventSource(Protocol):
    """Where events come from: `api.realtime`, or anything with these methods."""

    def subscribe(self, event: Any, callback: Callable[..., object]) -> object:
        """Call a function for each event."""
        ...

    def unsubscribe(self, event: Any, callback: Callable[..., object]) -> object:
        """Stop calling it."""
        ...

    def on(self, name: Literal["reconnected", "events_dropped"], callback: Callable[[Any], object]) -> object:
        """Call a function when a lost connection has been restored, or events were dropped."""
        ...

    def off(self, name: Literal["reconnected", "events_dropped"], callback: Callable[[Any], object]) -> object:
        """Stop calling it."""
        ...


class RealtimeSync:
    """Keeps the cache up to date with Realtime events until it is stopped; a context manager.

    The entity in an event replaces the one in the cache, and lists that may have changed are invalidated: an event
    never creates a list, and never makes data fresh of which it says nothing. Notifications are the exception, since
    the services have no list of them: they are kept under `("notifications",)`, the newest first.

    After a reconnection everything is invalidated, since events were missed; also when callbacks were so slow that
    events were dropped.

    A connection belongs to the user who opened it. After another user has logged in, its events only invalidate;
    connect and sync again.

    Args:
        query_client: the cache.
        events: where the events come from.
    """

    def __init__(self, query_client: BaseQueryClient, events: EventSource) -> None:
        self._client = query_client
        self._events = events
        self._generation = query_client.generation
        self._handlers: tuple[tuple[Event[Any], Callable[[Any], None]], ...] = (
            (users.CREATED, self._on_user),
            (users.UPDATED, self._on_user),
            (users.DELETED, self._on_user_deleted),
            (chats.CREATED, self._on_chat),
            (chats.UPDATED, self._on_chat),
            (chats.DELETED, self._on_chat_deleted),
            (messages.CREATED, self._on_message),
            (notifications.NEW, self._on_notification),
        )
        for event, handler in self._handlers:
            events.subscribe(event, handler)
        events.on("reconnected", self._on_events_missed)
        events.on("events_dropped", self._on_events_missed)

    def stop(self) -> None:
        """Stop handling events."""
        self._events.off("reconnected", self._on_events_missed)
        self._events.off("events_dropped", self._on_events_missed)
        for event, handler in self._handlers:
            self._events.unsubscribe(event, handler)

    def invalidate(self) -> None:
        """Invalidate everything that events keep up to date, since some may have been missed."""
        for resource in ("users", "me", "chats", "messages"):
            self._client.invalidate((resource,))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _on_events_missed(self, _: object) -> None:
        self.invalidate()

    def _on_user(self, event: UserEvent) -> None:
        self._set_entity(("users", event.user_id), event.user, ("users",), ("me",))
        self._client.invalidate(("users",))
        if self._client.is_fetching(("me",)):  # its response may be from before the event
            self._client.invalidate(("me",))

    def _on_user_deleted(self, event: UserDeleted) -> None:
        self._client.remove_inactive(("users", event.user_id))
        self._client.invalidate(("users",))

    def _on_chat(self, event: ChatEvent) -> None:
        self._set_entity(("chats", event.session.id), event.session, ("chats",))
        self._client.invalidate(("chats",))

    def _on_chat_deleted(self, event: ChatDeleted) -> None:
        for prefix in (("chats", event.session_id), ("messages", event.session_id)):
            self._client.remove_inactive(prefix)
        self._client.invalidate(("chats",))

    def _on_message(self, event: MessageEvent) -> None:
        self._client.invalidate(("messages", event.session_id))
        self._client.invalidate(("chats",))

    def _on_notification(self, notification: Notification) -> None:
        def prepend(current: list[Notification]) -> list[Notification]:
            return [notification, *[other for other in current if other.id != notification.id]]

        if self._client.generation == self._generation:
            empty: list[Notification] = []
            self._client.update_data(("notifications",), prepend, default=empty)

    def _set_entity(self, key: Key, entity: Any, *prefixes: Key) -> None:
        """Replace an entity wherever it is in the cache, and set it under its own key."""
        if self._client.generation != self._generation:
            return
        for prefix in prefixes:
            self._client.edit_queries_data(prefix, lambda data: update_entity(data, entity.id, lambda _: entity))
        self._client.set_data(key, entity)
