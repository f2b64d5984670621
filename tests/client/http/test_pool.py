"""Timeouts that end at a deadline, the sockets that have them, and where connections lead."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from urllib3.exceptions import NameResolutionError, NewConnectionError

from duologue.http import pool
from duologue.http.pool import POOLS, DeadlineTimeout, _Socket, resolve_localhost
from tests.client.servers import ScriptedServer, respond

Serve = Callable[..., ScriptedServer]
Pair = tuple[_Socket, socket.socket]

LATER = 1000.0
"""Seconds until a deadline that no test reaches."""

MORE_THAN_FITS = b"x" * 10_000_000


@pytest.mark.parametrize("seconds", [None, 5])
def test_timeout_without_deadline(seconds: float | None) -> None:
    assert DeadlineTimeout(seconds, None).remaining() == seconds


def test_timeout_with_deadline() -> None:
    """It ends when the first of the two does."""
    deadline = time.monotonic() + LATER
    assert DeadlineTimeout(5, deadline).remaining() == 5
    for seconds in (None, 2 * LATER):
        remaining = DeadlineTimeout(seconds, deadline).remaining()
        assert remaining is not None
        assert LATER / 2 < remaining <= LATER


@pytest.mark.parametrize("seconds", [None, 5])
def test_deadline_has_passed(seconds: float | None) -> None:
    with pytest.raises(TimeoutError, match=r"^the deadline has passed$"):
        DeadlineTimeout(seconds, time.monotonic()).remaining()


def test_timeout_of_urllib3() -> None:
    """To connect and to read takes so long each, also in the copies that urllib3 makes."""
    timeout = DeadlineTimeout(5, 7.0)
    copy = timeout.clone()
    assert (copy.connect_timeout, copy.read_timeout, copy.seconds, copy.deadline) == (5, 5, 5, 7.0)
    assert copy is not timeout


@pytest.mark.parametrize(
    ("host", "resolved"),
    [
        ("w1.localhost", "localhost"),
        ("a.b.LocalHost.", "localhost"),
        ("localhost", "localhost"),
        ("notlocalhost", "notlocalhost"),
        ("localhost.example.com", "localhost.example.com"),
        ("EXAMPLE.com.", "EXAMPLE.com."),
    ],
)
def test_resolve_localhost(host: str, resolved: str) -> None:
    assert resolve_localhost(host) == resolved


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A socket with deadlines, and the other end of its connection."""
    one, other = socket.socketpair()
    with _Socket(fileno=one.detach()) as sock, other:
        sock.settimeout(30)
        yield sock, other


WAITS: dict[str, Callable[[_Socket], object]] = {
    "recv": lambda sock: sock.recv(1),
    "recv_into": lambda sock: sock.recv_into(bytearray(1)),
    "send": lambda sock: sock.send(b"x"),
    "sendall": lambda sock: sock.sendall(MORE_THAN_FITS),
}


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS.keys())
def test_wait_after_deadline(pair: Pair, wait: Callable[[_Socket], object]) -> None:
    sock, other = pair
    other.send(b"data")
    sock.deadline = time.monotonic()
    with pytest.raises(TimeoutError, match="the deadline has passed"):
        wait(sock)


@pytest.mark.parametrize("name", ["recv", "recv_into", "sendall"])
def test_wait_until_deadline(pair: Pair, name: str) -> None:
    """A wait that would be longer ends there."""
    sock, _ = pair
    sock.deadline = time.monotonic() + 0.05
    with pytest.raises(TimeoutError):
        WAITS[name](sock)
    assert time.monotonic() >= sock.deadline
    assert (sock.gettimeout() or 30) < 1


def test_data_before_deadline(pair: Pair) -> None:
    """What comes in time is passed on; a timeout that ends sooner than the deadline stays."""
    sock, other = pair
    sock.deadline = time.monotonic() + LATER
    other.send(b"one two")
    assert sock.recv(3, socket.MSG_PEEK) == b"one"
    assert sock.recv(4) == b"one "
    buffer = bytearray(5)
    assert sock.recv_into(buffer, 2) == 2
    assert bytes(buffer) == b"tw\0\0\0"
    assert sock.send(b"three ") == 6
    sock.sendall(b"four")
    assert other.recv(20) == b"three four"
    assert sock.gettimeout() == 30


