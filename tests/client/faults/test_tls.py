"""TLS: whose certificate is accepted, what is tried again, and that deadlines hold there too."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from duologue import (
    APIError,
    CertificateError,
    Client,
    ConnectError,
    ConnectionLostError,
    DeadlineExceeded,
    RequestTimeout,
)
from duologue.http.pool import POOLS, DeadlineTimeout
from tests.client.fakes import USER, FakeClock
from tests.client.faults.acts import HEAD, drip, hang_up, respond, send, silence
from tests.client.servers import Act, ScriptedServer

pytestmark = pytest.mark.slow

TLS = Path(__file__).parent / "tls"
HASH = "ce275665"
"""Of the certificate's subject, by which OpenSSL finds it in a folder: `openssl x509 -hash -in cert.pem`."""

Serve = Callable[..., ScriptedServer]


@pytest.fixture
def to_tls(serve: Serve) -> Iterator[Callable[..., tuple[Client, ScriptedServer]]]:
    """Makes a client of a server behind TLS; the authority is the server's own certificate."""
    clients: list[Client] = []

    def make(*script: Act, host: str = "localhost", **options: object) -> tuple[Client, ScriptedServer]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")
        server = serve(*script, tls=context)
        settings = {"verify": str(TLS / "cert.pem"), "timeout": 5, "clock": FakeClock(), **options}
        clients.append(Client(base_url=f"https://{host}:{server.port}", **settings))  # type: ignore[arg-type]
        return clients[-1], server

    yield make
    for client in clients:
        client.close()


ToTLS = Callable[..., tuple[Client, ScriptedServer]]
GOOD = respond(200, USER)


def test_custom_authority(to_tls: ToTLS) -> None:
    api, server = to_tls(GOOD)
    assert [api.users.get("1").id for _ in range(3)] == ["1"] * 3
    assert server.connections == 1


@pytest.mark.parametrize("option", ["ca_certs", "ca_cert_dir", "ca_cert_data"])
def test_authorities_of_pool(serve: Serve, tmp_path: Path, option: str) -> None:
    """urllib3's options for the authorities hold: a file, a folder and the certificates themselves."""
    certificate = TLS / "cert.pem"
    (tmp_path / f"{HASH}.0").write_bytes(certificate.read_bytes())
    values = {"ca_certs": str(certificate), "ca_cert_dir": str(tmp_path), "ca_cert_data": certificate.read_text()}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, TLS / "key.pem")
    server = serve(GOOD, tls=context)
    options: Any = {option: values[option], "timeout": DeadlineTimeout(30, None), "retries": False}
    with POOLS["https"]("localhost", server.port, **options) as pool:
        assert pool.urlopen("GET", "/").status == 200


def test_verify_off(to_tls: ToTLS) -> None:
    api, _ = to_tls(GOOD, verify=False)
    with pytest.warns(match="Unverified HTTPS request"):
        assert api.users.get("1").id == "1"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"verify": True}, "self-signed certificate"),
        ({"host": "127.0.0.1"}, "IP address mismatch, certificate is not valid for '127.0.0.1'"),
    ],
)
def test_invalid_certificate(to_tls: ToTLS, options: dict[str, object], reason: str) -> None:
    api, server = to_tls(GOOD, max_retries=3, **options)
    with pytest.raises(CertificateError) as caught:
        api.users.create(name="a", email="a@example.com")
    assert len(caught.value.attempts) == 1
    assert reason in caught.value.details["reason"]
    assert not caught.value.is_retryable()
    assert isinstance(caught.value, ConnectError)
    assert server.received == []


def test_server_without_tls(serve: Serve) -> None:
    server = serve(greeting=b"HTTP/1.1 400 Bad Request\r\n\r\n")
    api = Client(base_url=f"https://127.0.0.1:{server.port}", max_retries=1, clock=FakeClock())
    with api, pytest.raises(ConnectError) as caught:
        api.users.get("1")
    assert type(caught.value) is ConnectError
    assert len(caught.value.attempts) == 2


def test_stale_connection(to_tls: ToTLS) -> None:
    api, server = to_tls(GOOD, hang_up, GOOD, max_retries=0)
    api.users.get("1")
    api.users.create(name="a", email="a@example.com")
    assert len(server.received) == 3


def spoilt(connection: socket.socket) -> bool:
    """Send half a response, then something that is not TLS."""
    connection.sendall(HEAD + b"Content-Length: 99\r\n\r\n{")
    bare = socket.socket(fileno=connection.detach())
    bare.sendall(b"this is not a record of TLS at all")
    bare.close()
    return False


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        (spoilt, ConnectionLostError),
        (send(HEAD + b"Content-Length: 99\r\n\r\n{"), ConnectionLostError),
        (silence, RequestTimeout),
    ],
    ids=["spoilt", "cut off", "silent"],
)
def test_fault_after_handshake(to_tls: ToTLS, act: Act, kind: type[APIError]) -> None:
    api, _ = to_tls(act, timeout=0.3, max_retries=1)
    with pytest.raises(APIError) as caught:
        api.users.get("1")
    assert type(caught.value) is kind
    assert len(caught.value.attempts) == 2


def test_slow_server(to_tls: ToTLS) -> None:
    api, _ = to_tls(drip(HEAD + b"Content-Length: 1000\r\n\r\n", [b" "] * 1000, 0.04))
    with pytest.raises(DeadlineExceeded):
        api.with_options(deadline=0.4).users.get("1")
