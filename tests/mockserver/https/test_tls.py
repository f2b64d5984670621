"""The server over TLS: what it serves, and that no client's handshake keeps another waiting."""

from __future__ import annotations

import contextlib
import gc
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack

import psutil
import pytest
import requests
import socketio

from duologue import Client
from duologue_mock import MockServer
from tests.mockserver.https.secure_peers import ask_securely, secure_peer, trust
from tests.mockserver.raw import head, peer

pytestmark = pytest.mark.slow

HEALTH = "GET /api/health HTTP/1.1"


@pytest.fixture(scope="module")
def mock() -> Iterator[MockServer]:
    with MockServer(https=True, rate_limit=None, read_timeout=60) as server:
        yield server


def test_urls_are_https(mock: MockServer) -> None:
    for url in (mock.origin, mock.chat_origin, mock.base_url, mock.chat_base_url):
        assert re.match(r"https://127\.0\.0\.1:\d+", url)
    document = ask_securely(mock, "GET /openapi.json HTTP/1.1", name="w1.localhost").json
    assert [server["url"] for server in document["servers"]] == [
        f"https://w1.localhost:{mock.port}",
        f"https://w1.localhost:{mock.chat_port}",
    ]
    page = ask_securely(mock, "GET / HTTP/1.1", "Accept: text/html").body.decode()
    assert f"VITE_WS_URL=wss://localhost:{mock.port}" in page
    assert f"VITE_API_URL=https://localhost:{mock.port}/api" in page
    assert "http://localhost" not in page


def test_default_port_is_443(mock: MockServer) -> None:
    """As behind a proxy or a port mapping, where the Host header has no port."""
    with secure_peer(mock) as one:
        one.send(head("GET /openapi.json HTTP/1.1", "Connection: close", host="localhost"))
        assert [server["url"] for server in one.read_response().json["servers"]] == ["https://localhost"]


def test_client_and_events(mock: MockServer) -> None:
    """Calls, uploads larger than a record, streams and Socket.IO, with the real client."""
    options = {"base_url": mock.base_url, "chat_base_url": mock.chat_base_url, "user_id": "anonymous-user"}
    with Client(**options, verify=str(mock.ca_file)) as api:  # type: ignore[arg-type]  # a dictionary of texts, for brevity
        api.realtime.connect()
        user = api.users.create(name="Ada", email="ada@example.com")
        assert api.realtime.receive("user:created", timeout=10).payload.user == user
        (session,) = api.chats.list().items
        assert api.smart_chat.ask(session.id, message="long " * 1000).content
        assert list(api.smart_chat.stream(session.id, message="Hello"))


def test_control_over_https(mock: MockServer) -> None:
    """The mock's own control trusts its certificate, in each namespace."""
    for control in (mock.control, mock.control.namespace("w1")):
        assert control.base_url.startswith("https://")
        control.reset()


@pytest.mark.parametrize("transports", [["polling"], ["websocket"], ["polling", "websocket"]], ids="-".join)
def test_socketio_transports(mock: MockServer, transports: list[str]) -> None:
    session = requests.Session()
    session.trust_env, session.verify = False, str(mock.ca_file)
    one = socketio.SimpleClient(http_session=session, websocket_extra_options={"sslopt": {"ca_certs": session.verify}})
    one.connect(mock.origin, transports=transports)
    with Client(base_url=mock.base_url, verify=session.verify) as api:
        user = api.users.create(name="Ada", email=f"ada-{'-'.join(transports)}@example.com")
    assert one.receive(timeout=10)[1]["userId"] == user.id
    one.disconnect()
    session.close()


def test_keep_alive_and_pipelining(mock: MockServer) -> None:
    with secure_peer(mock) as one:
        for _ in range(3):
            one.send(head(HEALTH) * 2)
            assert [one.read_response().status for _ in range(2)] == [200, 200]


def test_byte_by_byte(mock: MockServer) -> None:
    """A request whose bytes come in a record each."""
    with secure_peer(mock) as one:
        for byte in head(HEALTH):
            one.send(bytes((byte,)))
        assert one.read_response().status == 200


def test_response_ends_properly(mock: MockServer) -> None:
    """TLS says that it is complete: a client that minds can tell it from one that was cut off."""
    with peer(mock.port) as one:
        strict = trust(mock).wrap_socket(one.socket, server_hostname="localhost", suppress_ragged_eofs=False)
        one.socket = strict
        one.send(head(HEALTH, "Connection: close"))
        assert one.rest().startswith(b"HTTP/1.1 200 ")


def test_malformed_request(mock: MockServer) -> None:
    with secure_peer(mock) as one:
        one.send(b"nonsense\r\n\r\n")
        assert one.read_response().status == 400
        assert one.is_closed()
    assert ask_securely(mock, HEALTH).status == 200


def test_plain_http_is_explained(mock: MockServer) -> None:
    with peer(mock.port) as one:
        one.send(head(HEALTH))
        response = one.read_response()
        assert response.status == 400
        assert response.json["message"] == "This port speaks HTTPS"
        assert one.is_closed()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_protocol_versions(mock: MockServer, version: ssl.TLSVersion) -> None:
    context = trust(mock)
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    with secure_peer(mock, context=context) as one:
        assert isinstance(one.socket, ssl.SSLSocket)
        assert one.socket.selected_alpn_protocol() == "http/1.1"
        one.send(head(HEALTH))
        assert one.read_response().status == 200


BEGINNINGS = {
    "nothing": b"",
    "a byte": b"\x16",
    "half a record": b"\x16\x03\x01\x02\x00\x01",
}


@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=BEGINNINGS)
def test_silent_clients_are_closed(beginning: bytes) -> None:
    """A hundred of them keep no other waiting meanwhile, and none stays."""
    with MockServer(https=True, read_timeout=1) as mock, ExitStack() as stack:
        peers = [stack.enter_context(peer(mock.port)) for _ in range(100)]
        for one in peers:
            one.send(beginning)
        assert ask_securely(mock, HEALTH).status == 200
        assert all(one.is_closed() for one in peers)
        assert ask_securely(mock, HEALTH).status == 200


def test_broken_handshakes(mock: MockServer) -> None:
    for data in (b"\x16" * 100, b"\x16\x03\x01\x00\x05hello", b"\x16\x03\x03" + b"\xff" * 20_000):
        with peer(mock.port) as one:
            if one.try_send(data):
                with contextlib.suppress(OSError):  # the server has hung up already
                    one.socket.shutdown(socket.SHUT_WR)
            one.rest()
    assert ask_securely(mock, HEALTH).status == 200


def test_stop_during_handshake() -> None:
    before = count_descriptors()
    with MockServer(https=True, read_timeout=60) as mock, peer(mock.port) as one, secure_peer(mock) as idle:
        one.send(b"\x16")
        idle.send(head(HEALTH))
        assert idle.read_response().status == 200
        mock.stop()
        assert one.is_closed()
        assert idle.is_closed()
    assert count_descriptors() <= before


def count_descriptors() -> int:
    gc.collect()
    return psutil.Process().num_fds()
