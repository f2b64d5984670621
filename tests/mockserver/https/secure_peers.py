"""Connections over TLS."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from duologue_mock import MockServer
from tests.mockserver.raw import Peer, RawResponse, head, peer


def trust(mock: MockServer) -> ssl.SSLContext:
    """What a client has that trusts a mock's authority, and verifies host names."""
    return ssl.create_default_context(cadata=mock.ca_pem)


@contextmanager
def secure_peer(mock: MockServer, name: str = "localhost", context: ssl.SSLContext | None = None) -> Iterator[Peer]:
    """Connect, and shake hands as the client of a host name."""
    with peer(mock.port) as one:
        one.socket = (context or trust(mock)).wrap_socket(one.socket, server_hostname=name)
        yield one


def ask_securely(mock: MockServer, line: str, *headers: str, name: str = "localhost") -> RawResponse:
    with secure_peer(mock, name) as one:
        one.send(head(line, *headers, "Connection: close", host=f"{name}:{mock.port}"))
        return one.read_response()