def test_no_deadline(pair: Pair) -> None:
    sock, other = pair
    other.send(b"data")
    assert sock.recv(9) == b"data"
    assert sock.gettimeout() == 30


def request(host: str, port: int, deadline: float | None = LATER, *, seconds: float | None = 30) -> Any:
    """Return urllib3's response to a request on a pool of its own."""
    timeout = DeadlineTimeout(seconds, None if deadline is None else time.monotonic() + deadline)
    with POOLS["http"](host, port) as connections:
        return connections.urlopen("GET", "/", timeout=timeout, retries=False)


@pytest.mark.parametrize("deadline", [None, LATER])
@pytest.mark.parametrize("host", ["localhost", "w1.localhost", "127.0.0.1"])
def test_host(serve: Serve, host: str, deadline: float | None) -> None:
    server = serve(respond(200, {}))
    assert request(host, server.port, deadline).status == 200


def test_address_of_version_6() -> None:
    """In brackets, as in a URL."""
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this system has no IPv6")
    with listener:
        port = listener.getsockname()[1]
    with pytest.raises(NewConnectionError, match="refused"):
        request("[::1]", port)


@pytest.mark.parametrize("deadline", [None, LATER])
@pytest.mark.parametrize(
    "error", [socket.gaierror(-2, "unknown"), UnicodeError("label too long")], ids=["unknown", "invalid"]
)
def test_failed_look_up(monkeypatch: pytest.MonkeyPatch, error: Exception, deadline: float | None) -> None:
    looked_up: list[Any] = []

    def fail(*args: Any, **options: Any) -> Any:
        looked_up.append((*args, options["type"]))
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(NameResolutionError, match="unknown" if isinstance(error, OSError) else "not a host name"):
        request("some.invalid", 80, deadline)
    assert looked_up == [("some.invalid", 80, socket.SOCK_STREAM)]


@pytest.mark.parametrize(
    ("host", "seconds", "in_thread"),
    [("a.test", 30, True), ("a.test", None, False), ("127.0.0.1", 30, False)],
)
def test_thread_of_look_up(monkeypatch: pytest.MonkeyPatch, host: str, seconds: float | None, in_thread: bool) -> None:
    """Only what may take too long is done in a thread, which does not keep a program from ending."""
    threads: list[threading.Thread] = []

    def look_up(name: str, *_: Any, **__: Any) -> list[Any]:
        assert name == host
        threads.append(threading.current_thread())
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(NewConnectionError, match=r"the host has no address$"):
        request(host, 80, None, seconds=seconds)
    (thread,) = threads
    assert (thread is not threading.current_thread()) == in_thread
    if in_thread:
        assert (thread.name, thread.daemon) == ("duologue-look-up", True)


def test_next_address(monkeypatch: pytest.MonkeyPatch, serve: Serve) -> None:
    """Where nothing listens at the first address of a host, the next one is tried; the last error is raised."""
    server = serve(respond(200, {}))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        refused = closed.getsockname()
    places = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in (refused, ("127.0.0.1", server.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: places)
    assert request("two.invalid", 80).status == 200
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: places[:1] * 2)
    with pytest.raises(NewConnectionError, match="Connection refused"):
        request("two.invalid", 80)


def test_share_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each address of a host gets an equal part of the time that is left when its turn comes."""
    shares: list[int] = []

    def refuse(*_: Any, share: int) -> socket.socket:
        shares.append(share)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ())] * 3)
    monkeypatch.setattr(pool, "_connect_to", refuse)
    with pytest.raises(NewConnectionError):
        request("three.invalid", 80)
    assert shares == [3, 2, 1]


def test_options_of_socket() -> None:
    """urllib3's options of a pool hold here too."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
        host, port = listener.getsockname()
        connections = POOLS["http"](host, port, socket_options=options, source_address=("127.0.0.1", 0))
        connection: Any = connections._get_conn()
        connection.connect()
        peer, address = listener.accept()
        with peer:
            assert connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert address == connection.sock.getsockname()
        connection.close()
