"""What may look at the messages of one namespace and change what becomes of them: the control API plugs in here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from duologue_mock.realtime.messages import Intervention, Message

if TYPE_CHECKING:
    from duologue_mock.realtime.connection import Connection


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
