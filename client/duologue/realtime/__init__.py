"""Realtime events over Socket.IO, synchronously: `api.realtime`.

`client` is the public API, `events` its events by name, `connection` reconnects, `socketio_link` is one connection of
python-socketio, `engineio_client` bounds what a server may send on it, `queues` has what waits, `status` the events of
the connection itself. It is imported when `api.realtime` is first used: the plain installation has no socketio.
"""

from duologue.realtime.client import Realtime
from duologue.realtime.events import AnyEvent, EventName, ReceivedEvent
from duologue.realtime.status import ConnectionEvent, ConnectionEventName, Reconnect

__all__ = [
    "AnyEvent",
    "ConnectionEvent",
    "ConnectionEventName",
    "EventName",
    "Realtime",
    "ReceivedEvent",
    "Reconnect",
]
