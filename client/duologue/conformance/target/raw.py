"""Bytes on a bare connection, for what no HTTP library sends."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import requests
from requests.structures import CaseInsensitiveDict

from duologue.conformance.target.caller import TIMEOUT
from duologue.conformance.target.rate_limit import ATTEMPTS, retry_when_limited

OVER_LIMIT = re.compile(rb"HTTP/1\.1 429 .*?\r\nRetry-After: (\d+)\r\n", re.IGNORECASE | re.DOTALL)


@contextlib.contextmanager
def open_connection(origin: str, timeout: float = TIMEOUT) -> Iterator[socket.socket]:
    """A bare TCP connection to `origin`."""
    parts = urlsplit(origin)
    secure = parts.scheme == "https"
    with socket.create_connection((str(parts.hostname), parts.port or (443 if secure else 80)), timeout) as connection:
        if not secure:
            yield connection
            return
        with ssl.create_default_context().wrap_socket(connection, server_hostname=parts.hostname) as tunnel:
            yield tunnel


def has_ipv6() -> bool:
    """Return whether this machine has an IPv6 loopback."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def send_raw(origin: str, text: str | bytes) -> requests.Response:
    """Send these very bytes as one request on a connection of its own and return the response.

    Line ends may be written `\\n`; `{host}` stands for the server's host and port.
    """
    if isinstance(text, str):
        text = text.replace("{host}", urlsplit(origin).netloc).replace("\n", "\r\n").encode()
    sent = text
    return retry_when_limited(lambda: _send_once(origin, sent))


def _send_once(origin: str, text: bytes) -> requests.Response:
    with open_connection(origin) as connection:
        connection.sendall(text)
        return read_response(connection)


def read_statuses(origin: str, sent: bytes) -> list[int]:
    """Send bytes and no more, and return the statuses of all that comes back until the server closes.

    Where the server limits requests, they are sent again as late as it says.
    """
    for _ in range(ATTEMPTS):
        received = _send_to_end(origin, sent)
        limited = OVER_LIMIT.search(received)
        if limited is None:
            break
        time.sleep(int(limited[1]))
    return [int(status) for status in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", received)]


def _send_to_end(origin: str, sent: bytes) -> bytes:
    with open_connection(origin) as connection:
        received = b""
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                received += piece
        except ConnectionError:
            pass  # it was closed before all was sent
    return received


def read_response(connection: socket.socket, method: str = "GET") -> requests.Response:
    """Read one response off a bare connection."""
    raw = http.client.HTTPResponse(connection, method=method)
    try:
        raw.begin()
        response = requests.Response()
        response.status_code = raw.status
        response.headers = CaseInsensitiveDict(raw.getheaders())
        response._content = raw.read()
        return response
    finally:
        raw.close()


def is_closed(connection: socket.socket) -> bool:
    """Return whether the other side closes the connection within the timeout; what it still sends is dropped."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True
