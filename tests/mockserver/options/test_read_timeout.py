"""The setting `read_timeout`: clients that are slow."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from duologue.conformance.target.raw import is_closed, open_connection
from duologue.conformance.target.server import Server

pytestmark = pytest.mark.slow

HEAD = "POST /api/users HTTP/1.1\nHost: {host}\nContent-Type: application/json\n"


SLOW = {
    "half a body": HEAD + "Content-Length: 50\n\n{",
    "half a chunk": HEAD + "Transfer-Encoding: chunked\n\n32\n{",
    "half the headers": "GET /api/users HTTP/1.1\nHost: {host}\nX-Slow: ",
    "half a request line": "GET /api/us",
}


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW)
def test_stalling_client(serve: Callable[..., Server], text: str) -> None:
    server = serve(read_timeout=0.5)
    with open_connection(server.platform_origin) as connection:
        connection.sendall(text.replace("{host}", "localhost").replace("\n", "\r\n").encode())
        assert is_closed(connection)

    assert server.platform.get("/health").status_code == 200


def test_slow_connections(serve: Callable[..., Server]) -> None:
    server = serve(read_timeout=1)
    with ExitStack() as stack:
        slow = [stack.enter_context(open_connection(server.platform_origin)) for _ in range(200)]
        for connection in slow:
            connection.sendall(b"GET /api/users HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")

        assert server.platform.get("/health").status_code == 200

        deadline = time.monotonic() + 60
        while slow and time.monotonic() < deadline:
            slow = [connection for connection in slow if not _dribble(connection)]
        assert not slow, f"{len(slow)} connections that send a byte now and then are still open"


def _dribble(connection: Any) -> bool:
    """Send one more byte; return whether the server has closed."""
    connection.settimeout(0.002)
    try:
        connection.sendall(b"a")
        return bool(connection.recv(65536) == b"")
    except TimeoutError:
        return False
    except ConnectionError:
        return True
