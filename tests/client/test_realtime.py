"""The real-time connection: lost, made again, refused, full, slow; against a mock that is stopped and started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from subprocess import PIPE
from typing import Any

import psutil
import pytest

from duologue import (
    APIError,
    AuthenticationError,
    Client,
    ClientClosedError,
    Clock,
    ConnectError,
    ConnectionLostError,
    ConnectTimeout,
    NotFoundError,
    RateLimitError,
    RequestTimeout,
    ResponseValidationError,
    SendBufferFullError,
    StoredTokens,
    defaults,
)
from duologue.auth.tokens import MemoryTokenStorage
from duologue.contract import users
from duologue.http.request_ids import idempotency_key
from duologue.realtime import ConnectionEvent, Realtime, ReceivedEvent, Reconnect
from duologue.realtime.queues import EventQueue, SerialExecutor
from duologue_mock import MockServer

SECRET = "s" * 32  # tokens outlive a restart
PROMPT = 5.0
"""Seconds within which what should happen now does, on a busy machine."""


class GatedClock(Clock):
    """Real time, but whoever would sleep is let through by the test, one sleep at a time."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.asleep = threading.Semaphore(0)
        self._gate = threading.Semaphore(0)

    def sleep(self, seconds: float, until: threading.Event) -> None:
        self.slept.append(seconds)
        self.asleep.release()
        while not until.is_set() and not self._gate.acquire(timeout=0.01):
            pass

    def let_through(self, times: int = 1) -> None:
        self._gate.release(times)

    def wait_for_sleeper(self) -> None:
        assert self.asleep.acquire(timeout=PROMPT)


class Told:
    """What was told of the connection, in order."""

    def __init__(self, live: Realtime) -> None:
        self.events: list[ConnectionEvent] = []
        self._changed = threading.Condition()
        for name in ("connected", "disconnected", "reconnected", "reconnect_failed"):
            live.on(name, self._hear)

    def _hear(self, event: ConnectionEvent) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    @property
    def names(self) -> list[str]:
        return [event.name for event in self.events]

    def wait(self, *names: str) -> ConnectionEvent:
        """Wait until exactly these were told, and return the last."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.events) >= len(names), PROMPT), self.names
            assert self.names == list(names)
            return self.events[-1]


Start = Callable[..., MockServer]
Connect = Callable[..., Client]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts mocks, again on the same ports if one is given, and stops them after the test."""
    running: list[MockServer] = []

    def begin(after: MockServer | None = None, **options: Any) -> MockServer:
        ports = {"port": after.port, "chat_port": after.chat_port, "state": after.state} if after else {}
        mock = MockServer(rate_limit=None, secret=SECRET, shutdown_timeout=0.5, **{**ports, **options}).start()
        running.append(mock)
        return mock

    yield begin
    for mock in running:
        mock.stop()


@pytest.fixture
def gate() -> GatedClock:
    return GatedClock()


@pytest.fixture
def connect(clients: Callable[..., Client], gate: GatedClock) -> Connect:
    def make(mock: MockServer, **options: Any) -> Client:
        urls = {"base_url": mock.base_url, "chat_base_url": mock.chat_base_url, "api_key": mock.api_key}
        return clients(**{**urls, "user_id": idempotency_key(), "timeout": 10, "clock": gate, **options})

    return make


class Taker:
    """Makes a mock take events, which it never does, and answer them."""

    def __init__(self, mock: MockServer, answer: Callable[[list[Any]], list[Any] | None]) -> None:
        self.took: list[list[Any]] = []
        self._answer = answer
        self._realtime = mock._context.realtime
        self._realtime._reject_event = self._take  # type: ignore[method-assign]

    def _take(self, transport_id: str, packet: Any) -> None:
        from socketio.packet import ACK, Packet

        self.took.append(packet.data)
        said = self._answer(packet.data)
        if packet.id is not None and said is not None:
            answer = Packet(ACK, data=said, id=packet.id).encode()
            self._realtime._io.server.eio.send(transport_id, answer)

    def wait(self, count: int) -> list[list[Any]]:
        until = time.monotonic() + PROMPT
        while len(self.took) < count and time.monotonic() < until:
            time.sleep(0.005)
        return self.took


