"""The opening handshake of a websocket (RFC 6455, section 4.2): valid, or refused with the common error body."""

from __future__ import annotations

import pytest
import requests

from duologue.conformance import sources
from duologue.conformance.rules import rule
from duologue.conformance.target.raw import read_response
from duologue.conformance.target.responses import check_error
from duologue.conformance.target.server import Server

HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}
BAD_HANDSHAKES = {
    **{f"without {name}": {name: None} for name in HANDSHAKE},
    **{f"empty {name}": {name: ""} for name in HANDSHAKE},
    **{
        f"version {version}": {"Sec-WebSocket-Version": version} for version in ("8", "0", "14", "13, 13", "-13", "013")
    },
    **{f"key {key!r}": {"Sec-WebSocket-Key": key} for key in ("x", "AAAA", "=" * 24, "é" * 24, "AA==" * 6)},
    "another protocol": {"Upgrade": "h2c"},
    "another connection option": {"Connection": "close"},
    "body": {"Content-Length": "3"},
}


def shake_hands(server: Server, changes: dict[str, str | None], version: str = "1.1") -> requests.Response:
    lines = {"Host": "localhost", **HANDSHAKE, **changes}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
    with server.open_connection() as connection:
        text = f"GET /socket.io/?EIO=4&transport=websocket HTTP/{version}\r\n{head}\r\n"
        connection.sendall(text.encode("latin-1") + b"abc")
        return read_response(connection)


@rule(
    "websocket.malformed",
    "A malformed opening handshake is 400 or 426 with the error body.",
    source=sources.WEBSOCKET,
    stage=4,
    needs=["events", "local"],
    reads_only=True,
)
@pytest.mark.parametrize("changes", BAD_HANDSHAKES.values(), ids=BAD_HANDSHAKES)
def test_malformed_handshake(server: Server, changes: dict[str, str | None]) -> None:
    response = shake_hands(server, changes)

    assert response.status_code in (400, 426)
    check_error(response, response.status_code)
    if response.status_code == 426:
        assert response.headers["Sec-WebSocket-Version"] == "13"
        assert response.headers["Upgrade"] == "websocket"


@rule(
    "websocket.version",
    "A handshake of another version is 426.",
    source=sources.WEBSOCKET,
    stage=4,
    needs=["events", "local"],
    reads_only=True,
)
def test_handshake_of_another_version(server: Server) -> None:
    assert shake_hands(server, {"Sec-WebSocket-Version": "8"}).status_code == 426


@rule(
    "websocket.http-1-0",
    "A handshake of HTTP/1.0 is 400.",
    source=sources.WEBSOCKET,
    stage=4,
    needs=["events", "local"],
    reads_only=True,
)
def test_handshake_of_http_1_0(server: Server) -> None:
    check_error(shake_hands(server, {}, version="1.0"), 400)


OFFERS = [
    *(f"permessage-deflate; server_max_window_bits={bits}" for bits in ("abc", "", "99", "-1", "9" * 5_000)),
    *("permessage-deflate; client_max_window_bits=x", "permessage-deflate; =", ",;,=", 'x; y="a,b"', "é"),
    *("permessage-deflate", "permessage-deflate; client_max_window_bits", ""),
]


@rule(
    "websocket.extensions",
    "An offer of extensions that is not understood is declined, and is no reason to refuse.",
    source=sources.WEBSOCKET,
    stage=4,
    needs=["events", "local"],
    reads_only=True,
)
@pytest.mark.parametrize("offered", OFFERS, ids=lambda offered: ascii(offered[:50]))
def test_websocket_extensions(server: Server, offered: str) -> None:
    """An offer that is not understood is declined (RFC 6455, section 9.1), and no reason to break off."""
    assert shake_hands(server, {"Sec-WebSocket-Extensions": offered}).status_code in (101, 400)
