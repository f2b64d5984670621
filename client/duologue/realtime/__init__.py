"""Real time over Socket.IO, synchronously: `api.realtime`.

`live` is what people use, `keeper` keeps the connection up, `link` is one connection of python-socketio's, `queues` is
what waits, `lifecycle` what is told of the connection itself. Imported only when `api.realtime` is first used: the
plain installation does without, and so without socketio.
"""

from duologue.realtime.client import Realtime
from duologue.realtime.queues import ReceivedEvent
from duologue.realtime.status import LifecycleEvent, LifecycleName, Reconnect

__all__ = ["LifecycleEvent", "LifecycleName", "Realtime", "ReceivedEvent", "Reconnect"]
