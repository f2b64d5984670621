"""Realtime: the Socket.IO clients of a namespace, what they and the mock send, and how that goes wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from duologue.contract.core import Event
from duologue_mock.control_client.stubs import MappingHandle

if TYPE_CHECKING:
    from duologue_mock.control_client.transport import ControlTransport

MessageAction = Literal["drop", "delay", "duplicate", "disconnect", "refuse"]
"""What a message mapping does with an event; `refuse` is for `connect`."""

EventName = Event[Any] | str
"""An event of the contract, or its name."""

_CHAT_USER = "chat:"


@dataclass(frozen=True)
class Channel:
    """A Socket.IO client that is connected."""

    id: str
    user_id: str | None = None
    """The platform user whose token it has."""
    role: str | None = None
    """That user's role."""
    chat_user_id: str | None = None
    """The chat service's user whose API key it has."""
    rooms: tuple[str, ...] = ()
    transport: str | None = None
    """`websocket` or `polling`."""
    since: datetime | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """It as the mock has it."""


class MessageStub(MappingHandle):
    """A message mapping of a mock. As a context manager, it is removed when the block ends."""

    _path = "message-mappings"

    def __repr__(self) -> str:
        return f"<MessageStub {self.mapping.get('event')} {self.mapping.get('action')}>"


def list_channels(transport: ControlTransport) -> list[Channel]:
    """Return the clients that are connected.

    Raises:
        ControlAPIError: the call failed.
    """
    return [_parse_channel(channel) for channel in transport.call("GET", "/channels")["channels"]]


def send_event(
    transport: ControlTransport,
    event: EventName,
    payload: Any,
    *,
    to: Mapping[str, str] | None,
    validate: bool,
) -> Mapping[str, Any]:
    """Send an event; `MockControl.send` describes the arguments.

    Raises:
        ControlAPIError: the call failed, or the payload is not the contract's.
    """
    body: dict[str, Any] = {"event": get_event_name(event), "payload": payload}
    if to is not None:
        body["to"] = dict(to)
    if not validate:
        body["validate"] = False
    return transport.call("POST", "/channels/send", body) or {}


def get_recipient(user_id: str) -> dict[str, str]:
    """Return whom an event is for: a user of the platform or, with `chat:` before the id, of the chat service."""
    if user_id.startswith(_CHAT_USER):
        return {"chatUserId": user_id.removeprefix(_CHAT_USER)}
    return {"userId": user_id}


def get_event_name(event: EventName) -> str:
    """Return an event's name."""
    return event if isinstance(event, str) else event.name


def _parse_channel(channel: Mapping[str, Any]) -> Channel:
    since = channel.get("since")
    return Channel(
        id=str(channel["id"]),
        user_id=channel.get("userId"),
        role=channel.get("role"),
        chat_user_id=channel.get("chatUserId"),
        rooms=tuple(channel.get("rooms") or ()),
        transport=channel.get("transport"),
        since=datetime.fromisoformat(since) if isinstance(since, str) else None,
        raw=channel,
    )
