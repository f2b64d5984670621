"""Channels: the connected clients, how one names some of them, and what may be sent to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError

from duologue.contract import events, notifications
from duologue.contract.core import Event
from duologue.contract.fields import format_timestamp
from duologue_mock.control.errors import invalid
from duologue_mock.control.json_keys import find_nearest, join_pointer, read_object, show
from duologue_mock.realtime.messages import Channel
from duologue_mock.store import State

if TYPE_CHECKING:
    from duologue_mock.realtime.connection import Connection

_SELECTORS = ("userId", "role", "chatUserId", "channelId")
_ALL = "all"


def describe_channel(channel: Channel) -> dict[str, Any]:
    """Return the JSON of a client."""
    parts = {"id": channel.id, "userId": channel.user_id, "role": channel.role, "chatUserId": channel.chat_user_id}
    return {name: value for name, value in parts.items() if value is not None}


def describe_connection(connection: Connection) -> dict[str, Any]:
    """Return the JSON of a client that is connected."""
    return {
        **describe_channel(connection.channel),
        "rooms": connection.list_rooms(),
        "transport": connection.transport,
        "since": connection.connected_at,
    }


def select_connections(connections: Sequence[Connection], to: Any) -> list[Connection]:
    """Return the clients that `to` of a control call means.

    Args:
        connections: all clients.
        to: the JSON: one of `{"userId"}`, `{"role"}`, `{"chatUserId"}`, `{"channelId"}`, or `"all"`.

    Raises:
        ControlError: it is none of these.
    """
    if to == _ALL:
        return list(connections)
    fields = read_object(to, "/to", _SELECTORS)
    if len(fields) != 1:
        raise invalid("/to", f"Must be {_ALL!r} or an object with one of {', '.join(_SELECTORS)}, not {show(to)}.")
    ((key, value),) = fields.items()
    if not isinstance(value, str):
        raise invalid(f"/to/{key}", f"Must be a text, not {show(value)}.")
    return [one for one in connections if describe_channel(one.channel).get(_get_field(key)) == value]


def _get_field(key: str) -> str:
    return "id" if key == "channelId" else key


def build_payload(state: State, name: Any, payload: Any) -> Any:
    """Return the payload of an event of the contract, checked; what is missing of a notification is filled in.

    Args:
        state: generates the notification's id, and has the time.
        name: the event.
        payload: the JSON; None for nothing.

    Raises:
        ControlError: the contract has no such event, or its payload is another.
    """
    event = _find_event(name)
    payload = {} if payload is None else payload
    if event is notifications.NEW and isinstance(payload, dict):
        payload = {**_build_notification(state), **payload}
    try:
        event.payload.load(payload)
    except ValidationError as error:
        pointer, reason = _find_first_error(error.messages, "/payload")
        raise invalid(
            pointer, f"{reason} The contract says what {event.name} has; `validate: false` sends it all the same."
        ) from None
    return payload


def _build_notification(state: State) -> dict[str, Any]:
    created_at = format_timestamp(state.clock.now())
    return {"id": state.ids.notification_id(), "type": "message", "message": "", "createdAt": created_at, "read": False}


def _find_event(name: Any) -> Event[Any]:
    by_name = {event.name: event for event in events()}
    event = by_name.get(name) if isinstance(name, str) else None
    if event is None:
        nearest = find_nearest(str(name), by_name)
        hint = f"Did you mean {nearest!r}?" if nearest else f"Its events are {', '.join(by_name)}."
        detail = f"The contract has no event {show(name)}. {hint} `validate: false` sends any."
        raise invalid("/event", detail)
    return event


def _find_first_error(messages: Any, pointer: str) -> tuple[str, str]:
    """Return where the first error of marshmallow's is, as a JSON pointer, and what it says."""
    while isinstance(messages, dict) and messages:
        key, messages = next(iter(messages.items()))
        pointer = pointer if key == "_schema" else join_pointer(pointer, key)
    text = messages[0] if isinstance(messages, list) and messages else messages
    return pointer, str(text)
