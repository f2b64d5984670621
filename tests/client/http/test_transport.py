"""The real transport against a real socket: every error is one of ours, and every connection is released."""

from __future__ import annotations

import gzip
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import marshmallow
import pytest
import requests
import urllib3

from duologue import (
    APIError,
    Client,
    ClientClosedError,
    ConnectError,
    ConnectionLostError,
    ConnectTimeout,
    DecodingError,
    HTTPTransport,
    ProtocolError,
    RedirectError,
    Request,
    RequestTimeout,
    Response,
    ResponseValidationError,
    ServerError,
)
from duologue.http.transport import _map_exception
from tests.client.fakes import USER, FakeClock
from tests.client.servers import Act, ScriptedServer, hang_up, reset, respond, send, silence

Clients = Callable[..., Client]
Serve = Callable[..., ScriptedServer]


@pytest.fixture
def client(clients: Clients) -> Clients:
    """Makes a client for a server, whose waiting takes no time."""

    def make(server: ScriptedServer, **options: object) -> Client:
        return clients(
            **{"base_url": f"{server.origin}/api", "chat_base_url": server.origin, "clock": FakeClock(), **options}
        )

    return make


BAD = {
    "reset before the response": (reset, ConnectionLostError),
    "closed before the response": (hang_up, ConnectionLostError),
    "silence": (silence, RequestTimeout),
    "body cut short": (send(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), ConnectionLostError),
    "silence in the body": (
        lambda c: (c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), c.recv(1), False)[2],
        RequestTimeout,
    ),
    "chunks cut short": (send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{"), ConnectionLostError),
    "bad chunks": (send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{\r\n"), ProtocolError),
    "not HTTP": (send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), ProtocolError),
    "endless headers": (send(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300 + b"\r\n"), ProtocolError),
    "an endless line": (send(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n"), ProtocolError),
    "not gzip": (respond(200, raw=b"plain", headers={"Content-Encoding": "gzip"}), DecodingError),
    "HTML": (respond(200, raw=b"<html>", headers={"Content-Type": "text/html"}), DecodingError),
    "nothing": (respond(200), DecodingError),
    "garbage": (respond(200, raw=b"\xff\x00\xfe"), DecodingError),
    "another contract": (respond(200, {"id": 1}), ResponseValidationError),
    "a redirect": (respond(302, headers={"Location": "http://127.0.0.1:9/"}), RedirectError),
    "a redirect to nowhere": (respond(302, headers={"Location": "http://[::bad"}), RedirectError),
    "a server error": (respond(500, {"message": "x"}), ServerError),
}


@pytest.mark.parametrize(("act", "kind"), BAD.values(), ids=BAD.keys())
def test_network_faults(serve: Serve, client: Clients, act: Act, kind: type[APIError]) -> None:
    """Whatever a server does to a connection becomes one of our errors."""
    server = serve(act)
    api = client(server, max_retries=1, timeout=0.2)
    with pytest.raises(APIError) as caught:
        api.users.get("1")
    assert type(caught.value) is kind
    others = (requests.RequestException, urllib3.exceptions.HTTPError, OSError, marshmallow.ValidationError)
    assert not isinstance(caught.value, (*others, ValueError))
    repeated = kind in (ConnectionLostError, RequestTimeout, ServerError) or act is BAD["bad chunks"][0]
    assert len(server.received) == len(caught.value.attempts) == (2 if repeated else 1)
    assert caught.value.path == "/users/1"
    assert str(caught.value)


def test_connection_refused(clients: Clients) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    api = clients(base_url=f"http://127.0.0.1:{port}", max_retries=1, clock=FakeClock())
    with pytest.raises(ConnectError) as caught:
        api.users.create(name="a", email="a@example.com")
    assert caught.value.details == {"reason": "Connection refused"}
    assert caught.value.message == f"Could not connect to 127.0.0.1:{port}"
    assert str(caught.value).startswith(
        f"Could not connect to 127.0.0.1:{port}: Connection refused (POST /users, request"
    )
    assert caught.value.status == 0
    assert len(caught.value.attempts) == 2


@pytest.mark.parametrize(
    ("act", "text"),
    [
        (silence, "The request to {address} timed out after 0.2 s ("),
        (hang_up, "The connection to {address} was lost: the server closed it without a response ("),
        (send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "The response of {address} is not HTTP: "),
    ],
    ids=["silence", "close", "garbage"],
)
def test_error_text(serve: Serve, client: Clients, act: Act, text: str) -> None:
    """A network error says which host and port, and what happened."""
    server = serve(act)
    with pytest.raises(APIError) as caught:
        client(server, max_retries=0, timeout=0.2).users.get("1")
    assert str(caught.value).startswith(text.format(address=f"127.0.0.1:{server.port}"))


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://localhost:3001/api/users?a=b:1", "localhost:3001"),
        ("http://example.com", "example.com:80"),
        ("https://example.com/x:9", "example.com:443"),
        ("http://user:secret@example.com/", "example.com:80"),
        ("http://[::1]/api", "[::1]:80"),
        ("http://[::1]:8080/api", "[::1]:8080"),
    ],
)
def test_address(url: str, address: str) -> None:
    error = _map_exception(ConnectionRefusedError(111, "Connection refused"), Request("GET", url), None)
    assert address in str(error)
    assert "secret" not in str(error)


def test_unknown_host(clients: Clients) -> None:
    api = clients(base_url="http://no-such-host.invalid/api", max_retries=0)
    with pytest.raises(ConnectError):
        api.users.get("1")


@pytest.mark.parametrize("host", ["w1.localhost", "a.b.LOCALHOST", "w1.localhost."])
def test_names_below_localhost(serve: Serve, clients: Clients, host: str) -> None:
    """They are this machine (RFC 6761, section 6.3), also where the system's look-up does not know."""
    server = serve(respond(200, USER))
    api = clients(base_url=f"http://{host}:{server.port}", max_retries=0)
    assert api.users.get("1").id == "1"
    assert server.received[0].headers["host"] == f"{host.lower().rstrip('.')}:{server.port}"


def test_connect_timeout(clients: Clients) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        full = [socket.socket() for _ in range(3)]
        try:
            for one in full:  # fill the queue of connections, which are not accepted
                one.setblocking(False)
                one.connect_ex(("127.0.0.1", port))
            api = clients(base_url=f"http://127.0.0.1:{port}", max_retries=0, timeout=0.2)
            with pytest.raises(ConnectTimeout) as caught:
                api.users.get("1")
        finally:
            for one in full:
                one.close()
    assert isinstance(caught.value, ConnectError)
    assert isinstance(caught.value, RequestTimeout)


def test_server_without_tls(serve: Serve, clients: Clients) -> None:
    server = serve(greeting=b"HTTP/1.1 400 Bad Request\r\n\r\n")
    api = clients(base_url=server.origin.replace("http:", "https:"), max_retries=0)
    with pytest.raises(ConnectError):
        api.users.get("1")


def test_connection_reuse(serve: Serve, client: Clients) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    server = serve(
        respond(200, USER),
        respond(204),
        respond(404, {"message": "no"}),
        respond(503, {"message": "no"}),
        respond(302, raw=b"gone", headers={"Location": "/"}),
        send(chunked, keep=True),
        respond(200, raw=gzip.compress(b'{"a": 1}'), headers={"Content-Encoding": "gzip"}),
        respond(200, raw=b"<html>"),
        respond(200, USER),
    )
    api = client(server, max_retries=0)
    for _ in range(8):
        with suppress(APIError):
            api.users.delete("1")
    assert api.users.get("1").id == "1"
    assert len(server.received) == 9
    assert server.connections <= 2  # a refused redirect's body is not worth reading


def test_idle_connection_closed(serve: Serve, client: Clients) -> None:
    closing = respond(200, USER, headers={"Connection": "close"})
    server = serve(closing)
    api = client(server)
    assert [api.users.get("1").id for _ in range(3)] == ["1"] * 3
    assert server.connections == 3


def test_compressed_response(serve: Serve, client: Clients) -> None:
    packed = gzip.compress(b'{"id": "1", "name": "John Doe", "email": "john@example.com", "role": "admin"}')
    api = client(serve(respond(200, raw=packed, headers={"Content-Encoding": "gzip"})))
    assert api.users.get("1").name == "John Doe"


def test_request_head(serve: Serve, client: Clients) -> None:
    server = serve(respond(201, USER), respond(204))
    api = client(server)
    api.users.create(name="Zoë", email="zoe@example.com")
    api.users.delete("a/b")
    post, delete = server.received
    assert post.json == {"name": "Zoë", "email": "zoe@example.com", "role": "user"}
    assert post.headers["content-length"] == str(len(post.body))
    assert post.headers["user-agent"].startswith("duologue/")
    assert delete.target == "/api/users/a%2Fb"
    assert "content-type" not in delete.headers
    assert delete.body == b""


def test_environment_is_ignored(serve: Serve, client: Clients, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    server = serve(respond(200, USER, headers={"Set-Cookie": "a=b"}))
    api = client(server, access_token="the-token")
    api.users.get("1")
    api.users.get("1")
    for request in server.received:
        assert request.headers["authorization"] == "Bearer the-token"
        assert "cookie" not in request.headers


def test_proxy(serve: Serve, clients: Clients) -> None:
    proxy = serve(respond(200, USER))
    api = clients(base_url="http://platform.invalid/api", proxies={"http": proxy.origin})
    assert api.users.get("1").id == "1"
    assert proxy.received[0].target == "http://platform.invalid/api/users/1"


def test_tcp_nodelay(serve: Serve, client: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    sockets: list[socket.socket] = []
    connect = urllib3.connection.HTTPConnection.connect

    def record_socket(self: urllib3.connection.HTTPConnection) -> None:
        connect(self)
        sockets.append(self.sock)

    monkeypatch.setattr(urllib3.connection.HTTPConnection, "connect", record_socket)
    client(serve(respond(200, USER))).users.get("1")
    assert [one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for one in sockets] != [0]
    assert len(sockets) == 1


def test_response_closes_once() -> None:
    closed: list[str] = []
    response = Response(200, {"Content-TYPE": "x"}, iter([b"a", b"b"]), close=lambda: closed.append("closed"))
    assert response.header("content-type") == "x"
    assert response.header("absent") is None
    assert (response.read(), response.read()) == (b"ab", b"ab")
    response.close()
    assert closed == ["closed"]


def test_response_closes_on_error() -> None:
    closed: list[str] = []

    def fail_midway() -> Iterator[bytes]:
        yield b"a"
        raise ConnectionLostError

    response = Response(200, body=fail_midway(), close=lambda: closed.append("closed"))
    with pytest.raises(ConnectionLostError):
        response.read()
    assert closed == ["closed"]


def test_threads(serve: Serve, client: Clients) -> None:
    server = serve(respond(200, USER))
    api = client(server, pool_size=4)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(10):
                assert api.users.get("1").id == "1"
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(server.received) == 80


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_fork(serve: Serve) -> None:
    server = serve(respond(200, USER))
    transport = HTTPTransport()
    request = Request("GET", server.origin, timeout=5)
    transport.send(request).read()
    child = os.fork()
    if child == 0:
        try:
            transport.send(request).read()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    transport.send(request).read()
    transport.close()
    assert [received.connection for received in server.received] == [1, 2, 1]


def test_closed_transport(serve: Serve) -> None:
    server = serve(respond(200, USER))
    transport = HTTPTransport()
    transport.send(Request("GET", server.origin, timeout=5)).read()
    transport.close()
    for address in (server.origin, "http://another.invalid"):
        with pytest.raises(ClientClosedError):
            transport.send(Request("GET", address, timeout=5))
    assert server.connections == 1
