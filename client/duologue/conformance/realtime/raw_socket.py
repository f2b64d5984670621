"""A bare websocket, for packets that no client sends."""

from __future__ import annotations

import json
from typing import Any

import websocket


class RawSocket:
    """A bare websocket that has done Engine.IO's and Socket.IO's handshakes; `first` is the response to the latter."""

    def __init__(self, origin: str, auth: Any = None) -> None:
        url = origin.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
        self.socket: Any = websocket.create_connection(url, timeout=2, http_no_proxy=["*"])
        assert str(self.socket.recv()).startswith("0{")
        self.socket.send("40" + ("" if auth is None else json.dumps(auth)))
        self.first = str(self.socket.recv())

    def is_answered(self) -> bool:
        """Whether the server acknowledges an event, or has closed the connection: anything but silence."""
        try:
            self.socket.send('421["nope"]')
            while True:
                packet = str(self.socket.recv())
                if packet.startswith("431") or not packet:
                    return True
        except (websocket.WebSocketConnectionClosedException, ConnectionError):
            return True
        except (websocket.WebSocketTimeoutException, TimeoutError):
            return False

    def close(self) -> None:
        """End the connection, without a word."""
        self.socket.shutdown()
