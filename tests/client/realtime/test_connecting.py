"""The connection is made, refused, and ended, and nothing is left of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from subprocess import PIPE

import psutil
import pytest

from duologue import (
    APIError,
    AuthenticationError,
    Client,
    ClientClosedError,
    ConnectError,
    ConnectionLostError,
    ConnectTimeout,
    Event,
    NotFoundError,
    RequestTimeout,
)
from duologue.contract import chats
from duologue.realtime import Realtime
from duologue_mock import MockServer
from tests.client.realtime.fakes import (
    TIMEOUT,
    Connect,
    GatedClock,
    Start,
    StatusLog,
    disconnect_all,
    emit,
    get_threads,
)
from tests.client.servers import ScriptedServer
from tests.waiting import eventually

OWN = Event("own")


def test_connect_in_threads(start: Start, connect: Connect) -> None:
    mock = start()
    live = connect(mock).realtime
    together = threading.Barrier(4)

    def join() -> None:
        together.wait(TIMEOUT)
        live.connect()

    threads = [threading.Thread(target=join) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT)
    assert len(mock._context.realtime) == 1
    live.disconnect()


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_silent_server(clients: Callable[..., Client], server_socket: socket.socket, transport: str) -> None:
    api = clients(realtime_url=f"http://127.0.0.1:{server_socket.getsockname()[1]}")
    started_at = time.monotonic()
    with pytest.raises(ConnectTimeout):
        api.realtime.connect(timeout=0.2, transports=[transport])
    assert time.monotonic() - started_at < TIMEOUT
    assert get_threads() == []


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_refusing_gateway(clients: Callable[..., Client], server_socket: socket.socket, transport: str) -> None:
    api = clients(realtime_url=f"http://127.0.0.1:{server_socket.getsockname()[1]}")

    def refuse() -> None:
        served, _ = server_socket.accept()
        with served:
            served.recv(65536)
            body = b'{"message": "Who are you?", "code": "AUTHENTICATION_ERROR"}'
            head = b"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            served.sendall(head % len(body) + body)

    gateway = threading.Thread(target=refuse)
    gateway.start()
    with pytest.raises(AuthenticationError) as caught:
        api.realtime.connect(transports=[transport])
    gateway.join(TIMEOUT)
    assert caught.value.status == 401


@pytest.mark.parametrize("options", [{"access_token": "bad-token"}, {"api_key": "wrong-key"}])
def test_refused_credentials(connect: Connect, options: dict[str, str]) -> None:
    api = connect(**options)
    with pytest.raises(AuthenticationError) as caught:
        api.realtime.connect()
    assert caught.value.message == "Unauthorized"
    assert caught.value.status == 401
    assert not api.realtime.connected
    assert "bad-token" not in f"{caught.value!r} {caught.value.__dict__}"


def test_no_server(clients: Callable[..., Client]) -> None:
    with MockServer() as gone:
        url = gone.origin
    api = clients(realtime_url=url)
    with pytest.raises(ConnectError):
        api.realtime.connect()
    with pytest.raises(ConnectionLostError):
        api.realtime.emit("a")


@pytest.mark.parametrize("end", ["disconnect", "close"])
def test_end_while_connecting(clients: Callable[..., Client], server_socket: socket.socket, end: str) -> None:
    api = clients(realtime_url=f"http://127.0.0.1:{server_socket.getsockname()[1]}")
    failures: list[BaseException] = []

    def try_to_connect() -> None:
        try:
            api.realtime.connect(timeout=60)
        except APIError as error:
            failures.append(error)

    thread = threading.Thread(target=try_to_connect)
    thread.start()
    served, _ = server_socket.accept()
    served.recv(1)  # it waits for the handshake's response
    (api.realtime.disconnect if end == "disconnect" else api.close)()
    thread.join(TIMEOUT)
    served.close()
    assert not thread.is_alive()
    assert [type(failure) for failure in failures] in ([ConnectError], [ClientClosedError])
    assert get_threads() == []


def test_end_while_reconnecting(start: Start, connect: Connect, gate: GatedClock) -> None:
    mock = start()
    live = connect(mock).realtime.connect()
    disconnect_all(mock)
    gate.wait_for_sleep()
    started_at = time.monotonic()
    live.disconnect()
    assert time.monotonic() - started_at < TIMEOUT
    assert get_threads() == []
    assert list(live.events()) == []


def test_end_in_a_callback(start: Start, connect: Connect) -> None:
    mock = start()
    api = connect(mock)
    ended = threading.Event()

    def end(_: object) -> None:
        api.realtime.disconnect()
        ended.set()

    api.realtime.subscribe(OWN, end)
    api.realtime.connect()
    emit(mock, ("own", 1))
    assert ended.wait(TIMEOUT)
    assert not api.realtime.connected


def test_close_client(connect: Connect) -> None:
    api = connect()
    live = api.realtime.connect()
    api.close()
    assert not live.connected
    with pytest.raises(ClientClosedError):
        live.connect()


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_no_leaks(start: Start, connect: Connect, transport: str) -> None:
    mock = start()
    live = connect(mock).realtime
    live.subscribe(OWN, print)
    process = psutil.Process()

    def connect_once() -> None:
        with live.connect(transports=[transport]):
            pass

    connect_once()
    started_at, before = time.monotonic(), (process.num_fds(), get_threads())
    for _ in range(10):
        connect_once()
    assert time.monotonic() - started_at < 2 * TIMEOUT
    # the mock closes its half in a thread of its own
    assert eventually(lambda: process.num_fds() <= before[0], within=TIMEOUT)
    assert get_threads() == before[1] == []


def test_no_thread_is_left(connect: Connect, mock: MockServer) -> None:
    before = set(threading.enumerate())
    api = connect()
    api.realtime.subscribe(chats.CREATED, lambda _: None)
    with api.realtime.connect() as live:
        api.chats.create(title="Live")
        live.receive(timeout=5)
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    assert [thread.name for thread in set(threading.enumerate()) - before if "duologue" in thread.name] == []


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system cannot freeze a process")
@pytest.mark.slow
def test_frozen_server() -> None:
    """Its websocket is open but silent, and the thread that sends is blocked in it."""
    script = (
        "import sys; from duologue_mock import MockServer\n"
        "with MockServer() as mock: print(mock.origin, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdout is not None
        with Client(realtime_url=process.stdout.readline().strip()) as api:
            live = api.realtime.connect()
            process.send_signal(signal.SIGSTOP)
            live.emit("a", "a" * 3_000_000)
            started_at = time.monotonic()
            with pytest.raises(RequestTimeout):
                live.call("a", timeout=0.01)
            live.disconnect()
            assert time.monotonic() - started_at < 2 * TIMEOUT
            assert get_threads() == []
        process.kill()


def test_end_when_lost(start: Start, connect: Connect) -> None:
    """Repeated a little later each time: wherever the thread that reconnects is, it notices the end."""
    mock = start()
    for number in range(30):
        live = connect(mock).realtime.connect()
        disconnect_all(mock)
        time.sleep(number / 5000)
        started_at = time.monotonic()
        live.disconnect()
        assert time.monotonic() - started_at < TIMEOUT
        assert get_threads() == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_fork(start: Start, connect: Connect) -> None:
    mock = start()
    live = connect(mock).realtime
    statuses = StatusLog(live)
    live.connect()
    statuses.wait("connected")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(20)
            status = 0 if _has_no_connection(live) else 2
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    with pytest.raises(NotFoundError):  # the connection stands
        live.call("a", timeout=TIMEOUT)
    live.disconnect()
    assert statuses.names == ["connected", "disconnected"]


def _has_no_connection(live: Realtime) -> bool:
    try:
        live.emit("a")
    except ConnectionLostError:
        live.disconnect()
        return not live.connected and list(live.events()) == [] and _can_connect(live)
    return False


def _can_connect(live: Realtime) -> bool:
    with live.connect():
        try:
            live.call("a", timeout=TIMEOUT)
        except NotFoundError:
            return True
    return False


def test_no_secret_is_logged(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(1)
    caplog.set_level(1, "duologue")
    api = connect()
    token = api.auth.login(email="john@example.com", password="password").token
    with api.realtime.connect() as live:
        api.chats.create(title="Live")
        live.receive(timeout=5)
    assert "/auth/login" in caplog.text
    for secret in (token, api.api_keys.current, '"password"'):
        assert secret is not None
        assert secret not in caplog.text


def test_proxy_variables_are_ignored(clients: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.origin)
        monkeypatch.delenv("no_proxy", raising=False)
        for transport in ("websocket", "polling"):
            with pytest.raises(ConnectError):
                clients(realtime_url="http://platform.invalid").realtime.connect(transports=[transport])
        assert proxy.connections == 0
