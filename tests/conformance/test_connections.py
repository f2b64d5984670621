"""A run keeps every response for its report, but no connection: a process may often have 1,024 open files at most."""

from __future__ import annotations

import psutil

from duologue.conformance.target.server import Server
from duologue_mock import MockServer


def count_connections(port: int) -> int:
    """Return how many connections this process has to a port."""
    connections = psutil.Process().net_connections("tcp")
    return sum(bool(one.raddr) and one.raddr.port == port and one.fd != -1 for one in connections)


def test_connections_end_with_their_test() -> None:
    with MockServer() as mock:
        server = Server(mock.base_url, mock.chat_base_url, mock.api_key)
        response = server.platform.get("/users")
        assert count_connections(mock.port) == 1

        server.close()

        assert count_connections(mock.port) == 0
        assert server.record.requests[0].response is response
