"""Proxies: tunnels and what comes through them keep deadlines too."""

from __future__ import annotations

import select
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from duologue import (
    APIError,
    Client,
    ConnectError,
    ConnectionLostError,
    ConnectTimeout,
    DeadlineExceeded,
    RetryAdapter,
    RetryPolicy,
)
from tests.client.fakes import USER, FakeClock
from tests.client.faults.acts import HEAD, closing, drip, hang_up, reset, respond, send, silence
from tests.client.faults.test_deadlines import SOON, in_time
from tests.client.servers import Act, ScriptedServer
from tests.waiting import eventually

pytestmark = pytest.mark.slow

TLS = Path(__file__).parent / "tls"
OPENED = b"HTTP/1.1 200 Connection established\r\n\r\n"
GOOD = respond(200, USER)

Serve = Callable[..., ScriptedServer]
Behind = Callable[..., tuple[Client, ScriptedServer]]


def create_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")
    return context


def relay_to(server: ScriptedServer) -> Act:
    """Open the tunnel, and pass on what comes from either side."""

    def act(connection: socket.socket) -> bool:
        with socket.create_connection(("127.0.0.1", server.port)) as target:
            connection.sendall(OPENED)
            while pass_on(connection, target):
                pass
        return False

    return act


def pass_on(one: socket.socket, other: socket.socket) -> bool:
    """Pass on what has come; return False when a side has ended. One thread does both: TLS allows no more."""
    buffered = isinstance(one, ssl.SSLSocket) and one.pending() > 0
    for source in [one] if buffered else select.select([one, other], [], [])[0]:
        data = source.recv(65_536)
        if not data:
            return False
        (other if source is one else one).sendall(data)
    return True


@pytest.fixture(params=["http", "https"])
def scheme(request: pytest.FixtureRequest) -> str:
    """How the client speaks to the proxy."""
    return str(request.param)


@pytest.fixture
def behind(serve: Serve, scheme: str) -> Iterator[Behind]:
    """Makes a client of a server behind TLS and a proxy; the proxy does what its script says, else it relays."""
    clients: list[Client] = []

    def make(*script: Act, proxy: tuple[Act, ...] = (), **options: object) -> tuple[Client, ScriptedServer]:
        server = serve(*script, tls=create_tls())
        gate = serve(*proxy, relay_to(server), tls=create_tls() if scheme == "https" else None)
        settings = {"verify": str(TLS / "cert.pem"), "timeout": 30, "clock": FakeClock(), "max_retries": 0, **options}
        proxies = {"https": f"{scheme}://localhost:{gate.port}"}
        clients.append(Client(base_url="https://localhost:9", proxies=proxies, **settings))  # type: ignore[arg-type]
        return clients[-1], gate

    yield make
    for client in clients:
        client.close()


def test_tunnel(behind: Behind) -> None:
    api, gate = behind(GOOD)
    assert [api.users.get("1").id for _ in range(3)] == ["1"] * 3
    assert gate.connections == len(gate.received) == 1
    assert gate.received[0].target == "localhost:9"


def listen(connection: socket.socket) -> bool:
    """Read until the client gives up."""
    while connection.recv(65_536):
        pass
    return False


STALLS: dict[str, Act] = {
    "no response": silence,
    "a slow response": drip(b"HTTP/1.1 200 OK\r\nX: ", [b"y"] * 1000, 0.04),
    "slow headers": drip(b"HTTP/1.1 200 OK\r\n", [b"X: y\r\n"] * 1000, 0.04),
    "slow interim responses": drip(b"", [b"HTTP/1.1 100 Continue\r\n\r\n"] * 1000, 0.04),
    "no handshake": lambda connection: drip(OPENED, [], 0)(connection) or listen(connection),
    "no handshake after a wait": lambda connection: drip(b"", [OPENED], SOON / 2)(connection) or listen(connection),
}


@pytest.mark.parametrize("stall", STALLS.values(), ids=STALLS.keys())
def test_stalled_tunnel(behind: Behind, stall: Act) -> None:
    api, _ = behind(GOOD, proxy=(stall,), clock=None, deadline=SOON)
    with in_time(), pytest.raises(DeadlineExceeded):
        api.users.get("1")


@pytest.mark.parametrize("stall", STALLS.values(), ids=STALLS.keys())
def test_tunnel_timeout(behind: Behind, stall: Act) -> None:
    api, _ = behind(GOOD, proxy=(stall,), timeout=SOON, deadline=None)
    with in_time(), pytest.raises(ConnectTimeout):
        api.users.get("1")