def drop_all(mock: MockServer) -> None:
    """Have the server end every connection."""
    mock._context.realtime._call_soon(mock._context.realtime.disconnect_all)


def publish(mock: MockServer, number: int) -> None:
    mock.notify("1", title=str(number), message="")


def wait_until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + PROMPT
    while not true():
        assert time.monotonic() < until
        time.sleep(0.005)


def ours() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(("duologue-r", "duologue-c"))]


def test_a_restarted_server_is_found_again_and_nothing_is_subscribed_twice(
    start: Start, connect: Connect, gate: GatedClock
) -> None:
    mock = start()
    api = connect(mock)
    told, heard = Told(api.realtime), []
    api.realtime.subscribe(users.CREATED, lambda event: heard.append(event.user.name))
    with api.realtime.connect() as live:
        told.wait("connected")
        mock.stop()
        assert told.wait("connected", "disconnected").reason in ("server disconnect", "transport error")
        assert "not connected" in repr(live)
        gate.wait_for_sleeper()
        gate.let_through()
        gate.wait_for_sleeper()  # nobody there yet
        start(mock)
        gate.let_through()
        assert told.wait("connected", "disconnected", "reconnected").attempts == 2
        assert live.connected
        made = api.users.create(name="Back", email=f"{idempotency_key()}@example.com")
        assert live.receive(timeout=PROMPT).payload == users.UserEvent(made.id, made)
    assert heard == ["Back"]
    assert told.names == ["connected", "disconnected", "reconnected", "disconnected"]
    assert told.events[-1].reason == "client disconnect"


def test_a_connection_that_the_server_ended_is_made_again(start: Start, connect: Connect, gate: GatedClock) -> None:
    mock = start()
    api = connect(mock)
    told = Told(api.realtime)
    with api.realtime.connect():
        for losses in (1, 2):
            drop_all(mock)
            gate.wait_for_sleeper()
            gate.let_through()
            told.wait("connected", *["disconnected", "reconnected"] * losses)
    reasons = {event.reason for event in told.events[:-1] if event.name == "disconnected"}
    assert reasons == {"server disconnect"}
    assert all(1.6 <= seconds <= 2.4 for seconds in gate.slept)  # each loss begins with the first wait


def test_a_cache_that_follows_knows_what_a_restart_has_hidden(start: Start, connect: Connect, gate: GatedClock) -> None:
    mock = start()
    api = connect(mock)
    told = Told(api.realtime)
    with api.realtime.connect(), api.queries.sync(api.realtime):
        before = api.queries.users().fetch().total
        mock.stop()
        gate.wait_for_sleeper()
        elsewhere = start(state=mock.state)
        connect(elsewhere).users.create(name="Missed", email=f"{idempotency_key()}@example.com")
        elsewhere.stop()
        assert api.queries.users().fetch().total == before  # fresh for two minutes, as far as the cache knows
        start(mock)
        gate.let_through()
        told.wait("connected", "disconnected", "reconnected")
        wait_until(lambda: api.queries.users().fetch().total == before + 1)


def test_giving_up_after_the_documents_five_tries(start: Start, connect: Connect, gate: GatedClock) -> None:
    mock = start()
    live = connect(mock).realtime
    told = Told(live)
    live.connect(reconnect=Reconnect(jitter=0))
    mock.stop()
    gate.let_through(5)
    with pytest.raises(ConnectionLostError, match="5 tries") as caught:
        list(live.events())
    assert isinstance(
        caught.value.__cause__ or told.wait("connected", "disconnected", "reconnect_failed").error, APIError
    )
    assert gate.slept == [2, 4, 8, 16, 32]
    assert told.wait("connected", "disconnected", "reconnect_failed").attempts == 5
    with pytest.raises(ConnectionLostError):
        live.emit("a")
    with pytest.raises(ConnectionLostError):
        live.receive()
    start(mock)
    with live.connect():  # by hand it can be made again
        assert live.connected


