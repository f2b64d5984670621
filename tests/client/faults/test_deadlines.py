"""A deadline bounds whatever takes time: looking up, connecting, a handshake, sending, waiting, reading."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from duologue import (
    APIError,
    Client,
    ConnectError,
    ConnectTimeout,
    DeadlineExceeded,
    HTTPTransport,
    Request,
    ServerError,
    StoredTokens,
)
from tests.client.fakes import SESSION, TOKENS, USER, FakeClock
from tests.client.faults.acts import HEAD, drip, respond, silence, then_silence
from tests.client.servers import Act, Received, ScriptedServer

pytestmark = pytest.mark.slow

To = Callable[..., tuple[Client, ScriptedServer]]
Serve = Callable[..., ScriptedServer]

SOON = 0.4
BUSY = 15.0
"""Seconds that a busy machine may add; without the deadline these calls would take 30."""


@contextmanager
def in_time() -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < SOON * 1.1 + BUSY


def test_silent_server(serve: Serve) -> None:
    with (
        Client(base_url=serve(silence).origin, timeout=30, deadline=SOON) as api,
        in_time(),
        pytest.raises(DeadlineExceeded, match=f"The call took longer than its deadline of {SOON} s"),
    ):
        api.users.get("1")


def test_deadline_without_timeout(serve: Serve) -> None:
    with (
        Client(base_url=serve(silence).origin, timeout=None, deadline=SOON) as api,
        in_time(),
        pytest.raises(DeadlineExceeded),
    ):
        api.users.get("1")


def test_attempts_and_waits(serve: Serve, clients: Callable[..., Client]) -> None:
    server = serve(silence)
    api = clients(base_url=server.origin, timeout=0.1, deadline=SOON, retry_delay=0.05, max_retries=50)
    with in_time(), pytest.raises(APIError) as caught:
        api.users.get("1")
    assert caught.value.status == 408
    assert 1 < len(caught.value.attempts) < 6


def test_wait_past_deadline(to: To) -> None:
    clock = FakeClock()
    api, server = to(respond(503, {"message": "Down"}), clock=clock, deadline=4, retry_delay=1, max_retries=9)
    with pytest.raises(ServerError, match="Down"):
        api.users.get("1")
    assert sum(clock.slept) < 4
    assert len(server.received) == len(clock.slept) + 1


def test_endless_handshake(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        origin = f"https://127.0.0.1:{mute.getsockname()[1]}"
        with (
            Client(base_url=origin, timeout=30, deadline=SOON, max_retries=0) as api,
            in_time(),
            pytest.raises(DeadlineExceeded),
        ):
            api.users.get("1")
        hasty = Client(base_url=origin, timeout=0.1, max_retries=0)
        with hasty, in_time(), pytest.raises(ConnectTimeout):
            hasty.users.get("1")


def test_server_does_not_read(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        transport = HTTPTransport()
        origin = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with in_time(), pytest.raises(DeadlineExceeded):
            transport.send(Request("POST", origin, body=b"x" * 50_000_000, timeout=30, deadline=SOON))
        transport.close()


def test_hanging_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one thing here that no socket can produce: the system's resolver."""
    hanging: queue.SimpleQueue[None] = queue.SimpleQueue()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: hanging.get(timeout=30) or [])
    try:
        with (
            Client(base_url="http://slow.invalid", timeout=30, deadline=SOON, max_retries=0) as api,
            in_time(),
            pytest.raises(DeadlineExceeded),
        ):
            api.users.get("1")
        hasty = Client(base_url="http://slow.invalid", timeout=0.1, max_retries=0)
        with hasty, in_time(), pytest.raises(ConnectTimeout):
            hasty.users.get("1")
    finally:
        for _ in range(2):
            hanging.put(None)


