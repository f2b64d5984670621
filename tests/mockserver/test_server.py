"""MockServer: starting it, where it listens, its state, and several of them in one process."""

from __future__ import annotations

import concurrent.futures
import gc
import socket
import subprocess
import threading
import time
import weakref
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gevent.monkey
import psutil
import pytest

from duologue.contract.chats import ChatTitle
from duologue.contract.users import User, UserCreate
from duologue_mock import MockServer, State, chats, users
from duologue_mock.handler_registry import Principal
from duologue_mock.http.listening import PortInUseError, listen
from duologue_mock.http.messages import Request, Response
from duologue_mock.store.seed import FixtureError
from tests.mockserver.listeners import Listener
from tests.mockserver.raw import ask, head, peer
from tests.waiting import eventually

HEALTH = "GET /api/health HTTP/1.1"
CHAT = ("x-api-key: dev-api-key", "Unique-Reference-Code: server-1", "x-user-id: anonymous-user")
POST_LINE = "POST /chats-service/api/v1/chats/test-session-1/smart-chat HTTP/1.1"
HELLO = b'{"message": "Hello"}'
SMART_CHAT = head(POST_LINE, *CHAT, "Content-Type: application/json", f"Content-Length: {len(HELLO)}") + HELLO


def is_serving(port: int, host: str = "127.0.0.1") -> bool:
    try:
        with peer(port, host) as one:
            one.send(head(HEALTH, "Connection: close"))
            return one.rest().startswith(b"HTTP/1.1 200 ")  # nothing at all, where it was closed as it came
    except OSError:
        return False


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as one:
            one.bind(("::1", 0))
            return True
    except OSError:
        return False


def count_descriptors() -> int:
    gc.collect()
    return psutil.Process().num_fds()


def test_start_and_stop() -> None:
    with MockServer() as mock:
        ports = (mock.port, mock.chat_port)
        assert len(set(ports)) == 2
        assert all(is_serving(port) for port in ports)
    assert not any(is_serving(port) for port in ports)


def test_both_ports() -> None:
    with MockServer() as mock:
        for port in (mock.port, mock.chat_port):
            assert ask(port, "GET /api/users/1 HTTP/1.1").status == 200
            assert ask(port, "GET /chats-service/api/v1/chats HTTP/1.1", *CHAT).status == 200


def test_urls() -> None:
    with MockServer() as mock:
        assert mock.origin == f"http://127.0.0.1:{mock.port}"
        assert mock.chat_origin == f"http://127.0.0.1:{mock.chat_port}"
        assert mock.base_url == f"{mock.origin}/api"
        assert mock.chat_base_url == f"{mock.chat_origin}/chats-service/api/v1"
        assert mock.api_key == "dev-api-key"
        assert ask(mock.port, f"GET {mock.base_url}/health HTTP/1.1").status == 200


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_both_loopback_addresses() -> None:
    """Node resolves `localhost` to either."""
    with MockServer() as mock:
        for port in (mock.port, mock.chat_port):
            assert is_serving(port, "127.0.0.1")
            assert is_serving(port, "::1")


@pytest.mark.parametrize(
    ("host", "other", "url"),
    [("127.0.0.1", "::1", "http://127.0.0.1:"), ("::1", "127.0.0.1", "http://[::1]:")],
)
def test_one_address(host: str, other: str, url: str) -> None:
    if not has_ipv6():
        pytest.skip("this machine has no IPv6")
    with MockServer(host=host) as mock:
        assert is_serving(mock.port, host)
        assert not is_serving(mock.port, other)
        assert mock.origin.startswith(url)


def test_unavailable_address() -> None:
    mock = MockServer(host="192.0.2.1")
    with pytest.raises(OSError, match="assign"):
        mock.start()
    with pytest.raises(OSError, match=r"not known|resolution|service"):
        MockServer(host="no-such-host.invalid").start()


def test_restart_keeps_ports_and_data() -> None:
    mock = MockServer()
    ports = set()
    login = b'{"email": "john@example.com", "password": "password"}'
    with mock:
        framed = ("Content-Type: application/json", f"Content-Length: {len(login)}")
        token = ask(mock.port, "POST /api/auth/login HTTP/1.1", *framed, body=login).json["token"]
    for number in range(3):
        with mock:
            ports.add((mock.port, mock.chat_port))
            assert is_serving(mock.port)
            assert ask(mock.port, "GET /api/auth/me HTTP/1.1", f"Authorization: Bearer {token}").status == 200
            listener = Listener(mock.port)
            with mock.state as state:
                assert len(state.users) == 2 + number
                users.create(state, UserCreate(name="Ada", email=f"ada{number}@example.com"))
            assert listener.event()[0] == "user:created"
            listener.close()
    assert len(ports) == 1


