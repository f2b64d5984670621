"""Listening on a port: of both loopback addresses, or of one address."""

from __future__ import annotations

import errno
import socket

LOOPBACK = "localhost"
"""The host that is both loopback addresses, IPv4 and IPv6."""
LOOPBACK_HOSTS = (LOOPBACK, "127.0.0.1", "::1")
"""Addresses to listen on that no other machine can reach."""
BACKLOG = 1024
"""Connections that the system queues until they are accepted."""


class PortInUseError(OSError):
    """Another process listens on the port.

    Args:
        port: the port; 0 if none of those that were free on one loopback address was free on the other.
    """

    def __init__(self, port: int) -> None:
        super().__init__(f"Port {port} is in use." if port else f"No port is free on both {LOOPBACK} addresses.")
        self.port = port


def listen(host: str, port: int) -> list[socket.socket]:
    """Return listening sockets for a port of `host`: two, on one port number, for `localhost`.

    Raises:
        PortInUseError: another process listens on the port.
    """
    if host != LOOPBACK:
        return [_listen(socket.AF_INET6 if ":" in host else socket.AF_INET, host, port)]
    for _ in range(16):
        ipv4 = _listen(socket.AF_INET, "127.0.0.1", port)
        try:
            return [ipv4, _listen(socket.AF_INET6, "::1", ipv4.getsockname()[1])]
        except PortInUseError:
            ipv4.close()
            if port:
                raise
        except OSError:
            return [ipv4]  # this machine has no IPv6
    raise PortInUseError(0)


def _listen(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError(port) from error
        raise
    return listener