def test_several_addresses(monkeypatch: pytest.MonkeyPatch, serve: Serve) -> None:
    """The first address never responds; the second gets its share of the time."""
    server = serve(respond(200, USER))
    with socket.create_server(("127.0.0.2", 0), backlog=0) as listener:
        full = [socket.socket() for _ in range(3)]
        for one in full:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        places = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", address)
            for address in (listener.getsockname(), ("127.0.0.1", server.port))
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: places)
        with Client(base_url="http://two.invalid", timeout=0.3) as api, in_time():
            assert api.users.get("1").id == "1"
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: places[:1] * 4)
        with (
            Client(base_url="http://four.invalid", timeout=0.3, max_retries=0) as api,
            in_time(),
            pytest.raises(ConnectTimeout),
        ):
            api.users.get("1")
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])
        with Client(base_url="http://none.invalid", max_retries=0) as api, pytest.raises(ConnectError):
            api.users.get("1")
        for one in full:
            one.close()


def test_slow_stream(serve: Serve) -> None:
    head = b"HTTP/1.1 201 Created\r\nContent-Type: text/event-stream\r\n\r\n"
    server = serve(drip(head, [b": still here\n\n"] * 1000, 0.05))
    with Client(chat_base_url=server.origin, timeout=5, deadline=SOON) as api, in_time():
        reply = api.smart_chat.stream("s", message="m")
        with reply, pytest.raises(DeadlineExceeded) as caught:
            reply.read()
    assert caught.value.path == "/chats/s/smart-chat"


def test_next_call(serve: Serve) -> None:
    server = serve(respond(200, USER))
    with Client(base_url=server.origin, timeout=5, deadline=None) as api:
        api.with_options(deadline=0.2).users.get("1")
        threading.Event().wait(0.25)
        assert api.users.get("1").id == "1"
        assert api.with_options(deadline=5).users.get("1").id == "1"
    assert server.connections == 1


def test_deadline_before_attempt(to: To) -> None:
    clock = FakeClock()
    api, server = to(respond(401, {"message": "expired"}), clock=clock, deadline=1)

    class Slow(FakeClock):
        def monotonic(self) -> float:
            self.slept.append(2)
            return float(sum(self.slept))

    api._requestor.clock = Slow()
    with pytest.raises(DeadlineExceeded):
        api.users.get("1")
    assert server.received == []


@pytest.mark.parametrize("value", [0, -1, float("nan"), "1"])
def test_invalid_deadline(value: object) -> None:
    with pytest.raises(ValueError, match="deadline"):
        Client(deadline=value)  # type: ignore[arg-type]
    with Client() as api, pytest.raises(ValueError, match="deadline"):
        api.with_options(deadline=value)  # type: ignore[arg-type]


def test_partial_response(serve: Serve) -> None:
    with (
        Client(base_url=serve(then_silence(HEAD + b"Content-Length: 50\r\n\r\n{")).origin, deadline=SOON) as api,
        in_time(),
        pytest.raises(DeadlineExceeded),
    ):
        api.users.get("1")


def test_plain_session(serve: Serve) -> None:
    envelope = {"data": SESSION, "message": "", "metadata": {}}
    with Client(chat_base_url=serve(silence, respond(200, envelope)).origin, timeout=0.1, retry_delay=0) as api:
        assert api.with_options(deadline=5).chats.get("1").title == "Test Session"


def test_refresh_in_other_thread(serve: Serve, clients: Callable[..., Client]) -> None:
    """One call renews the token and has time; another needs it too, and has not."""
    refreshing, done = threading.Event(), threading.Event()

    def slow(connection: socket.socket) -> bool:
        refreshing.set()
        done.wait(10)
        return respond(200, TOKENS)(connection)

    def platform(request: Received) -> Act:
        if request.target == "/api/auth/refresh":
            return slow
        good = request.headers["authorization"] == f"Bearer {TOKENS['token']}"
        return respond(200, USER) if good else respond(401, {"message": "expired"})

    api = clients(base_url=serve(handler=platform).origin, timeout=30, deadline=None)
    api._requestor.tokens.set(StoredTokens("token-1", "refresh-1"))
    got: list[str] = []
    patient = threading.Thread(target=lambda: got.append(api.users.get("1").id))
    patient.start()
    assert refreshing.wait(5)
    with in_time(), pytest.raises(DeadlineExceeded) as caught:
        api.with_options(deadline=SOON).users.get("1")
    assert (caught.value.path, len(caught.value.attempts)) == ("/users/1", 1)
    done.set()
    patient.join(10)
    assert got == ["1"]