def test_jitter_spreads_the_waits() -> None:
    assert list(Reconnect(random=lambda: 0.0).waits()) == pytest.approx([1.6, 3.2, 6.4, 12.8, 25.6])
    assert list(Reconnect(random=lambda: 1.0).waits()) == pytest.approx([2.4, 4.8, 9.6, 19.2, 38.4])
    endless = Reconnect(attempts=None, delay=1, max_delay=4, jitter=0).waits()
    assert [next(endless) for _ in range(5)] == [1, 2, 4, 4, 4]
    for wrong in ({"attempts": -1}, {"delay": 0}, {"delay": 40}, {"jitter": 2}):
        with pytest.raises(ValueError, match="cannot be meant"):
            Reconnect(**wrong)  # type: ignore[arg-type]


def test_no_reconnection_if_none_is_wanted(start: Start, connect: Connect, gate: GatedClock) -> None:
    mock = start()
    live = connect(mock).realtime.connect(reconnect=Reconnect(attempts=0))
    drop_all(mock)
    with pytest.raises(ConnectionLostError, match="0 tries"):
        live.receive(timeout=PROMPT)
    assert gate.slept == []


def test_a_login_that_was_ended_elsewhere_is_not_made_again(start: Start, connect: Connect, gate: GatedClock) -> None:
    """The server hangs up; our token is refused, cannot be renewed, and the loop stops with what the server said."""
    mock = start()
    api = connect(mock)
    api.auth.login(email="john@example.com", password="password")
    stored = api._requestor.tokens.current
    told = Told(api.realtime)
    live = api.realtime.connect()
    other = connect(mock, token_storage=MemoryTokenStorage(stored))
    other.auth.logout()
    gate.wait_for_sleeper()
    gate.let_through()
    with pytest.raises(AuthenticationError) as caught:
        list(live.events())
    assert caught.value.message == "Unauthorized"
    assert caught.value.data["code"] == "AUTHENTICATION_ERROR"  # type: ignore[index]
    error = told.wait("connected", "disconnected", "reconnect_failed").error
    assert isinstance(error, AuthenticationError)
    assert len(gate.slept) == 1


def test_our_own_logout_ends_the_connection_at_once(start: Start, connect: Connect, gate: GatedClock) -> None:
    """It is not made again without a name, which the server would allow."""
    api = connect(start())
    api.auth.login(email="john@example.com", password="password")
    live = api.realtime.connect()
    api.auth.logout()
    gate.let_through(5)
    with pytest.raises(AuthenticationError, match="login has ended"):
        live.receive(timeout=PROMPT)
    assert gate.slept in ([], [0.0])


def test_each_reconnection_takes_the_token_of_its_moment(start: Start, connect: Connect, gate: GatedClock) -> None:
    mock = start()
    storage = MemoryTokenStorage()
    api = connect(mock, token_storage=storage)
    api.auth.login(email="john@example.com", password="password")
    told = Told(api.realtime)
    with api.realtime.connect() as live:
        kept = storage.load()
        assert kept is not None
        storage.save(StoredTokens("stale", kept.refresh_token))  # as if it had ended: refused, and renewed once
        drop_all(mock)
        gate.wait_for_sleeper()
        gate.let_through()
        told.wait("connected", "disconnected", "reconnected")
        publish(mock, 7)  # only administrators hear it: we are somebody
        assert live.receive(timeout=PROMPT).name == "notification:new"
    now = storage.load()
    assert now is not None
    assert now.token not in ("stale", kept.token)


