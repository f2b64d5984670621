"""The events by name: which payload each has, so that type checkers know it too.

Type checkers cannot read the contract's `Event` objects, so the names are written once more here, as `Literal` types.
A test compares them with the contract.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from typing import Any, Generic, Literal, NamedTuple, TypeVar, overload

from duologue.contract import Event, events
from duologue.contract.chats import ChatDeleted, ChatEvent
from duologue.contract.messages import MessageEvent
from duologue.contract.notifications import Notification
from duologue.contract.smart_chat import MessageDelta, Typing
from duologue.contract.users import UserDeleted, UserEvent

N = TypeVar("N", bound=str)
P = TypeVar("P")


class ReceivedEvent(NamedTuple, Generic[N, P]):
    """An event that was received; it can be unpacked: `name, payload = live.receive()`.

    Args:
        name: its name, as `user:created`.
        payload: the contract's model, or JSON values where the contract does not have the event.
    """

    name: N
    payload: P


UserEventName = Literal["user:created", "user:updated"]
UserDeletedName = Literal["user:deleted"]
ChatEventName = Literal["chat:created", "chat:updated"]
ChatDeletedName = Literal["chat:deleted"]
MessageEventName = Literal["message:created"]
MessageDeltaName = Literal["message:delta"]
TypingName = Literal["chat:typing"]
NotificationName = Literal["notification:new"]

EventName = (
    UserEventName
    | UserDeletedName
    | ChatEventName
    | ChatDeletedName
    | MessageEventName
    | MessageDeltaName
    | TypingName
    | NotificationName
)
"""The names of the contract's events."""

AnyEvent = (
    ReceivedEvent[UserEventName, UserEvent]
    | ReceivedEvent[UserDeletedName, UserDeleted]
    | ReceivedEvent[ChatEventName, ChatEvent]
    | ReceivedEvent[ChatDeletedName, ChatDeleted]
    | ReceivedEvent[MessageEventName, MessageEvent]
    | ReceivedEvent[MessageDeltaName, MessageDelta]
    | ReceivedEvent[TypingName, Typing]
    | ReceivedEvent[NotificationName, Notification]
)
"""Any event of the contract: after `if event.name == "user:created":` type checkers know the payload.

A server may send an event that the contract does not have. It is received too, with JSON values as its payload, but has
no part in this type, without which `==` would narrow nothing; declare it as an `Event` to receive it with a type."""


