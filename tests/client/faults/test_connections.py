"""Connections that cannot be made, end early or are stale."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable

import pytest

from duologue import (
    Client,
    ConnectError,
    ConnectionLostError,
    ConnectTimeout,
    RequestTimeout,
    StoredTokens,
)
from tests.client.fakes import TOKENS, USER, FakeClock
from tests.client.faults.acts import (
    closing,
    hang_up,
    reset,
    respond,
    silence,
)
from tests.client.faults.calls import BOTH, GOOD, Serve, To, create, get, get_all, get_error, is_one_call, update
from tests.client.servers import Act, Received

pytestmark = pytest.mark.slow

# refused; unknown host; connect timeout


@BOTH
def test_connection_refused(call: Callable[[Client], object]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Client(base_url=f"http://127.0.0.1:{port}", max_retries=2, clock=FakeClock()) as api:
        error = get_error(api, call, ConnectError)
    assert len(error.attempts) == 3
    assert error.details == {"reason": "Connection refused"}


@BOTH
def test_unknown_host(call: Callable[[Client], object]) -> None:
    with Client(base_url="http://no-such-host.invalid", max_retries=1, clock=FakeClock()) as api:
        assert len(get_error(api, call, ConnectError).attempts) == 2


@pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".invalid", "xn--.invalid"])
def test_invalid_host(host: str) -> None:
    with Client(base_url=f"http://{host}", max_retries=0) as api:
        get_error(api, get, ConnectError)


@BOTH
def test_connect_timeout(call: Callable[[Client], object]) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        full = [socket.socket() for _ in range(3)]
        for one in full:  # fill the queue of connections, which are not accepted
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with Client(base_url=origin, max_retries=1, timeout=0.1, clock=FakeClock()) as api:
            error = get_error(api, call, ConnectTimeout)
        for one in full:
            one.close()
    assert len(error.attempts) == 2


# reset before the response


@pytest.mark.parametrize("call", [get, create, update], ids=["GET", "POST", "PUT"])
@pytest.mark.parametrize("act", [reset, hang_up], ids=["reset", "close"])
def test_close_before_response(to: To, act: Act, call: Callable[[Client], object]) -> None:
    api, server = to(act, act, GOOD)
    call(api)
    assert len(server.received) == 3
    assert is_one_call(server.received)


@BOTH
def test_always_reset(to: To, call: Callable[[Client], object]) -> None:
    api, server = to(reset, max_retries=2)
    assert len(get_error(api, call, ConnectionLostError).attempts) == len(server.received) == 3


# clean close of a reused connection, nothing received


@BOTH
def test_stale_connection(to: To, call: Callable[[Client], object]) -> None:
    """An idle connection that was closed is replaced at once, without a retry."""
    clock = FakeClock()
    api, server = to(GOOD, hang_up, GOOD, max_retries=0, clock=clock)
    get(api)
    call(api)
    first, stale, fresh = server.received
    assert first.connection == stale.connection != fresh.connection
    assert clock.slept == []
    assert stale.headers == fresh.headers  # it is the same attempt


def test_second_close(to: To) -> None:
    api, server = to(GOOD, hang_up, hang_up, GOOD, max_retries=0)
    get(api)
    assert len(get_error(api, get, ConnectionLostError).attempts) == 1
    assert len(server.received) == 3
    assert server.received[2].connection != server.received[1].connection


def test_closed_while_idle(to: To) -> None:
    api, server = to(closing(GOOD))
    for _ in range(3):
        get(api)
    assert len(server.received) == server.connections == 3


# no response


@BOTH
def test_no_response(to: To, call: Callable[[Client], object]) -> None:
    api, server = to(silence, timeout=0.1, max_retries=1)
    assert get_error(api, call, RequestTimeout).status == 408
    assert len(server.received) == 2
    assert is_one_call(server.received)


# 401 in the middle; sixteen threads at once


def test_one_refresh_for_threads(serve: Serve) -> None:
    def platform(request: Received) -> Act:
        if request.target == "/api/auth/refresh":
            return respond(200, TOKENS)
        good = request.headers["authorization"] == f"Bearer {TOKENS['token']}"
        return GOOD if good else respond(401, {"message": "expired"})

    server = serve(handler=platform)
    with Client(base_url=server.origin, timeout=10) as api:
        api._requestor.tokens.set(StoredTokens("token-1", "refresh-1"))
        get_all(api, 16)
    targets = [request.target for request in server.received]
    assert targets.count("/api/auth/refresh") == 1
    assert 16 < targets.count("/api/users/1") <= 32


# fork after use; 16 threads


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_fork(to: To) -> None:
    api, server = to(GOOD)
    get(api)
    with api._http._lock, api._requestor._budget._lock:  # type: ignore[union-attr]  # as another thread might at the wrong time
        child = os.fork()
        if child == 0:
            status = 1
            try:
                signal.alarm(20)
                get(api)
                status = 0 if not api.closed else 2
                api.close()
            finally:
                os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    get(api)
    assert [request.connection for request in server.received] == [1, 2, 1]


def test_threads(serve: Serve) -> None:
    def echoing(request: Received) -> Act:
        return respond(200, {**USER, "id": request.target.removeprefix("/api/users/")})

    server = serve(handler=echoing)
    wrong: list[str] = []
    with Client(base_url=server.origin, timeout=30) as api:

        def work(number: int) -> None:
            for turn in range(25):
                id = f"{number}-{turn}"
                if api.users.get(id).id != id:
                    wrong.append(id)

        threads = [threading.Thread(target=work, args=[number]) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert wrong == []
    assert len(server.received) == 400
    assert server.connections <= 16
