"""Real time over Socket.IO, synchronously: `api.realtime`.

`client` is the public API, `connection` reconnects, `socketio_link` is one connection of python-socketio's, `queues` is
what waits, `status` the events of the connection itself. Imported only when `api.realtime` is first used: the plain
installation does without socketio.
"""

from duologue.realtime.client import Realtime
from duologue.realtime.queues import ReceivedEvent
from duologue.realtime.status import ConnectionEvent, ConnectionEventName, Reconnect

__all__ = ["ConnectionEvent", "ConnectionEventName", "Realtime", "ReceivedEvent", "Reconnect"]
