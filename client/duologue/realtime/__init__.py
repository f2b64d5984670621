"""Real time over Socket.IO, synchronously: `api.realtime`.

`live` is what people use, `keeper` keeps the connection up, `link` is one connection of python-socketio's, `queues` is
what waits, `lifecycle` what is told of the connection itself. Imported only when `api.realtime` is first used: the
plain installation does without, and so without socketio.
"""

from duologue.realtime.lifecycle import LifecycleEvent, LifecycleName, Reconnect
from duologue.realtime.live import Realtime
from duologue.realtime.queues import ReceivedEvent

__all__ = ["LifecycleEvent", "LifecycleName", "Realtime", "ReceivedEvent", "Reconnect"]