def test_a_token_about_to_end_is_renewed_before_connecting(start: Start, connect: Connect) -> None:
    from datetime import UTC, datetime

    mock = start()
    storage = MemoryTokenStorage()
    api = connect(mock, token_storage=storage)
    api.auth.login(email="john@example.com", password="password")
    kept = storage.load()
    assert kept is not None
    storage.save(StoredTokens(kept.token, kept.refresh_token, expires_at=datetime.now(UTC)))
    with api.realtime.connect():
        now = storage.load()
        assert now is not None
        assert now.refresh_token != kept.refresh_token


def test_what_is_emitted_meanwhile_is_sent_in_order(start: Start, connect: Connect, gate: GatedClock) -> None:
    mock = start()
    live = connect(mock).realtime.connect()
    mock.stop()
    gate.wait_for_sleeper()
    changing = {"n": 0}
    live.emit("n", changing)
    changing["n"] = 99  # too late
    for number in range(1, defaults.SEND_BUFFER_SIZE):
        live.emit("n", {"n": number})
    with pytest.raises(SendBufferFullError, match="'n' was not taken") as caught:
        live.emit("n", {"n": -1})
    assert isinstance(caught.value, ConnectionLostError)
    with pytest.raises(ConnectionLostError):
        live.call("n")
    again = start(mock)
    taker = Taker(again, lambda _: None)
    gate.let_through()
    assert [data["n"] for _, data in taker.wait(defaults.SEND_BUFFER_SIZE)] == list(range(defaults.SEND_BUFFER_SIZE))


def test_what_cannot_be_sent_does_not_keep_the_rest(
    start: Start, connect: Connect, gate: GatedClock, caplog: pytest.LogCaptureFixture
) -> None:
    mock = start()
    live = connect(mock).realtime.connect()
    with pytest.raises(TypeError):
        live.emit("bad", {1j})
    mock.stop()
    gate.wait_for_sleeper()
    live.emit("bad", {1j})
    live.emit("good")
    taker = Taker(start(mock), lambda _: None)
    gate.let_through()
    assert taker.wait(1) == [["good"]]
    assert "'bad' cannot be sent" in caplog.text


def test_threads_emit_without_mixing_up(start: Start, connect: Connect) -> None:
    mock = start()
    taker = Taker(mock, lambda _: None)
    with connect(mock).realtime.connect() as live:

        def send(thread: int) -> None:
            for number in range(10):
                live.emit("n", [thread, number])

        threads = [threading.Thread(target=send, args=[thread]) for thread in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PROMPT)
        took = taker.wait(80)
    for number in range(8):
        assert [data[1] for _, data in took if data[0] == number] == list(range(10))


def test_what_was_emitted_before_disconnecting_arrives(start: Start, connect: Connect) -> None:
    mock = start()
    taker = Taker(mock, lambda _: None)
    for transport in ("websocket", "polling"):
        with connect(mock).realtime.connect(transports=[transport]) as live:
            for number in range(40):
                live.emit("last", number)
    assert [data for _, data in taker.wait(80)] == [*range(40), *range(40)]


def test_acknowledgements(start: Start, connect: Connect) -> None:
    mock = start()
    body = {
        "message": "Slow down",
        "code": "RATE_LIMIT_ERROR",
        "details": {"message": "m"},
        "errors": [],
        "metadata": {},
    }
    answers: dict[str, list[Any] | None] = {
        "one": [{"a": 1}],
        "none": [],
        "two": [1, 2],
        "error": [body],
        "unlike": [{"message": "m", "code": "x"}],
        "odd": [{**body, "code": "OWN"}],
        "never": None,
    }
    Taker(mock, lambda data: answers[data[0]])
    with connect(mock).realtime.connect() as live:
        assert live.call("one", timeout=PROMPT) == {"a": 1}
        assert live.call("none", timeout=PROMPT) is None
        assert live.call("two", timeout=PROMPT) == [1, 2]
        assert live.call("unlike", timeout=PROMPT) == {"message": "m", "code": "x"}
        assert live.call("odd", timeout=PROMPT) == {**body, "code": "OWN"}
        with pytest.raises(RateLimitError, match="Slow down") as caught:
            live.call("error", timeout=PROMPT)
        assert (caught.value.status, caught.value.code) == (429, "RATE_LIMIT_ERROR")
        with pytest.raises(RequestTimeout, match="did not acknowledge 'never'"):
            live.call("never", timeout=0.05)
        assert live._connection is not None
        assert live._connection._link is not None
        assert len(live._connection._link._socket.callbacks["/"]) == 1  # the counter: nothing is kept of who gave up