class TypedEvents:
    """Base of `Realtime`: the methods that take the name of an event, with an overload for each payload."""

    @overload
    def subscribe(self, event: UserEventName, callback: Callable[[UserEvent], object]) -> None: ...
    @overload
    def subscribe(self, event: UserDeletedName, callback: Callable[[UserDeleted], object]) -> None: ...
    @overload
    def subscribe(self, event: ChatEventName, callback: Callable[[ChatEvent], object]) -> None: ...
    @overload
    def subscribe(self, event: ChatDeletedName, callback: Callable[[ChatDeleted], object]) -> None: ...
    @overload
    def subscribe(self, event: MessageEventName, callback: Callable[[MessageEvent], object]) -> None: ...
    @overload
    def subscribe(self, event: MessageDeltaName, callback: Callable[[MessageDelta], object]) -> None: ...
    @overload
    def subscribe(self, event: TypingName, callback: Callable[[Typing], object]) -> None: ...
    @overload
    def subscribe(self, event: NotificationName, callback: Callable[[Notification], object]) -> None: ...
    @overload
    def subscribe(self, event: Event[P], callback: Callable[[P], object]) -> None: ...
    def subscribe(self, event: Event[Any] | str, callback: Callable[..., object]) -> None:
        """Call a function for each event of a name from now on, over reconnections; also possible before `connect()`.

        Callbacks are called one after the other, on a thread of their own, in the order in which events came.

            live.subscribe("user:created", lambda event: print(event.user.name))

        Args:
            event: the name of an event of the contract; or an `Event`, also one of your own: `Event("order:shipped")`.
            callback: called with the payload; it may call this client. An exception in it is logged.

        Raises:
            ValueError: the contract has no event of that name.
        """
        self._subscribe(event, callback)

    @overload
    def receive(self, *, timeout: float | None = None) -> AnyEvent: ...
    @overload
    def receive(
        self, event: UserEventName, *, timeout: float | None = None
    ) -> ReceivedEvent[UserEventName, UserEvent]: ...
    @overload
    def receive(
        self, event: UserDeletedName, *, timeout: float | None = None
    ) -> ReceivedEvent[UserDeletedName, UserDeleted]: ...
    @overload
    def receive(
        self, event: ChatEventName, *, timeout: float | None = None
    ) -> ReceivedEvent[ChatEventName, ChatEvent]: ...
    @overload
    def receive(
        self, event: ChatDeletedName, *, timeout: float | None = None
    ) -> ReceivedEvent[ChatDeletedName, ChatDeleted]: ...
    @overload
    def receive(
        self, event: MessageEventName, *, timeout: float | None = None
    ) -> ReceivedEvent[MessageEventName, MessageEvent]: ...
    @overload
    def receive(
        self, event: MessageDeltaName, *, timeout: float | None = None
    ) -> ReceivedEvent[MessageDeltaName, MessageDelta]: ...
    @overload
    def receive(self, event: TypingName, *, timeout: float | None = None) -> ReceivedEvent[TypingName, Typing]: ...
    @overload
    def receive(
        self, event: NotificationName, *, timeout: float | None = None
    ) -> ReceivedEvent[NotificationName, Notification]: ...
    @overload
    def receive(self, event: Event[P], *, timeout: float | None = None) -> ReceivedEvent[str, P]: ...
    def receive(
        self, event: Event[Any] | str | None = None, *, timeout: float | None = None
    ) -> ReceivedEvent[Any, Any]:
        """Return the next event. Up to 10,000 events wait to be received, then the oldest are dropped.

            name, event = live.receive("user:created", timeout=5)
            print(event.user.name)

        Args:
            event: wait for an event of this name, or this `Event`; others stay for later calls. None takes any event.
            timeout: seconds to wait; None waits without limit.

        Raises:
            RequestTimeout: there was none within the timeout.
            ConnectionLostError: there is no connection, and none will be made.
            AuthenticationError: the same, because the server refused us or the login has ended.
            ResponseValidationError: the event is not what the contract promises.
            ValueError: the contract has no event of that name.
        """
        return self._receive(event, timeout)

    @overload
    def events(self) -> Iterator[AnyEvent]: ...
    @overload
    def events(self, event: UserEventName) -> Iterator[ReceivedEvent[UserEventName, UserEvent]]: ...
    @overload
    def events(self, event: UserDeletedName) -> Iterator[ReceivedEvent[UserDeletedName, UserDeleted]]: ...
    @overload
    def events(self, event: ChatEventName) -> Iterator[ReceivedEvent[ChatEventName, ChatEvent]]: ...
    @overload
    def events(self, event: ChatDeletedName) -> Iterator[ReceivedEvent[ChatDeletedName, ChatDeleted]]: ...
    @overload
    def events(self, event: MessageEventName) -> Iterator[ReceivedEvent[MessageEventName, MessageEvent]]: ...
    @overload
    def events(self, event: MessageDeltaName) -> Iterator[ReceivedEvent[MessageDeltaName, MessageDelta]]: ...
    @overload
    def events(self, event: TypingName) -> Iterator[ReceivedEvent[TypingName, Typing]]: ...
    @overload
    def events(self, event: NotificationName) -> Iterator[ReceivedEvent[NotificationName, Notification]]: ...
    @overload
    def events(self, event: Event[P]) -> Iterator[ReceivedEvent[str, P]]: ...
    def events(self, event: Event[Any] | str | None = None) -> Iterator[ReceivedEvent[Any, Any]]:
        """Yield events as they come, over reconnections, until `disconnect()` or `close()`.

        An event that is not what the contract promises is logged and left out.

        Args:
            event: yield events of this name, or this `Event`, and leave others to be received. None yields all.

        Raises:
            ConnectionLostError: the connection was lost, and reconnecting failed.
            AuthenticationError: the server refused us, or the login has ended.
            ValueError: the contract has no event of that name.
        """
        return self._iter_events(event)

    def _subscribe(self, event: Event[Any] | str, callback: Callable[..., object]) -> None:
        raise NotImplementedError

    def _receive(self, event: Event[Any] | str | None, timeout: float | None) -> ReceivedEvent[Any, Any]:
        raise NotImplementedError

    def _iter_events(self, event: Event[Any] | str | None) -> Iterator[ReceivedEvent[Any, Any]]:
        raise NotImplementedError


class EventRegistry:
    """The events that a connection knows: the contract's, and those that a program has declared itself."""

    def __init__(self) -> None:
        self._contract = {event.name: event for event in events()}
        self._events = dict(self._contract)

    def find(self, name: str) -> Event[Any] | None:
        """Return the event of a name, None if it is unknown."""
        return self._events.get(name)

    def register(self, event: Event[Any] | str) -> str:
        """Return the name of an event; an `Event` that is not the contract's is known from now on.

        Raises:
            ValueError: the contract has no event of that name, or another `Event` for it.
        """
        if isinstance(event, str):
            if event not in self._contract:
                raise ValueError(self._describe_unknown(event))
            return event
        if self._contract.get(event.name, event) is not event:
            raise ValueError(f"The contract has an event {event.name!r}; pass its name instead of an Event")
        self._events[event.name] = event
        return event.name

    def _describe_unknown(self, name: str) -> str:
        nearest = [repr(other) for other in difflib.get_close_matches(name, self._contract)]
        hint = f"Did you mean {' or '.join(nearest)}?" if nearest else f"There are {', '.join(self._contract)}."
        return f"The contract has no event {name!r}. {hint} For an event of your own, pass Event({name!r})."
