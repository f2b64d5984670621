"""Messages as they are intercepted and recorded: what was sent, to whom, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Action = Literal["drop", "delay", "duplicate", "disconnect", "refuse"]
Direction = Literal["received", "sent"]
MessageType = Literal["connect", "connect_error", "disconnect", "event", "ack", "attachment", "malformed"]

CONNECT_EVENT = "connect"
"""The name by which a handshake is intercepted; no event has it."""


@dataclass(frozen=True, slots=True)
class Intervention:
    """What happens to a message in place of being delivered.

    Args:
        action: what happens.
        delay: seconds, for `delay`.
    """

    action: Action
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Channel:
    """Who a connected client is; it outlives the connection.

    Args:
        id: its Socket.IO id, which the client knows too.
        user_id: its user on the platform.
        role: that user's role.
        chat_user_id: its user on the chat service.
    """

    id: str
    user_id: str | None = None
    role: str | None = None
    chat_user_id: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A Socket.IO packet that was received or sent; one that is sent to several clients is one message.

    Args:
        direction: `received` or `sent`, as the mock sees it.
        type: the kind of packet.
        channels: the client that sent it, or those that it is for; none for a handshake that is refused.
        event: the event's name.
        payload: its data: an event's argument, the list of several, or the credentials of a handshake.
        size: characters of the packet.
        action: what happened to it in place of being delivered.
    """

    direction: Direction
    type: MessageType
    channels: tuple[Channel, ...] = ()
    event: str | None = None
    payload: Any = None
    size: int = 0
    action: Action | None = None
