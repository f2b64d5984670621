"""A connected client: whose credentials it sent, which rooms it is in, and the packets that wait for it."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import gevent

from duologue.contract.core import Audience, Event
from duologue.contract.users import User
from duologue_mock.notifications import CHAT_USER
from duologue_mock.realtime.credentials import Credentials
from duologue_mock.realtime.messages import Channel
from duologue_mock.realtime.outgoing_packet import OutgoingPacket
from duologue_mock.realtime.session import MAX_QUEUE_SIZE, Session
from duologue_mock.tokens import Identity

ADMINS = "admins"
_PLATFORM_USER = "platform:"


class PacketQueue:
    """Sends the packets of one client in order: those after a delayed one wait for it, as on a slow network.

    Args:
        session: the client's.
    """

    __slots__ = ("_session", "_size", "_timer", "_waiting")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._waiting: deque[tuple[float, OutgoingPacket]] = deque()
        self._size = 0
        self._timer: Any = None

    def send(self, packet: OutgoingPacket, delay: float = 0.0) -> None:
        """Send a packet, after so many seconds and after those that wait; if too many wait, close the session."""
        if not self._waiting and not delay:
            self._session.send(packet)
            return
        if self._size > MAX_QUEUE_SIZE:
            self._session.close()
            return
        now = time.monotonic()
        self._waiting.append((now + delay, packet))
        self._size += packet.size
        if self._timer is None:
            self._timer = gevent.spawn_later(delay, self._release)

    def clear(self) -> None:
        """Drop what waits."""
        self._waiting.clear()
        self._size = 0
        if self._timer is not None:
            self._timer.kill(block=False)
            self._timer = None

    def _release(self) -> None:
        self._timer = None  # it is what runs here
        while self._waiting:
            remaining = self._waiting[0][0] - time.monotonic()
            if remaining > 0:
                self._timer = gevent.spawn_later(remaining, self._release)
                return
            _, packet = self._waiting.popleft()
            self._size -= packet.size
            self._session.send(packet)


@dataclass(slots=True, eq=False)
class Connection:
    """A connected client, which the control API calls a channel."""

    session: Session
    credentials: Credentials
    connected_at: str
    """When it connected, as JSON has it: an event to many clients is reported with this of each."""
    channel: Channel = field(init=False)
    """Who it is, for messages."""
    attachments: int = 0
    """How many attachments of its last packet are to come."""
    queue: PacketQueue = field(init=False)

    def __post_init__(self) -> None:
        self.queue = PacketQueue(self.session)
        self.identify("")

    @property
    def id(self) -> str:
        """Its Socket.IO id, which the client knows too."""
        return self.channel.id

    @property
    def transport(self) -> str:
        """How its packets travel: `polling` or `websocket`."""
        return "polling" if self.session.websocket is None else "websocket"

    def identify(self, id: str) -> None:
        """Set its Socket.IO id."""
        identity, chat_user = self.credentials.identity, self.credentials.chat_user
        user_id, role = (None, None) if identity is None else (identity.user.id, identity.user.role)
        self.channel = Channel(id, user_id, role, chat_user)

    def update_user(self, user: User) -> None:
        """Take note that its user on the platform has changed."""
        assert self.credentials.identity is not None
        identity = Identity(user, self.credentials.identity.login_id)
        self.credentials = Credentials(identity, self.credentials.chat_user)
        self.identify(self.id)

    def list_rooms(self) -> list[str]:
        """Return the rooms that the client is in."""
        rooms = []
        if self.channel.user_id is not None:
            rooms.append(_PLATFORM_USER + self.channel.user_id)
        if self.channel.role == "admin":
            rooms.append(ADMINS)
        if self.channel.chat_user_id is not None:
            rooms.append(CHAT_USER + self.channel.chat_user_id)
        return rooms


def select_rooms(event: Event[Any], user_id: str | None) -> str | list[str] | None:
    """Return the rooms that an event is sent to; None for every client."""
    if event.audience is Audience.PLATFORM:
        return None
    if event.audience is Audience.USER:
        return f"{CHAT_USER}{user_id}"
    if user_id is not None and user_id.startswith(CHAT_USER):
        return user_id
    return [ADMINS, f"{_PLATFORM_USER}{user_id}"]
