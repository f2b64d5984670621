"""What steers the Socket.IO server of one namespace, and what it has seen of its messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from duologue_mock.control.cooperation import Sleep, create_signal
from duologue_mock.control.journal.budget import Budget
from duologue_mock.control.journal.waiting import Waiters
from duologue_mock.control.realtime.channels import describe_channel
from duologue_mock.control.realtime.message_journal import MessageEntry, MessageJournal
from duologue_mock.control.realtime.message_mappings import MessageMappings
from duologue_mock.control.realtime.message_rendering import render_message
from duologue_mock.control.watching.event_stream import EventStream
from duologue_mock.realtime.interception import ChannelServer
from duologue_mock.realtime.messages import Intervention, Message
from duologue_mock.store.clock import Clock

if TYPE_CHECKING:
    from duologue_mock.realtime.connection import Connection


class RealtimeControl:
    """Steers and watches the Socket.IO server of one namespace. It is that server's `MessageInterceptor`.

    Args:
        clock: the time of the namespace.
        events: the live stream of the namespace.
        budget: how many bytes the journals of all namespaces may take together.
        redact: returns JSON values without secrets.
        sleep: waits a number of seconds without blocking other requests.
        count_event: called with the name of each event that is sent.
        seed: what ids and probabilities are drawn from; None draws at random.
        namespace: its name.
        max_messages: how many messages the journal stores; 0 for none.
    """

    def __init__(
        self,
        clock: Clock,
        events: EventStream,
        budget: Budget,
        redact: Callable[[Any], Any],
        sleep: Sleep,
        count_event: Callable[[str], None],
        *,
        seed: int | None,
        namespace: str,
        max_messages: int,
    ) -> None:
        self.journal = MessageJournal(clock, events.next_number, max_entries=max_messages, budget=budget)
        self.mappings = MessageMappings(clock, seed, namespace)
        self.waiters = Waiters(self.journal, create_signal, sleep)
        self._events = events
        self._redact = redact
        self._count_event = count_event
        self._server: ChannelServer | None = None
        events.add_source("message", self._replay)

    @property
    def connections(self) -> Sequence[Connection]:
        """The connected clients, in the order in which they connected."""
        return () if self._server is None else self._server.connections

    def send(self, event: str, payload: Any, connections: Sequence[Connection]) -> Sequence[Connection]:
        """Send an event to some clients, and return those that it was for."""
        return () if self._server is None else self._server.send(event, payload, connections)

    def disconnect(self, connection: Connection) -> None:
        """Disconnect a client, as a server does that ends a session."""
        if self._server is not None:
            self._server.disconnect(connection)

    def break_connection(self, connection: Connection) -> None:
        """Reset the connection of a client, as a network does that breaks."""
        if self._server is not None:
            self._server.reset(connection)

    def break_all(self) -> None:
        """Reset every connection."""
        if self._server is not None:
            self._server.reset_all()

    def render(self, entry: MessageEntry) -> dict[str, Any]:
        """Return the JSON of a message, without secrets."""
        rendered: dict[str, Any] = self._redact(render_message(entry, self.journal.get_id(entry)))
        return rendered

    def reset(self) -> None:
        """Forget messages and message mappings. Clients stay connected."""
        self.journal.clear()
        self.mappings.clear()

    def close(self) -> None:
        """Release what outlives a message, as the namespace is dropped."""
        self.journal.close()
        self.waiters.close()

    def attach(self, server: ChannelServer) -> None:
        """Take the server, which is created for the first client."""
        self._server = server

    def intercept(self, event: str) -> Intervention | None:
        """Return what happens to an event that is about to be sent, or to a handshake."""
        return self.mappings.intercept(event)

    def record(self, message: Message) -> None:
        """Record a message."""
        if message.direction == "sent" and message.type == "event" and message.event is not None:
            self._count_event(message.event)
        entry = self.journal.record(message)
        if entry is not None and self._events.readers:
            self._events.announce("message", entry.sequence, lambda: self.render(entry))

    def record_channel(self, connection: Connection, *, connected: bool) -> None:
        """Notify the readers of the live stream of a client that has connected, or that is gone."""
        channel = describe_channel(connection.channel)
        self._events.publish("channel", {"connected": connected, "channel": channel})

    def _replay(self, after: int) -> Iterator[tuple[int, Mapping[str, Any]]]:
        for entry in self.journal.list_after(after):
            yield entry.sequence, self.render(entry)
