"""An Engine.IO session: what is to be sent to one client, and whether the client is still there."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import gevent
from gevent.event import Event

from duologue_mock.realtime.outgoing_packet import OutgoingPacket
from duologue_mock.realtime.packets import PacketRate
from duologue_mock.realtime.websocket import WebSocket

PING_INTERVAL = 25.0
"""Seconds from a client's response to the next ping."""
PING_TIMEOUT = 20.0
"""Seconds within which a client responds to a ping."""
CLOSE_TIMEOUT = 2.0
"""Seconds that a client has to receive what is left, and to close its side."""
MAX_QUEUE_SIZE = 16 * 1024 * 1024
"""A client that has not received packets of this size, in characters, is disconnected when there is another. A request
of the largest size makes several events of up to 3 MiB at once."""

CLOSE, PING, NOOP = "1", "2", "6"
"""The packets that a server sends beside `MESSAGE` and, for opening a session, `OPEN`."""


class SessionServer(Protocol):
    """What the client of a session can connect to."""

    def handle_message(self, session: Session, message: str | bytes) -> None:
        """Handle a message of a connected client; raise `HTTPError` for what ends its session."""

    def leave(self, session: Session) -> None:
        """Forget a client."""


class Session:
    """A session. All of its methods are called in the thread that serves the clients; none of them waits but `wait`.

    Args:
        sid: its id, a secret of the client's.
        rate: counts the client's packets.
        on_close: called with the session when it is closed.
    """

    __slots__ = (
        "_changed", "_on_close", "_packets", "_pinged", "_size", "_timer", "closed", "is_polling", "is_reset",
        "namespace", "probed", "rate", "server", "sid", "upgrading", "websocket",
    )  # fmt: skip

    def __init__(self, sid: str, rate: PacketRate, on_close: Callable[[Session], None]) -> None:
        self.sid = sid
        self.rate = rate
        self.closed = False
        self.is_reset = False
        """Whether its connection has been reset: a request that waits for packets gets no response."""
        self.namespace = "default"
        """The name of the mock's namespace that the request which opened the session belongs to."""
        self.server: SessionServer | None = None
        """The Socket.IO server that the client has connected to; without one when a ping is due, it is disconnected."""
        self.is_polling = False
        """Whether a request waits for packets."""
        self.upgrading = False
        """Whether a websocket is about to replace polling."""
        self.probed = False
        """Whether this websocket has been tried: packets are kept for it, and requests for packets end."""
        self.websocket: WebSocket | None = None
        self._on_close = on_close
        self._packets: deque[OutgoingPacket] = deque()
        self._size = 0
        self._pinged = False
        self._changed = Event()
        self._timer: Any = gevent.spawn_later(PING_INTERVAL, self._ping)

    def send(self, packet: OutgoingPacket) -> None:
        """Queue a packet; if too many wait because the client does not receive them, close the session instead."""
        if self.closed:
            return
        if self._size > MAX_QUEUE_SIZE:
            self._packets.clear()
            self.close()
            return
        self._packets.append(packet)
        self._size += packet.size
        self._changed.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for packets, for the end of the session, or to be woken; return whether there is any of that."""
        if not self._packets and not self.closed:
            self._changed.clear()
            return bool(self._changed.wait(timeout))
        return True

    def wake(self) -> None:
        """End a `wait`."""
        self._changed.set()

    def take_packets(self) -> list[OutgoingPacket]:
        """Remove the packets that are queued, and return them."""
        packets = list(self._packets)
        self._packets.clear()
        self._size = 0
        return packets

    def receive_pong(self) -> None:
        """Note that the client is there; a pong without a ping says nothing."""
        if self._pinged and not self.closed:
            self._pinged = False
            self._set_timer(PING_INTERVAL, self._ping)

    def close(self) -> None:
        """End the session. What is queued is still sent, then the websocket is closed."""
        if self.closed:
            return
        self.closed = True
        self._on_close(self)
        self._changed.set()
        self.cancel_timer()
        if self.websocket is not None:
            self._set_timer(CLOSE_TIMEOUT, self.websocket.abort)

    def reset(self) -> None:
        """End the session and reset its connection, as a network that breaks does: nothing more is sent."""
        self.is_reset = True
        self._packets.clear()
        self.close()
        if self.websocket is not None:
            self.websocket.reset()

    def cancel_timer(self) -> None:
        """Expect nothing of the client any more."""
        if self._timer is not None:
            self._timer.kill(block=False)
            self._timer = None

    def _ping(self) -> None:
        self._timer = None  # it is what runs here
        if self.server is None:
            self.close()
            return
        self.send(OutgoingPacket(PING))
        self._pinged = True
        if not self.closed:
            self._set_timer(PING_TIMEOUT, self._give_up)

    def _give_up(self) -> None:
        self._timer = None
        self.close()

    def _set_timer(self, seconds: float, function: Callable[[], None]) -> None:
        self.cancel_timer()
        self._timer = gevent.spawn_later(seconds, function)
