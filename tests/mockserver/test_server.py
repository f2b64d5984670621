"""MockServer: its life in a test's own process, and that it leaves nothing of that process changed."""

from __future__ import annotations

import concurrent.futures
import gc
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import gevent.monkey
import psutil
import pytest

from duologue.contract.chats import ChatTitle
from duologue.contract.users import UserCreate
from duologue_mock import MockServer, ReplyRequest, State, chats, users
from duologue_mock.handler_registry import Principal
from duologue_mock.http.messages import Request, Response
from duologue_mock.seed import FixtureError, Fixtures
from duologue_mock.server import PortInUseError, listen
from tests.mockserver.listeners import Listener
from tests.mockserver.raw import ask, eventually, head, peer

HEALTH = "GET /api/health HTTP/1.1"
CHAT = ("x-api-key: dev-api-key", "Unique-Reference-Code: server-1", "x-user-id: anonymous-user")
ASK = "POST /chats-service/api/v1/chats/test-session-1/smart-chat HTTP/1.1"
HELLO = b'{"message": "Hello"}'
ASKED = head(ASK, *CHAT, "Content-Type: application/json", f"Content-Length: {len(HELLO)}") + HELLO


def answers(port: int, host: str = "127.0.0.1") -> bool:
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


# --- its life


def test_it_is_ready_when_it_has_started_and_gone_when_it_has_stopped() -> None:
    with MockServer() as mock:
        ports = (mock.port, mock.chat_port)
        assert len(set(ports)) == 2
        assert all(answers(port) for port in ports)
    assert not any(answers(port) for port in ports)


def test_both_ports_serve_both_services() -> None:
    with MockServer() as mock:
        for port in (mock.port, mock.chat_port):
            assert ask(port, "GET /api/users/1 HTTP/1.1").status == 200
            assert ask(port, "GET /chats-service/api/v1/chats HTTP/1.1", *CHAT).status == 200


def test_its_urls_lead_to_it() -> None:
    with MockServer() as mock:
        assert mock.origin == f"http://127.0.0.1:{mock.port}"
        assert mock.chat_origin == f"http://127.0.0.1:{mock.chat_port}"
        assert mock.base_url == f"{mock.origin}/api"
        assert mock.chat_base_url == f"{mock.chat_origin}/chats-service/api/v1"
        assert mock.api_key == "dev-api-key"
        assert ask(mock.port, f"GET {mock.base_url}/health HTTP/1.1").status == 200


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_both_loopbacks_answer_on_one_port() -> None:
    """Node resolves `localhost` to either."""
    with MockServer() as mock:
        for port in (mock.port, mock.chat_port):
            assert answers(port, "127.0.0.1")
            assert answers(port, "::1")


@pytest.mark.parametrize(
    ("host", "other", "url"),
    [("127.0.0.1", "::1", "http://127.0.0.1:"), ("::1", "127.0.0.1", "http://[::1]:")],
)
def test_one_address_alone(host: str, other: str, url: str) -> None:
    if not has_ipv6():
        pytest.skip("this machine has no IPv6")
    with MockServer(host=host) as mock:
        assert answers(mock.port, host)
        assert not answers(mock.port, other)
        assert mock.origin.startswith(url)


def test_an_address_that_is_not_ours_is_an_error() -> None:
    mock = MockServer(host="192.0.2.1")
    with pytest.raises(OSError, match="assign"):
        mock.start()
    with pytest.raises(OSError, match=r"not known|resolution|service"):
        MockServer(host="no-such-host.invalid").start()


def test_it_starts_again() -> None:
    mock = MockServer()
    for number in range(3):
        with mock:
            assert answers(mock.port)
            with mock.state as state:
                assert len(state.users) == 2, "without a state of its own, it begins anew"
                users.create(state, UserCreate(name="Ada", email=f"ada{number}@example.com"))
    mock.stop()


