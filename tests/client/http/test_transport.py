"""The real transport against a real socket: no foreign error gets out, and every connection comes back."""

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
from tests.client.fakes import USER, FakeClock
from tests.client.servers import Act, ScriptedServer, answer, hang_up, reset, send, silence

Clients = Callable[..., Client]
Serve = Callable[..., ScriptedServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers that are stopped after the test."""
    running: list[ScriptedServer] = []

    def start(*script: Act, greeting: bytes = b"") -> ScriptedServer:
        server = ScriptedServer(*script, greeting=greeting)
        running.append(server.__enter__())
        return server

    yield start
    for server in running:
        server.__exit__(None, None, None)


@pytest.fixture
def client(clients: Clients) -> Clients:
    """Makes a client for a server, whose waiting takes no time."""

    def make(server: ScriptedServer, **options: object) -> Client:
        return clients(
            **{"base_url": f"{server.origin}/api", "chat_base_url": server.origin, "clock": FakeClock(), **options}
        )

    return make


BAD = {
    "reset before the answer": (reset, ConnectionLostError),
    "closed before the answer": (hang_up, ConnectionLostError),
    "silence": (silence, RequestTimeout),
    "body cut short": (send(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), ConnectionLostError),
    "silence in the body": (
        lambda c: (c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), c.recv(1), False)[2],
        RequestTimeout,
    ),
    "chunks cut short": (send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{"), ConnectionLostError),
    "bad chunks": (send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{\r\n"), ConnectionLostError),
    "not HTTP": (send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), ProtocolError),
    "endless headers": (send(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300 + b"\r\n"), ProtocolError),
    "an endless line": (send(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n"), ProtocolError),
    "not gzip": (answer(200, raw=b"plain", headers={"Content-Encoding": "gzip"}), DecodingError),
    "HTML": (answer(200, raw=b"<html>", headers={"Content-Type": "text/html"}), DecodingError),
    "nothing": (answer(200), DecodingError),
    "garbage": (answer(200, raw=b"\xff\x00\xfe"), DecodingError),
    "another contract": (answer(200, {"id": 1}), ResponseValidationError),
    "a redirect": (answer(302, headers={"Location": "http://127.0.0.1:9/"}), RedirectError),
    "a redirect to nowhere": (answer(302, headers={"Location": "http://[::bad"}), RedirectError),
    "a server error": (answer(500, {"message": "x"}), ServerError),
}


@pytest.mark.parametrize(("act", "kind"), BAD.values(), ids=BAD.keys())
def test_whatever_the_network_does_is_one_of_our_errors(
    serve: Serve, client: Clients, act: Act, kind: type[APIError]
) -> None:
    server = serve(act)
    api = client(server, max_retries=1, timeout=0.2)
    with pytest.raises(APIError) as caught:
        api.users.get("1")
    assert type(caught.value) is kind
    foreign = (requests.RequestException, urllib3.exceptions.HTTPError, OSError, marshmallow.ValidationError)
    assert not isinstance(caught.value, (*foreign, ValueError))
    repeated = kind in (ConnectionLostError, RequestTimeout, ServerError)
    assert len(server.received) == len(caught.value.attempts) == (2 if repeated else 1)
    assert caught.value.path == "/users/1"
    assert str(caught.value)


def test_a_refused_connection(clients: Clients) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    api = clients(base_url=f"http://127.0.0.1:{port}", max_retries=1, clock=FakeClock())
    with pytest.raises(ConnectError) as caught:
        api.users.create(name="a", email="a@example.com")
    assert caught.value.details == {"reason": "Connection refused"}
    assert caught.value.status == 0
    assert len(caught.value.attempts) == 2


def test_an_unknown_host(clients: Clients) -> None:
    api = clients(base_url="http://no-such-host.invalid/api", max_retries=0)
    with pytest.raises(ConnectError):
        api.users.get("1")


def test_connecting_takes_too_long(clients: Clients) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        full = [socket.socket() for _ in range(3)]
        try:
            for one in full:  # fill the queue of connections that nobody accepts
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


def test_tls_to_a_server_that_has_none(serve: Serve, clients: Clients) -> None:
    server = serve(greeting=b"HTTP/1.1 400 Bad Request\r\n\r\n")
    api = clients(base_url=server.origin.replace("http:", "https:"), max_retries=0)
    with pytest.raises(ConnectError):
        api.users.get("1")


def test_connections_are_used_again_whatever_came_over_them(serve: Serve, client: Clients) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    server = serve(
        answer(200, USER),
        answer(204),
        answer(404, {"message": "no"}),
        answer(503, {"message": "no"}),
        answer(302, raw=b"gone", headers={"Location": "/"}),
        send(chunked, keep=True),
        answer(200, raw=gzip.compress(b'{"a": 1}'), headers={"Content-Encoding": "gzip"}),
        answer(200, raw=b"<html>"),
        answer(200, USER),
    )
    api = client(server, max_retries=0)
    for _ in range(8):
        with suppress(APIError):
            api.users.delete("1")
    assert api.users.get("1").id == "1"
    assert len(server.received) == 9
    assert server.connections <= 2  # a refused redirect's body is not worth reading


def test_a_connection_that_closes_while_idle_is_replaced(serve: Serve, client: Clients) -> None:
    closing = answer(200, USER, headers={"Connection": "close"})
    server = serve(closing)
    api = client(server)
    assert [api.users.get("1").id for _ in range(3)] == ["1"] * 3
    assert server.connections == 3


def test_a_compressed_answer_is_unpacked(serve: Serve, client: Clients) -> None:
    packed = gzip.compress(b'{"id": "1", "name": "John Doe", "email": "john@example.com", "role": "admin"}')
    api = client(serve(answer(200, raw=packed, headers={"Content-Encoding": "gzip"})))
    assert api.users.get("1").name == "John Doe"


def test_the_request_is_what_http_wants(serve: Serve, client: Clients) -> None:
    server = serve(answer(201, USER), answer(204))
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


def test_nothing_is_taken_from_the_surroundings(
    serve: Serve, client: Clients, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    server = serve(answer(200, USER, headers={"Set-Cookie": "a=b"}))
    api = client(server, access_token="the-token")
    api.users.get("1")
    api.users.get("1")
    for request in server.received:
        assert request.headers["authorization"] == "Bearer the-token"
        assert "cookie" not in request.headers


def test_a_proxy_is_used_when_it_is_named(serve: Serve, clients: Clients) -> None:
    proxy = serve(answer(200, USER))
    api = clients(base_url="http://platform.invalid/api", proxies={"http": proxy.origin})
    assert api.users.get("1").id == "1"
    assert proxy.received[0].target == "http://platform.invalid/api/users/1"


def test_small_requests_are_not_held_back(serve: Serve, client: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[socket.socket] = []
    connect = urllib3.connection.HTTPConnection.connect

    def watched(self: urllib3.connection.HTTPConnection) -> None:
        connect(self)
        made.append(self.sock)

    monkeypatch.setattr(urllib3.connection.HTTPConnection, "connect", watched)
    client(serve(answer(200, USER))).users.get("1")
    assert [one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for one in made] != [0]
    assert len(made) == 1


def test_a_response_gives_its_connection_back_once() -> None:
    closed: list[str] = []
    response = Response(200, {"Content-TYPE": "x"}, iter([b"a", b"b"]), close=lambda: closed.append("closed"))
    assert response.header("content-type") == "x"
    assert response.header("absent") is None
    assert (response.read(), response.read()) == (b"ab", b"ab")
    response.close()
    assert closed == ["closed"]


def test_a_response_gives_its_connection_back_when_its_body_breaks_off() -> None:
    closed: list[str] = []

    def broken() -> Iterator[bytes]:
        yield b"a"
        raise ConnectionLostError

    response = Response(200, body=broken(), close=lambda: closed.append("closed"))
    with pytest.raises(ConnectionLostError):
        response.read()
    assert closed == ["closed"]


def test_many_threads_share_a_client(serve: Serve, client: Clients) -> None:
    server = serve(answer(200, USER))
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
def test_a_forked_process_opens_its_own_connection(serve: Serve) -> None:
    server = serve(answer(200, USER))
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


def test_a_transport_that_was_closed_stays_closed(serve: Serve) -> None:
    server = serve(answer(200, USER))
    transport = HTTPTransport()
    transport.send(Request("GET", server.origin, timeout=5)).read()
    transport.close()
    for address in (server.origin, "http://another.invalid"):
        with pytest.raises(ClientClosedError):
            transport.send(Request("GET", address, timeout=5))
    assert server.connections == 1