def test_a_call_whose_connection_is_lost_does_not_wait(start: Start, connect: Connect) -> None:
    mock = start()
    Taker(mock, lambda _: drop_all(mock))
    live = connect(mock).realtime.connect()
    began = time.monotonic()
    with pytest.raises(ConnectionLostError, match="before the server acknowledged"):
        live.call("a", timeout=60)
    assert time.monotonic() - began < PROMPT


def test_a_long_running_consumer_ends_with_the_client(start: Start, connect: Connect) -> None:
    mock = start()
    api = connect(mock)
    api.auth.login(email="john@example.com", password="password")
    titles: list[str] = []
    api.realtime.connect()

    def consume() -> None:
        for event in api.realtime.events():
            titles.append(event.payload.title)  # type: ignore[attr-defined]

    consumer = threading.Thread(target=consume)
    consumer.start()
    for number in range(3):
        publish(mock, number)
    wait_until(lambda: len(titles) == 3)
    api.close()
    consumer.join(PROMPT)
    assert not consumer.is_alive()
    assert titles == ["0", "1", "2"]


def test_an_event_that_breaks_the_contract_does_not_end_a_consumer(
    start: Start, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    mock = start()
    realtime = mock._context.realtime
    with connect(mock).realtime.connect() as live:
        for name, payload in (("user:deleted", {"userId": 7}), ("user:deleted", {}), ("own", 1)):
            realtime._call_soon(lambda name=name, payload=payload: realtime._io.emit(name, payload))  # type: ignore[misc]
        with pytest.raises(ResponseValidationError):
            live.receive(timeout=PROMPT)
        assert next(live.events()) == ReceivedEvent("own", 1)
    assert "user:deleted breaks the contract" in caplog.text


def test_two_threads_that_connect_make_one_connection(start: Start, connect: Connect) -> None:
    mock = start()
    live = connect(mock).realtime
    together = threading.Barrier(4)

    def join() -> None:
        together.wait(PROMPT)
        live.connect()

    threads = [threading.Thread(target=join) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PROMPT)
    assert len(mock._context.realtime) == 1
    live.disconnect()


@pytest.fixture
def mute() -> Iterator[socket.socket]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_a_server_that_says_nothing(clients: Callable[..., Client], mute: socket.socket, transport: str) -> None:
    api = clients(realtime_url=f"http://127.0.0.1:{mute.getsockname()[1]}")
    began = time.monotonic()
    with pytest.raises(ConnectTimeout):
        api.realtime.connect(timeout=0.2, transports=[transport])
    assert time.monotonic() - began < PROMPT
    assert ours() == []


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_a_gateway_that_refuses_us(clients: Callable[..., Client], mute: socket.socket, transport: str) -> None:
    api = clients(realtime_url=f"http://127.0.0.1:{mute.getsockname()[1]}")

    def refuse() -> None:
        served, _ = mute.accept()
        with served:
            served.recv(65536)
            body = b'{"message": "Who are you?", "code": "AUTHENTICATION_ERROR"}'
            head = b"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            served.sendall(head % len(body) + body)

    gateway = threading.Thread(target=refuse)
    gateway.start()
    with pytest.raises(AuthenticationError) as caught:
        api.realtime.connect(transports=[transport])
    gateway.join(PROMPT)
    assert caught.value.status == 401


@pytest.mark.parametrize("end", ["disconnect", "close"])
def test_connecting_can_be_ended_from_another_thread(
    clients: Callable[..., Client], mute: socket.socket, end: str
) -> None:
    api = clients(realtime_url=f"http://127.0.0.1:{mute.getsockname()[1]}")
    failures: list[BaseException] = []

    def try_it() -> None:
        try:
            api.realtime.connect(timeout=60)
        except APIError as error:
            failures.append(error)

    thread = threading.Thread(target=try_it)
    thread.start()
    served, _ = mute.accept()
    served.recv(1)  # it waits for the handshake's answer
    (api.realtime.disconnect if end == "disconnect" else api.close)()
    thread.join(PROMPT)
    served.close()
    assert not thread.is_alive()
    assert [type(failure) for failure in failures] in ([ConnectError], [ClientClosedError])
    assert ours() == []


def test_ending_it_while_it_waits_to_reconnect(start: Start, connect: Connect, gate: GatedClock) -> None:
    mock = start()
    live = connect(mock).realtime.connect()
    drop_all(mock)
    gate.wait_for_sleeper()
    began = time.monotonic()
    live.disconnect()
    assert time.monotonic() - began < PROMPT
    assert ours() == []
    assert list(live.events()) == []


def test_a_callback_may_end_the_connection(start: Start, connect: Connect) -> None:
    mock = start()
    api = connect(mock)
    ended = threading.Event()

    def end(_: object) -> None:
        api.realtime.disconnect()
        ended.set()

    api.realtime.subscribe("own", end)
    api.realtime.connect()
    realtime = mock._context.realtime
    realtime._call_soon(lambda: realtime._io.emit("own", 1))
    assert ended.wait(PROMPT)
    assert not api.realtime.connected


def test_a_listener_may_end_the_connection_or_make_it_again(start: Start, connect: Connect, gate: GatedClock) -> None:
    mock = start()
    live = connect(mock).realtime
    again = threading.Event()

    def once_more(_: ConnectionEvent) -> None:
        live.off("reconnect_failed", once_more)
        live.connect()
        again.set()

    live.on("reconnect_failed", once_more)
    live.connect(reconnect=Reconnect(attempts=0))
    drop_all(mock)
    assert again.wait(PROMPT)
    assert live.connected
    live.disconnect()


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_nothing_is_left_of_many_connections(start: Start, connect: Connect, transport: str) -> None:
    mock = start()
    live = connect(mock).realtime
    live.subscribe("own", print)
    process = psutil.Process()

    def one() -> None:
        with live.connect(transports=[transport]):
            pass

    one()
    began, before = time.monotonic(), (process.num_fds(), ours())
    for _ in range(10):
        one()
    assert time.monotonic() - began < 2 * PROMPT
    until = time.monotonic() + PROMPT  # the mock closes its half in a thread of its own
    while process.num_fds() > before[0] and time.monotonic() < until:
        time.sleep(0.01)
    assert process.num_fds() <= before[0]
    assert ours() == before[1] == []


@pytest.mark.parametrize("transports", [["polling"], ["polling", "websocket"], ["websocket"]])
def test_a_burst_is_heard_whole_and_in_order(start: Start, connect: Connect, transports: list[str]) -> None:
    """engineio refuses a polling answer with more than 16 packets, and would end the connection over it."""
    mock = start()
    api = connect(mock)
    api.auth.login(email="john@example.com", password="password")
    told = Told(api.realtime)
    with api.realtime.connect(transports=transports) as live:
        realtime = mock._context.realtime

        def burst() -> None:
            for number in range(200):
                realtime._io.emit("n", number)

        realtime._call_soon(burst)
        assert [live.receive(timeout=PROMPT).payload for _ in range(200)] == list(range(200))
        assert told.names == ["connected"]


def test_callbacks_run_in_order_on_one_thread_and_not_after_unsubscribing(start: Start, connect: Connect) -> None:
    mock = start()
    live = connect(mock).realtime
    heard: list[tuple[str, object]] = []
    done = threading.Event()

    def first(number: object) -> None:
        heard.append((threading.current_thread().name, number))
        if number == 2:
            live.unsubscribe("n", second)
            raise KeyError

    def second(number: object) -> None:
        heard.append(("second", number))

    live.subscribe("n", first)
    live.subscribe("n", second)
    live.subscribe("done", lambda _: done.set())
    with live.connect():
        realtime = mock._context.realtime
        for number in range(4):
            realtime._call_soon(lambda number=number: realtime._io.emit("n", number))  # type: ignore[misc]
        realtime._call_soon(lambda: realtime._io.emit("done"))
        assert done.wait(PROMPT)
    name = "duologue-callbacks"
    assert heard == [(name, 0), ("second", 0), (name, 1), ("second", 1), (name, 2), (name, 3)]


@pytest.mark.parametrize("transports", [["polling"], ["polling", "websocket"]])
def test_polling_finds_a_restarted_server_too(
    start: Start, connect: Connect, gate: GatedClock, transports: list[str]
) -> None:
    mock = start()
    live = connect(mock).realtime
    told = Told(live)
    with live.connect(transports=transports):
        mock.stop()
        gate.wait_for_sleeper()
        start(mock)
        gate.let_through()
        told.wait("connected", "disconnected", "reconnected")
        with pytest.raises(NotFoundError):
            live.call("a", timeout=PROMPT)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system cannot freeze a process")
def test_a_frozen_server_cannot_keep_us() -> None:
    """Its websocket stands, takes nothing and says nothing; the thread that sends is in the middle of it."""
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
            began = time.monotonic()
            with pytest.raises(RequestTimeout):
                live.call("a", timeout=0.01)
            live.disconnect()
            assert time.monotonic() - began < 2 * PROMPT
            assert ours() == []
        process.kill()


def test_ending_it_in_the_moment_it_is_lost(start: Start, connect: Connect) -> None:
    """Over and over, a little later each time: wherever the thread that reconnects is, it hears of the end."""
    mock = start()
    for number in range(30):
        live = connect(mock).realtime.connect()
        drop_all(mock)
        time.sleep(number / 5000)
        began = time.monotonic()
        live.disconnect()
        assert time.monotonic() - began < PROMPT
        assert ours() == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_child_process_has_no_connection_and_harms_its_parents_none(start: Start, connect: Connect) -> None:
    mock = start()
    live = connect(mock).realtime.connect()
    told = Told(live)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(20)
            status = 0 if _is_orphan(live) else 2
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    with pytest.raises(NotFoundError):  # the connection stands
        live.call("a", timeout=PROMPT)
    live.disconnect()
    assert told.names == ["disconnected"]


def _is_orphan(live: Realtime) -> bool:
    try:
        live.emit("a")
    except ConnectionLostError:
        live.disconnect()
        return not live.connected and list(live.events()) == [] and _has_its_own(live)
    return False


def _has_its_own(live: Realtime) -> bool:
    with live.connect():
        try:
            live.call("a", timeout=PROMPT)
        except NotFoundError:
            return True
    return False


def test_an_inbox_keeps_the_newest_and_the_first_end() -> None:
    event_queue = EventQueue(2)
    for number in range(3):
        event_queue.put(ReceivedEvent("n", number))
    event_queue.end()
    event_queue.end(ConnectionLostError("too late"))
    event_queue.put(ReceivedEvent("n", 4))
    assert [event_queue.take(None).payload for _ in range(2)] == [1, 2]
    assert event_queue.next() is None


def test_nothing_is_done_after_stopping() -> None:
    done: list[int] = []
    worker = SerialExecutor("duologue-test")
    worker.do(done.append, 1)
    worker.stop()
    worker.do(done.append, 2)
    worker.stop()
    assert done == [1]