def test_a_given_state_outlives_it() -> None:
    state = State()
    Fixtures().seed(state)
    for number in range(2):
        with MockServer(state=state) as mock:
            assert mock.state is state
            users.create(state, UserCreate(name="Ada", email=f"ada{number}@example.com"))
    assert len(state.users) == 4


def test_a_given_state_is_not_filled() -> None:
    with MockServer(state=State()) as mock:
        assert ask(mock.port, "GET /api/users HTTP/1.1").json["total"] == 0


def test_it_cannot_start_twice_at_once() -> None:
    with MockServer() as mock:
        with pytest.raises(RuntimeError, match="already"):
            mock.start()
        assert answers(mock.port)


def test_stopping_is_harmless_when_it_does_not_run() -> None:
    mock = MockServer()
    mock.stop()
    with mock:
        pass
    mock.stop()


def test_the_state_is_there_from_the_start_on() -> None:
    mock = MockServer()
    with pytest.raises(RuntimeError, match="not been started"):
        _ = mock.state
    with mock:
        assert len(mock.state.users) == 2
    assert len(mock.state.users) == 2, "and can be looked at afterwards"


def test_a_ports_number_is_kept_over_a_restart() -> None:
    with MockServer() as first:
        port, chat_port = first.port, first.chat_port
    for _ in range(3):
        with MockServer(port=port, chat_port=chat_port) as again:
            assert (again.port, again.chat_port) == (port, chat_port)
            assert answers(port)


@pytest.mark.parametrize("which", ["port", "chat_port"])
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_port_in_use_is_named_and_nothing_is_left_listening(which: str, family: socket.AddressFamily) -> None:
    if family == socket.AF_INET6 and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    address = "127.0.0.1" if family == socket.AF_INET else "::1"
    with closing(socket.socket(family)) as taken:
        taken.bind((address, 0))
        taken.listen()
        port = taken.getsockname()[1]
        before = descriptors()
        mock = MockServer(**{which: port})
        with pytest.raises(PortInUseError, match=rf"Port {port} of .* is in use"):
            mock.start()
        assert eventually(lambda: descriptors() <= before)
    with mock:  # once the port is free, the same object starts
        assert answers(port)


def test_two_servers_on_one_port_is_one_too_many() -> None:
    with MockServer() as first, pytest.raises(PortInUseError):
        MockServer(port=first.port).start()
    port = free_port()
    with pytest.raises(PortInUseError):
        MockServer(port=port, chat_port=port).start()


def free_port() -> int:
    """A port that is free on both loopbacks just now."""
    made = listen("localhost", 0)
    port: int = made[0].getsockname()[1]
    for one in made:
        one.close()
    return port


def test_wrong_settings_are_refused_before_it_starts() -> None:
    with pytest.raises(ValueError, match="rate_limit"):
        MockServer(rate_limit=0)
    with pytest.raises(TypeError, match="rate_limits"):
        MockServer(rate_limits=5)


def test_a_bad_fixture_is_an_error_and_nothing_is_left_listening(tmp_path: Path) -> None:
    (tmp_path / "users.json").write_text("[{}]")
    port, before = free_port(), descriptors()
    with pytest.raises(FixtureError, match=r"users\.json"):
        MockServer(port=port, fixtures=tmp_path).start()
    assert not answers(port)
    assert eventually(lambda: descriptors() <= before)


def test_an_observer_is_told_of_every_exchange() -> None:
    told: list[tuple[str, str, int]] = []

    def observe(request: Request, reply: Response) -> None:
        told.append((request.method, request.path, reply.status))

    with MockServer(request_hooks=[observe]) as mock:
        for line in (HEALTH, "GET /nowhere HTTP/1.1", "DELETE /api/users HTTP/1.1", "HEAD /openapi.json HTTP/1.1"):
            ask(mock.port, line)
        ask(mock.port, HEALTH, host="evil.example")
    assert told == [
        ("GET", "/api/health", 200),
        ("GET", "/nowhere", 404),
        ("DELETE", "/api/users", 405),
        ("HEAD", "/openapi.json", 200),
        ("GET", "/api/health", 421),
    ]


