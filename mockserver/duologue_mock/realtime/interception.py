"""What may look at the messages of one namespace and change what becomes of them: the control API plugs in here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from duologue_mock.realtime.connection import Connection

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


class ChannelServer(Protocol):
    """The Socket.IO server of one namespace, as an interceptor uses it in the thread that serves the clients."""

    @property
    def connections(self) -> Sequence[Connection]:
        """The connected clients, in the order in which they connected."""

    def send(self, event: str, payload: Any, connections: Sequence[Connection]) -> Sequence[Connection]:
        """Send an event to some clients, through the interceptor like any other; return those that it was for."""

    def disconnect(self, connection: Connection) -> None:
        """Send a disconnect packet, then close the connection."""

    def reset(self, connection: Connection) -> None:
        """Reset the connection of a client, without a word."""

    def reset_all(self) -> None:
        """Reset the connection of every client, without a word."""


class MessageInterceptor(Protocol):
    """Steers and watches the messages of one namespace. All is called in the thread that serves the clients."""

    def attach(self, server: ChannelServer) -> None:
        """Take the server, which is created for the first client of the namespace."""

    def intercept(self, event: str) -> Intervention | None:
        """Return what happens to an event that is about to be sent, or to a handshake; None for nothing special."""

    def record(self, message: Message) -> None:
        """Take note of a message. Its payload must not be changed."""

    def record_channel(self, connection: Connection, *, connected: bool) -> None:
        """Take note of a client that has connected, or that is gone."""
