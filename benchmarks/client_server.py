"""A server for `benchmarks.client`: one thread, a few fixed answers, as little work as there can be.

What a client costs is easier to see the less its server does. Started as `python benchmarks/client_server.py`, it
prints its port and serves until it is killed.
"""

from __future__ import annotations

import gzip
import json
import selectors
import socket

USER = {"id": "1", "name": "John Doe", "email": "john@example.com", "role": "admin"}

served: dict[str, int] = {}


def _answer(body: bytes, status: str = "200 OK", more: str = "") -> bytes:
    """An answer with the headers that the mock sends."""
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        'X-Request-Id: urc-1704067200000-abcdefghi\r\nETag: "5f3c"\r\nRateLimit-Limit: 600\r\n'
        f"RateLimit-Remaining: 599\r\nRateLimit-Reset: 60\r\n{more}\r\n"
    )
    return head.encode() + body


ANSWERS = {
    "/api/users/1": _answer(json.dumps(USER).encode()),
    "/down/users/1": _answer(b'{"message": "Down"}', "503 Service Unavailable"),
    "/bomb/users/1": _answer(gzip.compress(b" " * 50_000_000), more="Content-Encoding: gzip\r\n"),
}


def _respond(request: bytes) -> bytes:
    path = request.split(b" ", 2)[1].decode()
    if path == "/served":
        return _answer(json.dumps(served).encode())
    served[path] = served.get(path, 0) + 1
    return ANSWERS[path]


def main() -> None:
    """Serve until killed."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    print(listener.getsockname()[1], flush=True)
    waiting = selectors.DefaultSelector()
    waiting.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in waiting.select():
            if key.fileobj is listener:
                connection = listener.accept()[0]
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                waiting.register(connection, selectors.EVENT_READ)
            else:
                assert isinstance(key.fileobj, socket.socket)
                _serve(waiting, key.fileobj)


def _serve(waiting: selectors.BaseSelector, connection: socket.socket) -> None:
    """Answer one request; those measured here fit in one packet."""
    try:
        request = connection.recv(65_536)
        if request:
            connection.sendall(_respond(request))
            return
    except OSError:
        pass
    waiting.unregister(connection)
    connection.close()


if __name__ == "__main__":
    main()
