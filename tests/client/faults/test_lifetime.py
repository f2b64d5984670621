"""The life of a client: threads, forks, closing, and connections that all come back."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress

import pytest

from duologue import (
    APIError,
    Client,
    ClientClosedError,
    ConnectTimeout,
    DeadlineExceeded,
    HTTPTransport,
    Request,
    StoredTokens,
)
from tests.client.fakes import TOKENS, USER
from tests.client.faults.acts import CHUNKED, compress, hang_up, reset, respond, send
from tests.client.faults.calls import get_all
from tests.client.servers import Act, Received, ScriptedServer

pytestmark = pytest.mark.slow

To = Callable[..., tuple[Client, ScriptedServer]]
Serve = Callable[..., ScriptedServer]

GOOD = respond(200, USER)


def test_send_during_close(serve: Serve) -> None:
    """Sixteen threads send while the client is closed: afterwards no socket of theirs is left, and none is made."""
    server = serve(GOOD)
    for _ in range(20):
        api = Client(base_url=server.origin, timeout=5)
        start = threading.Barrier(17)
        ends: list[object] = []

        def work(api: Client = api, start: threading.Barrier = start, ends: list[object] = ends) -> None:
            start.wait()
            try:
                while True:
                    api.users.get("1")
            except APIError as error:
                ends.append(type(error))

        threads = [threading.Thread(target=work) for _ in range(16)]
        for thread in threads:
            thread.start()
        start.wait()
        api.close()
        for thread in threads:
            thread.join(10)
        assert ends == [ClientClosedError] * 16
        connections = server.connections
        with pytest.raises(ClientClosedError):
            api._http.send(Request("GET", server.origin))
        assert server.connections == connections


def test_close_during_call(serve: Serve) -> None:
    requested, closed = threading.Event(), threading.Event()

    def slow(connection: socket.socket) -> bool:
        requested.set()
        closed.wait(5)
        return GOOD(connection)

    api = Client(base_url=serve(slow).origin, timeout=5)
    user_ids: list[str] = []
    thread = threading.Thread(target=lambda: user_ids.append(api.users.get("1").id))
    thread.start()
    assert requested.wait(5)
    api.close()
    closed.set()
    thread.join(5)
    assert user_ids == ["1"]


def test_close_twice(to: To) -> None:
    api, _ = to(GOOD)
    view = api.with_options(timeout=1)
    api.users.get("1")
    view.close()
    view.close()
    assert api.closed
    assert view.closed
    for one in (api, view, view.with_options(max_retries=1)):
        with pytest.raises(ClientClosedError):
            one.users.get("1")


def test_closed_transport(serve: Serve) -> None:
    transport = HTTPTransport()
    with (
        Client(base_url=serve(GOOD).origin, transport=transport) as one,
        Client(base_url=serve(GOOD).origin, transport=transport) as two,
    ):
        one.users.get("1")
        one.close()
        two.users.get("1")
        transport.close()
        with pytest.raises(ClientClosedError):
            two.users.get("1")


PATHS: dict[str, Act] = {
    "response": GOOD,
    "no content": respond(204),
    "not found": respond(404, {"message": "no"}),
    "chunked": send(CHUNKED + b"2\r\n{}\r\n0\r\n\r\n", keep=True),
    "packed": compress(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00C\xbf\xa6\xa3\x02\x00\x00\x00"),
    "HTML": respond(200, raw=b"<html>"),
    "too large": respond(200, raw=b" " * 100_000),
    "redirect": respond(302, raw=b"x" * 100_000, headers={"Location": "http://other.invalid"}),
    "reset": reset,
    "closed": hang_up,
    "cut off": send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"),
    "garbage": send(b"\0" * 100),
}


@pytest.mark.parametrize("act", PATHS.values(), ids=PATHS.keys())
def test_connections_are_released(to: To, act: Act) -> None:
    """With one connection for all, the second call would wait without end if the first kept it."""
    api, server = to(act, act, GOOD, pool_size=1, pool_block=True, max_retries=0, max_response_size=50_000, timeout=2)
    for _ in range(2):
        with suppress(APIError):
            api.users.get("1")
    server.script[:] = [GOOD]
    assert api.users.get("1").id == "1"
    (pool,) = api._http._pools.values()
    assert pool.pool is not None
    assert pool.pool.qsize() == 1


def test_abandoned_stream(to: To) -> None:
    api, server = to(send(CHUNKED + b"5\r\n: hi\n\r\n", keep=True), GOOD, pool_size=1, pool_block=True, timeout=2)
    with api.smart_chat.stream("1", message="m"):
        pass
    assert api.users.get("1").id == "1"
    assert server.connections == 2


def test_blocking_pool(serve: Serve) -> None:
    server = serve(GOOD)
    with Client(base_url=server.origin, pool_size=3, pool_block=True, timeout=30) as api:
        get_all(api, 16, 5)
    assert server.connections <= 3
    assert len(server.received) == 80


def test_pool_timeout(serve: Serve) -> None:
    requested, done = threading.Event(), threading.Event()

    def slow(connection: socket.socket) -> bool:
        requested.set()
        done.wait(5)
        return GOOD(connection)

    with Client(base_url=serve(slow).origin, pool_size=1, pool_block=True, timeout=5, max_retries=0) as api:
        thread = threading.Thread(target=api.users.get, args=["1"])
        thread.start()
        assert requested.wait(5)
        with pytest.raises(ConnectTimeout):
            api.with_options(timeout=0.1).users.get("1")
        done.set()
        thread.join(5)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_fork_with_threads(serve: Serve) -> None:
    """The child has its own sockets, its own responses and no lock that a vanished thread holds."""

    def echoing(request: Received) -> Act:
        return respond(200, {**USER, "id": request.target.removeprefix("/api/users/")})

    server = serve(handler=echoing)
    with Client(base_url=server.origin, timeout=10) as api:
        stop = threading.Event()
        wrong: list[str] = []

        def work(number: int) -> None:
            while not stop.is_set():
                if api.users.get(f"p-{number}").id != f"p-{number}":
                    wrong.append(str(number))

        threads = [threading.Thread(target=work, args=[number]) for number in range(16)]
        for thread in threads:
            thread.start()
        statuses = []
        for _ in range(5):
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    signal.alarm(20)
                    status = 0 if all(api.users.get(f"c-{n}").id == f"c-{n}" for n in range(10)) else 2
                finally:
                    os._exit(status)
            statuses.append(os.waitpid(child, 0)[1])
        stop.set()
        for thread in threads:
            thread.join(10)
    assert statuses == [0] * 5
    assert wrong == []
    by_child = {request.connection for request in server.received if request.target.startswith("/api/users/c-")}
    by_parent = {request.connection for request in server.received if request.target.startswith("/api/users/p-")}
    assert not by_child & by_parent


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_fork_with_locks(serve: Serve) -> None:
    """As another thread may hold them just then: in the child they are free, and the parent's socket is closed."""

    def platform(request: Received) -> Act:
        if request.target == "/api/auth/refresh":
            return respond(200, TOKENS)
        good = request.headers["authorization"] == f"Bearer {TOKENS['token']}"
        return GOOD if good else respond(401, {"message": "expired"})

    server = serve(handler=platform)
    with Client(base_url=server.origin, timeout=10, access_token=str(TOKENS["token"])) as api:
        api.users.get("1")
        api._requestor.tokens.set(StoredTokens("token-1", "refresh-1"))
        (pool,) = api._http._pools.values()
        assert pool.pool is not None
        (inherited,) = [connection.sock for connection in pool.pool.queue if connection is not None]
        descriptor = inherited.fileno()
        tokens, budget = api._requestor.tokens, api._requestor._budget
        assert budget is not None
        locks = [api._http._lock, budget._lock, tokens._refreshing, tokens.events._lock, tokens._storage._lock]  # type: ignore[attr-defined]
        with ExitStack() as held:
            for lock in locks:
                held.enter_context(lock)
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    signal.alarm(20)
                    with suppress(OSError):
                        os.fstat(descriptor)
                        os._exit(3)
                    budget.take()
                    status = 0 if api.users.get("1").id == "1" else 2
                finally:
                    os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        assert tokens.token == "token-1"


def test_pool_deadline(serve: Serve) -> None:
    requested, done = threading.Event(), threading.Event()

    def slow(connection: socket.socket) -> bool:
        requested.set()
        done.wait(60)
        return GOOD(connection)

    with Client(base_url=serve(slow).origin, pool_size=1, pool_block=True, timeout=30, max_retries=0) as api:
        thread = threading.Thread(target=api.users.get, args=["1"])
        thread.start()
        assert requested.wait(5)
        with pytest.raises(DeadlineExceeded) as caught:
            api.with_options(deadline=0.1).users.get("1")
        assert caught.value.elapsed < 15  # the other call takes until the end
        done.set()
        thread.join(5)