# --- several at once


def test_two_at_once_know_nothing_of_each_other() -> None:
    with MockServer(api_keys=("one",)) as first, MockServer(api_keys=("two",), rate_limit=None) as second:
        with first.state as state:
            users.create(state, UserCreate(name="Ada", email="ada@example.com"))
        assert ask(first.port, "GET /api/users HTTP/1.1").json["total"] == 3
        assert ask(second.port, "GET /api/users HTTP/1.1").json["total"] == 2
        line = "GET /chats-service/api/v1/chats HTTP/1.1"
        assert ask(first.port, line, "x-api-key: two", *CHAT[1:]).status == 401
        assert ask(second.port, line, "x-api-key: two", *CHAT[1:]).status == 200
        assert "ratelimit-limit" in ask(first.port, HEALTH).headers
        assert "ratelimit-limit" not in ask(second.port, HEALTH).headers


def test_one_stops_and_the_other_goes_on() -> None:
    with MockServer() as stays:
        one = Listener(stays.port)
        with MockServer() as goes:
            assert answers(goes.port)
        assert answers(stays.port)
        with stays.state as state:
            users.create(state, UserCreate(name="Ada", email="ada@example.com"))
        assert one.event()[0] == "user:created"
        one.close()


def test_many_start_at_once_from_many_threads() -> None:
    def live(number: int) -> bool:
        with MockServer(seed=number) as mock:
            return answers(mock.port) and answers(mock.chat_port)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert all(pool.map(live, range(12)))


# --- in a process that is not its own


def test_nothing_is_monkey_patched() -> None:
    kept = (socket.socket, threading.Thread, threading.Lock, time.sleep, subprocess.Popen, socket.create_connection)
    with MockServer() as mock:
        assert answers(mock.port)
        Listener(mock.port).close()
        assert kept == (
            socket.socket, threading.Thread, threading.Lock, time.sleep, subprocess.Popen, socket.create_connection,
        )  # fmt: skip
        patched = ("socket", "threading", "time", "ssl", "os", "select", "queue", "subprocess", "signal", "thread")
        assert not [name for name in patched if gevent.monkey.is_module_patched(name)]


def test_a_change_from_the_tests_own_thread_is_served_and_told() -> None:
    with MockServer() as mock:
        one = Listener(mock.port, {"apiKey": "dev-api-key", "userId": "anonymous-user"})
        with mock.state as state:
            made = chats.create(state, Principal(key="test", user_id="anonymous-user"), ChatTitle("Plans"))
        assert one.event() == ("chat:created", {"session": made_as_wire(mock, made.id)})
        one.close()


def made_as_wire(mock: MockServer, id: str) -> Any:
    return ask(mock.port, f"GET /chats-service/api/v1/chats/{id} HTTP/1.1", *CHAT).json["data"]


def test_changes_from_many_threads_are_told_in_the_order_they_were_made() -> None:
    with MockServer() as mock:
        one = Listener(mock.port)

        def make(number: int) -> None:
            with mock.state as state:
                users.create(state, UserCreate(name="N", email=f"n{number}@example.com"))

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(make, range(100)))
        assert [one.event()[1]["userId"] for _ in range(100)] == [str(number) for number in range(3, 103)]
        one.close()


def test_a_test_that_holds_the_state_holds_up_requests_no_longer_than_that() -> None:
    with MockServer() as mock, peer(mock.port) as one:
        with mock.state as state:
            one.send(head("GET /api/users HTTP/1.1"))
            users.create(state, UserCreate(name="Ada", email="ada@example.com"))
        assert one.answer().json["total"] == 3


# --- how it ends


class Slow:
    """A reply that takes until it is allowed to end."""

    def __init__(self) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self, request: ReplyRequest) -> str:
        self.begun.set()
        assert self.may_end.wait(10)
        return "Done at last."


