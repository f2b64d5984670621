"""The server that `benchmarks.client` measures against: one thread, and a few fixed responses.

It does as little as possible, so that the cost of the client shows. Started as `python benchmarks/client_server.py`, it
prints its port and serves until it is killed.
"""

from __future__ import annotations

import gzip
import json
import selectors
import socket

USER = {"id": "1", "name": "John Doe", "email": "john@example.com", "role": "admin"}

request_counts: dict[str, int] = {}


def _build_response(body: bytes, status: str = "200 OK", extra_headers: str = "") -> bytes:
    """Return a response with the headers that the mock server sends."""
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        'X-Request-Id: urc-1704067200000-abcdefghi\r\nETag: "5f3c"\r\nRateLimit-Limit: 600\r\n'
        f"RateLimit-Remaining: 599\r\nRateLimit-Reset: 60\r\n{extra_headers}\r\n"
    )
    return head.encode() + body


RESPONSES = {
    "/api/users/1": _build_response(json.dumps(USER).encode()),
    "/down/users/1": _build_response(b'{"message": "Down"}', "503 Service Unavailable"),
    "/bomb/users/1": _build_response(gzip.compress(b" " * 50_000_000), extra_headers="Content-Encoding: gzip\r\n"),
}


def _get_response(request: bytes) -> bytes:
    path = request.split(b" ", 2)[1].decode()
    if path == "/request-counts":
        return _build_response(json.dumps(request_counts).encode())
    request_counts[path] = request_counts.get(path, 0) + 1
    return RESPONSES[path]


def main() -> None:
    """Serve until killed."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    print(listener.getsockname()[1], flush=True)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                connection = listener.accept()[0]
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(connection, selectors.EVENT_READ)
            else:
                assert isinstance(key.fileobj, socket.socket)
                _handle_request(selector, key.fileobj)


def _handle_request(selector: selectors.BaseSelector, connection: socket.socket) -> None:
    """Respond to one request; the measured ones fit in one packet."""
    try:
        request = connection.recv(65_536)
        if request:
            connection.sendall(_get_response(request))
            return
    except OSError:
        pass
    selector.unregister(connection)
    connection.close()


if __name__ == "__main__":
    main()