def test_restart_frees_subscriptions() -> None:
    """A state that outlives its servers keeps none of them."""
    state = State()
    for _ in range(2):
        with MockServer(state=state) as mock:
            Listener(mock.port).close()
            assert state.has_subscribers
        assert not state.has_subscribers


@pytest.mark.parametrize("https", [False, True])
def test_stopped_server_is_freed(https: bool) -> None:
    def live() -> weakref.ref[MockServer]:
        with MockServer(https=https) as mock:
            if not https:
                Listener(mock.port).close()
            mock.reload(seed=5)
        return weakref.ref(mock)

    stopped = [live() for _ in range(3)]
    gc.collect()
    assert [reference() for reference in stopped] == [None, None, None]


def test_malformed_request_after_reload() -> None:
    """The response has the time of the data that is served now."""
    with MockServer() as mock:
        mock.reload(seed=5)
        mock.control.clock.freeze(datetime(2030, 1, 1, tzinfo=UTC))
        response = ask(mock.port, "GET /api/users HTTP/3.7")
        assert (response.status // 100, response.json["metadata"]["timestamp"]) == (4, "2030-01-01T00:00:00.000Z")


def test_shared_state() -> None:
    state = State()
    for number in range(2):
        with MockServer(state=state) as mock:
            assert mock.state is state
            users.create(state, UserCreate(name="Ada", email=f"ada{number}@example.com"))
    assert len(state.users) == 4


@pytest.mark.parametrize(("seed_state", "total"), [(True, 2), (False, 0)])
def test_seed_state(seed_state: bool, total: int) -> None:
    with MockServer(state=State(), seed_state=seed_state) as mock:
        assert ask(mock.port, "GET /api/users HTTP/1.1").json["total"] == total


def test_state_with_data_is_not_seeded() -> None:
    state = State()
    state.users.add(User("1", "Ada", "ada@example.com", "admin"))
    with MockServer(state=state) as mock:
        assert ask(mock.port, "GET /api/users HTTP/1.1").json["total"] == 1


def test_start_twice() -> None:
    with MockServer() as mock:
        with pytest.raises(RuntimeError, match="already"):
            mock.start()
        assert is_serving(mock.port)


def test_stop_twice() -> None:
    mock = MockServer()
    mock.stop()
    with mock:
        pass
    mock.stop()


def test_state_before_and_after() -> None:
    mock = MockServer()
    with pytest.raises(RuntimeError, match="not been started"):
        _ = mock.state
    with mock:
        assert len(mock.state.users) == 2
    assert len(mock.state.users) == 2, "and can be looked at afterwards"


def test_port_is_free_again() -> None:
    with MockServer() as first:
        port, chat_port = first.port, first.chat_port
    for _ in range(3):
        with MockServer(port=port, chat_port=chat_port) as again:
            assert (again.port, again.chat_port) == (port, chat_port)
            assert is_serving(port)


@pytest.mark.parametrize("which", ["port", "chat_port"])
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_port_in_use(which: str, family: socket.AddressFamily) -> None:
    if family == socket.AF_INET6 and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    address = "127.0.0.1" if family == socket.AF_INET else "::1"
    with closing(socket.socket(family)) as taken:
        taken.bind((address, 0))
        taken.listen()
        port = taken.getsockname()[1]
        before = count_descriptors()
        mock = MockServer(port=port) if which == "port" else MockServer(chat_port=port)
        with pytest.raises(PortInUseError, match=rf"^Port {port} is in use\.$"):
            mock.start()
        assert eventually(lambda: count_descriptors() <= before)
    with mock:  # once the port is free, the same object starts
        assert is_serving(port)


def test_two_servers_on_one_port() -> None:
    with MockServer() as first, pytest.raises(PortInUseError) as caught:
        MockServer(port=first.port).start()
    assert caught.value.port == first.port


def test_both_services_on_one_port() -> None:
    port = free_port()
    mock = MockServer(port=port, chat_port=port)
    for _ in range(2):
        with mock:
            assert (mock.port, mock.chat_port) == (port, port)
            assert mock.origin == mock.chat_origin
            assert ask(port, "GET /api/users/1 HTTP/1.1").status == 200
            assert ask(port, "GET /chats-service/api/v1/chats HTTP/1.1", *CHAT).status == 200


def free_port() -> int:
    """A port that is free on both loopbacks just now."""
    sockets = listen("localhost", 0)
    port: int = sockets[0].getsockname()[1]
    for one in sockets:
        one.close()
    return port


def test_invalid_settings() -> None:
    with pytest.raises(ValueError, match="rate_limit"):
        MockServer(rate_limit=0)
    with pytest.raises(TypeError, match="rate_limits"):
        MockServer(rate_limits=5)  # type: ignore[call-arg]  # that is the mistake


def test_invalid_fixtures(tmp_path: Path) -> None:
    (tmp_path / "users.json").write_text("[{}]")
    port, before = free_port(), count_descriptors()
    with pytest.raises(FixtureError, match=r"users\.json"):
        MockServer(port=port, fixtures=tmp_path).start()
    assert not is_serving(port)
    assert eventually(lambda: count_descriptors() <= before)


def test_request_hooks() -> None:
    requests: list[tuple[str, str, int]] = []

    def record(request: Request, response: Response) -> None:
        requests.append((request.method, request.path, response.status))

    with MockServer(request_hooks=[record]) as mock:
        for line in (HEALTH, "GET /nowhere HTTP/1.1", "DELETE /api/users HTTP/1.1", "HEAD /openapi.json HTTP/1.1"):
            ask(mock.port, line)
        ask(mock.port, HEALTH, host="evil.example")
    assert requests == [
        ("GET", "/api/health", 200),
        ("GET", "/nowhere", 404),
        ("DELETE", "/api/users", 405),
        ("HEAD", "/openapi.json", 200),
        ("GET", "/api/health", 421),
    ]


def test_two_servers() -> None:
    with MockServer(api_keys=("one",), rate_limit=600) as first, MockServer(api_keys=("two",)) as second:
        with first.state as state:
            users.create(state, UserCreate(name="Ada", email="ada@example.com"))
        assert ask(first.port, "GET /api/users HTTP/1.1").json["total"] == 3
        assert ask(second.port, "GET /api/users HTTP/1.1").json["total"] == 2
        line = "GET /chats-service/api/v1/chats HTTP/1.1"
        assert ask(first.port, line, "x-api-key: two", *CHAT[1:]).status == 401
        assert ask(second.port, line, "x-api-key: two", *CHAT[1:]).status == 200
        assert "ratelimit-limit" in ask(first.port, HEALTH).headers
        assert "ratelimit-limit" not in ask(second.port, HEALTH).headers


def test_one_of_two_stops() -> None:
    with MockServer() as stays:
        one = Listener(stays.port)
        with MockServer() as goes:
            assert is_serving(goes.port)
        assert is_serving(stays.port)
        with stays.state as state:
            users.create(state, UserCreate(name="Ada", email="ada@example.com"))
        assert one.event()[0] == "user:created"
        one.close()


def test_servers_in_many_threads() -> None:
    def live(number: int) -> bool:
        with MockServer(seed=number) as mock:
            return is_serving(mock.port) and is_serving(mock.chat_port)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert all(pool.map(live, range(12)))


def test_nothing_is_monkey_patched() -> None:
    before = (socket.socket, threading.Thread, threading.Lock, time.sleep, subprocess.Popen, socket.create_connection)
    with MockServer() as mock:
        assert is_serving(mock.port)
        Listener(mock.port).close()
        assert before == (
            socket.socket, threading.Thread, threading.Lock, time.sleep, subprocess.Popen, socket.create_connection,
        )  # fmt: skip
        patched = ("socket", "threading", "time", "ssl", "os", "select", "queue", "subprocess", "signal", "thread")
        assert not [name for name in patched if gevent.monkey.is_module_patched(name)]


def test_change_from_test_thread() -> None:
    with MockServer() as mock:
        one = Listener(mock.port, {"apiKey": "dev-api-key", "userId": "anonymous-user"})
        with mock.state as state:
            session = chats.create(state, Principal(key="test", user_id="anonymous-user"), ChatTitle("Plans"))
        assert one.event() == ("chat:created", {"session": get_session(mock, session.id)})
        one.close()


def get_session(mock: MockServer, id: str) -> Any:
    return ask(mock.port, f"GET /chats-service/api/v1/chats/{id} HTTP/1.1", *CHAT).json["data"]


def test_events_of_many_threads() -> None:
    with MockServer() as mock:
        one = Listener(mock.port)

        def make(number: int) -> None:
            with mock.state as state:
                users.create(state, UserCreate(name="N", email=f"n{number}@example.com"))

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(make, range(100)))
        assert [one.event()[1]["userId"] for _ in range(100)] == [str(number) for number in range(3, 103)]
        one.close()


def test_requests_wait_for_state() -> None:
    with MockServer() as mock, peer(mock.port) as one:
        with mock.state as state:
            one.send(head("GET /api/users HTTP/1.1"))
            users.create(state, UserCreate(name="Ada", email="ada@example.com"))
        assert one.read_response().json["total"] == 3