def test_slow_body_in_tunnel(behind: Behind) -> None:
    api, _ = behind(drip(HEAD + b"Content-Length: 900\r\n\r\n", [b" "] * 900, 0.04), clock=None, deadline=SOON)
    with in_time(), pytest.raises(DeadlineExceeded):
        api.users.get("1")


def test_next_call_in_tunnel(behind: Behind) -> None:
    """A connection that is used again has the deadline of the next call."""
    slow = drip(HEAD + b"Content-Length: 900\r\n\r\n", [b" "] * 900, 0.04)
    api, gate = behind(GOOD, GOOD, slow, clock=None, deadline=None)
    assert [api.with_options(deadline=deadline).users.get("1").id for deadline in (30, None)] == ["1", "1"]
    with in_time(), pytest.raises(DeadlineExceeded):
        api.with_options(deadline=SOON).users.get("1")
    assert gate.connections == 1


def test_stale_tunnel(behind: Behind) -> None:
    """A connection that the server closes just as it is used again is replaced by a new tunnel.

    The request, which has the token, is never sent to the proxy itself.
    """
    api, gate = behind(GOOD, hang_up, GOOD)
    assert [api.users.get("1").id for _ in range(2)] == ["1", "1"]
    assert [request.target for request in gate.received] == ["localhost:9", "localhost:9"]


def test_reopened_tunnel(behind: Behind) -> None:
    """It has the deadline of the call that opens it again, not that of the call before."""
    api, gate = behind(closing(GOOD), GOOD, clock=None)
    api.with_options(deadline=5).users.get("1")
    pools = api._http._pools.values()
    for pool in pools:
        assert pool.pool is not None
        for connection in filter(None, pool.pool.queue):
            connection.deadline = 0.0  # long ago
    assert api.users.get("1").id == "1"
    assert len(gate.received) == 2


def test_reopened_tunnel_stalls(behind: Behind) -> None:
    api, gate = behind(closing(GOOD), clock=None)
    api.with_options(deadline=None).users.get("1")
    [pool] = api._http._pools.values()
    assert pool.pool is not None
    [connection] = filter(None, pool.pool.queue)
    assert eventually(lambda: not connection.is_connected), "a connection that ends while it is used is another matter"
    gate.script[:] = [silence]
    with in_time(), pytest.raises(DeadlineExceeded):
        api.with_options(deadline=SOON).users.get("1")


REFUSALS: dict[str, Act] = {
    "a status": respond(502),
    "a close": hang_up,
    "half a head": send(OPENED[:30]),
    "garbage": send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    "headers without end": send(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS.keys())
def test_refused_tunnel(behind: Behind, refusal: Act) -> None:
    api, _ = behind(GOOD, proxy=(refusal,))
    with pytest.raises(APIError) as caught:
        api.users.get("1")
    assert isinstance(caught.value, ConnectError)
    assert caught.value.attempts


@pytest.mark.parametrize("act", [hang_up, closing(send(HEAD))], ids=["without a response", "within a response"])
def test_connection_lost_in_tunnel(behind: Behind, act: Act) -> None:
    """The request has been sent: that is no failure to connect, after which it would be safe to send it again."""
    api, _ = behind(act)
    with pytest.raises(ConnectionLostError, match="The connection to localhost:9 was lost"):
        api.users.get("1")


@pytest.mark.parametrize("act", [hang_up, reset, closing(send(HEAD))], ids=["close", "reset", "within a response"])
def test_connection_lost_in_forwarding(serve: Serve, act: Act) -> None:
    gate = serve(act)
    api = Client(base_url="http://platform.invalid", proxies={"http": gate.origin}, max_retries=0)
    with api, pytest.raises(ConnectionLostError):
        api.users.get("1")
    with requests.Session() as session:
        session.mount("http://", RetryAdapter(RetryPolicy(delay=0)))
        with pytest.raises(requests.ConnectionError):
            session.post("http://platform.invalid", data=b"x", timeout=5, proxies={"http": gate.origin})

    assert len(gate.received) == 2, "a POST without a key is sent once"


def test_slow_forwarding(serve: Serve) -> None:
    gate = serve(drip(b"HTTP/1.1 200 OK\r\nX: ", [b"y"] * 1000, 0.04))
    with (
        Client(base_url="http://platform.invalid", proxies={"http": gate.origin}, deadline=SOON) as api,
        in_time(),
        pytest.raises(DeadlineExceeded),
    ):
        api.users.get("1")