def test_a_request_under_way_is_finished() -> None:
    slow = Slow()
    mock = MockServer(reply_function=slow).start()
    with peer(mock.port) as one:
        one.send(ASKED)
        assert slow.begun.wait(10)
        stopping = threading.Thread(target=mock.stop)
        stopping.start()
        assert eventually(lambda: not answers(mock.port)), "nobody new is let in"
        slow.may_end.set()
        answer = one.answer()
        assert (answer.status, answer.json["data"]["content"]) == (201, "Done at last.")
        assert one.closed()
        stopping.join(10)
        assert not stopping.is_alive()


def test_a_request_that_does_not_end_is_cut_off_after_the_grace() -> None:
    slow = Slow()
    mock = MockServer(reply_function=slow, shutdown_timeout=0.2).start()
    with peer(mock.port) as one:
        one.send(ASKED)
        assert slow.begun.wait(10)
        began = time.monotonic()
        slow_end = threading.Timer(1, slow.may_end.set)  # its thread cannot be cut off
        slow_end.start()
        mock.stop()
        assert one.closed()
        assert time.monotonic() - began < 4
        slow_end.join()


def test_idle_connections_and_sockets_do_not_hold_it_up() -> None:
    mock = MockServer().start()
    idle = [peer(mock.port) for _ in range(20)]
    peers = [one.__enter__() for one in idle]
    for one in peers[:10]:
        one.send(head(HEALTH))
        one.answer()
    for one in peers[10:15]:
        one.send(b"GET / HT")
    listeners = [Listener(mock.port) for _ in range(3)]
    began = time.monotonic()
    mock.stop()
    assert time.monotonic() - began < 3
    assert all(one.closed() for one in peers)
    assert all(one.dropped() for one in listeners)
    for listener in listeners:
        listener.close()
    for each in idle:
        each.__exit__(None, None, None)


def test_a_block_that_fails_stops_it_too() -> None:
    mock = MockServer()
    with pytest.raises(ZeroDivisionError), mock:
        raise ZeroDivisionError
    assert not answers(mock.port)


def descriptors() -> int:
    gc.collect()
    return psutil.Process().num_fds()


def live_through(mock: MockServer) -> Iterator[None]:
    """Everything that takes descriptors and threads: requests, streams, replies in a thread, sockets."""
    with mock:
        for port in (mock.port, mock.chat_port):
            assert answers(port)
        with peer(mock.port) as one:
            one.send(ASKED)
            assert one.answer().status == 201
        Listener(mock.port).close()
        yield


def lives_leave_nothing() -> None:
    """Start, use and stop servers; fail if descriptors or threads are left."""

    def live() -> None:
        for _ in live_through(MockServer(reply_function=lambda request: "Yes.")):
            pass

    live()  # what is loaded once stays
    before = descriptors(), threading.active_count()
    for _ in range(5):
        live()
    levels = eventually(lambda: descriptors() <= before[0] and threading.active_count() <= before[1])
    assert levels, (descriptors(), threading.active_count(), before)
    assert not [thread.name for thread in threading.enumerate() if thread.name == "duologue-mock"]


def test_descriptors_and_threads_return_to_their_level() -> None:
    """In a process of its own: what other tests keep open here comes and goes."""
    code = f"import {__name__} as here; here.lives_leave_nothing()"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_connections_that_ended_leave_nothing() -> None:
    with MockServer(rate_limit=None) as mock:
        assert answers(mock.port)
        before = descriptors()
        for _ in range(50):
            assert answers(mock.port)
            with peer(mock.port) as one:
                one.send(b"GET / HT")
            Listener(mock.port).close()
        assert eventually(lambda: descriptors() <= before), (descriptors(), before)


def test_it_does_not_outlive_the_process() -> None:
    """A test run that ends without stopping it ends all the same."""
    code = "from duologue_mock import MockServer; mock = MockServer().start(); print(mock.port)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert not answers(int(done.stdout))
