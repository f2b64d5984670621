"""The connection is lost, and made again or not; against a mock that is stopped and started."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from duologue import (
    APIError,
    AuthenticationError,
    ClientClosedError,
    Clock,
    ConnectError,
    ConnectionLostError,
    ConnectTimeout,
    MemoryTokenStorage,
    NotFoundError,
    StoredTokens,
)
from duologue.contract import chats, users
from duologue.realtime import ConnectionEvent, Reconnect
from tests.client.realtime.fakes import (
    TIMEOUT,
    Connect,
    GatedClock,
    Start,
    StatusLog,
    disconnect_all,
    new_email,
    notify,
)
from tests.client.realtime.raw_server import RawServer, serve, wait_for_end
from tests.waiting import eventually


def test_restarted_server(start: Start, connect: Connect, gate: GatedClock) -> None:
    mock = start()
    api = connect(mock)
    statuses, received = StatusLog(api.realtime), []
    api.realtime.subscribe(users.CREATED, lambda event: received.append(event.user.name))
    with api.realtime.connect() as live:
        statuses.wait("connected")
        mock.stop()
        assert statuses.wait("connected", "disconnected").reason in ("server disconnect", "transport error")
        assert "not connected" in repr(live)
        gate.wait_for_sleep()
        gate.release()
        gate.wait_for_sleep()  # no server yet
        start(mock)
        gate.release()
        assert statuses.wait("connected", "disconnected", "reconnected").attempts == 2
        assert live.connected
        user = api.users.create(name="Back", email=new_email())
        assert live.receive(timeout=TIMEOUT).payload == users.UserEvent(user.id, user)
    assert received == ["Back"]
    assert statuses.names == ["connected", "disconnected", "reconnected", "disconnected"]
    assert statuses.events[-1].reason == "client disconnect"


def test_server_disconnects(start: Start, connect: Connect, gate: GatedClock) -> None:
    mock = start()
    api = connect(mock)
    statuses = StatusLog(api.realtime)
    with api.realtime.connect():
        for losses in (1, 2):
            disconnect_all(mock)
            gate.wait_for_sleep()
            gate.release()
            statuses.wait("connected", *["disconnected", "reconnected"] * losses)
    reasons = {event.reason for event in statuses.events[:-1] if event.name == "disconnected"}
    assert reasons == {"server disconnect"}


def test_flapping_server(start: Start, connect: Connect, gate: GatedClock) -> None:
    """One that accepts connections and drops them at once is waited for longer and longer, but not given up."""
    mock = start()
    live = connect(mock).realtime
    statuses = StatusLog(live)
    with live.connect(reconnect=Reconnect(attempts=2, jitter=0, max_delay=9)):
        for losses in range(1, 6):
            disconnect_all(mock)
            gate.wait_for_sleep()
            gate.release()
            statuses.wait("connected", *["disconnected", "reconnected"] * losses)
        assert gate.slept == [2, 4, 8, 9, 9]
        gate.advance(9)  # this one lasts
        disconnect_all(mock)
        gate.wait_for_sleep()
        assert gate.slept[5:] == [2]


@pytest.mark.parametrize("transports", [["polling"], ["polling", "websocket"]])
def test_restarted_server_polling(start: Start, connect: Connect, gate: GatedClock, transports: list[str]) -> None:
    mock = start()
    live = connect(mock).realtime
    statuses = StatusLog(live)
    with live.connect(transports=transports):
        mock.stop()
        gate.wait_for_sleep()
        start(mock)
        gate.release()
        statuses.wait("connected", "disconnected", "reconnected")
        with pytest.raises(NotFoundError):
            live.call("a", timeout=TIMEOUT)


def test_cache_after_restart(start: Start, connect: Connect, gate: GatedClock) -> None:
    mock = start()
    api = connect(mock)
    statuses = StatusLog(api.realtime)
    with api.realtime.connect(), api.query_client.sync(api.realtime):
        before = api.queries.users().fetch().total
        mock.stop()
        gate.wait_for_sleep()
        elsewhere = start(state=mock.state)
        connect(elsewhere).users.create(name="Missed", email=new_email())
        elsewhere.stop()
        assert api.queries.users().fetch().total == before  # fresh for two minutes, as far as the cache knows
        start(mock)
        gate.release()
        statuses.wait("connected", "disconnected", "reconnected")
        assert eventually(lambda: api.queries.users().fetch().total == before + 1, within=TIMEOUT)


def test_reconnect_failed(start: Start, connect: Connect, gate: GatedClock) -> None:
    mock = start()
    live = connect(mock).realtime
    statuses = StatusLog(live)
    live.connect(reconnect=Reconnect(jitter=0))
    mock.stop()
    gate.release(5)
    with pytest.raises(ConnectionLostError, match="5 attempts") as caught:
        list(live.events())
    assert isinstance(
        caught.value.__cause__ or statuses.wait("connected", "disconnected", "reconnect_failed").error, APIError
    )
    assert gate.slept == [2, 4, 8, 16, 32]
    assert statuses.wait("connected", "disconnected", "reconnect_failed").attempts == 5
    with pytest.raises(ConnectionLostError):
        live.emit("a")
    with pytest.raises(ConnectionLostError):
        live.receive()
    start(mock)
    with live.connect():  # an explicit connect() starts anew
        assert live.connected


def test_jitter() -> None:
    assert list(Reconnect(random=lambda: 0.0).delays()) == pytest.approx([1.6, 3.2, 6.4, 12.8, 25.6])
    assert list(Reconnect(random=lambda: 1.0).delays()) == pytest.approx([2.4, 4.8, 9.6, 19.2, 38.4])
    endless = Reconnect(attempts=None, delay=1, max_delay=4, jitter=0).delays()
    assert [next(endless) for _ in range(5)] == [1, 2, 4, 4, 4]
    for wrong in ({"attempts": -1}, {"delay": 0}, {"delay": 40}, {"jitter": 2}):
        with pytest.raises(ValueError, match="is invalid"):
            Reconnect(**wrong)  # type: ignore[arg-type]


def test_no_attempts(start: Start, connect: Connect, gate: GatedClock) -> None:
    mock = start()
    live = connect(mock).realtime.connect(reconnect=Reconnect(attempts=0))
    disconnect_all(mock)
    with pytest.raises(ConnectionLostError, match="0 attempts"):
        live.receive(timeout=TIMEOUT)
    assert gate.slept == []


def test_login_ended_elsewhere(start: Start, connect: Connect, gate: GatedClock) -> None:
    """The server disconnects, refuses the token, which cannot be refreshed, and reconnecting ends with its error."""
    mock = start()
    api = connect(mock)
    api.auth.login(email="john@example.com", password="password")
    stored = api._requestor.tokens.current
    statuses = StatusLog(api.realtime)
    live = api.realtime.connect()
    other = connect(mock, token_storage=MemoryTokenStorage(stored))
    other.auth.logout()
    gate.wait_for_sleep()
    gate.release()
    with pytest.raises(AuthenticationError) as caught:
        list(live.events())
    assert caught.value.message == "Unauthorized"
    assert caught.value.data["code"] == "AUTHENTICATION_ERROR"  # type: ignore[index]
    error = statuses.wait("connected", "disconnected", "reconnect_failed").error
    assert isinstance(error, AuthenticationError)
    assert len(gate.slept) == 1


def test_own_logout(start: Start, connect: Connect, gate: GatedClock) -> None:
    """It is not made again without a token, which the server would allow."""
    api = connect(start())
    api.auth.login(email="john@example.com", password="password")
    live = api.realtime.connect()
    api.auth.logout()
    gate.release(5)
    with pytest.raises(AuthenticationError, match="login has ended"):
        live.receive(timeout=TIMEOUT)
    assert gate.slept in ([], [0.0])


def test_token_of_the_moment(start: Start, connect: Connect, gate: GatedClock) -> None:
    mock = start()
    storage = MemoryTokenStorage()
    api = connect(mock, token_storage=storage)
    api.auth.login(email="john@example.com", password="password")
    statuses = StatusLog(api.realtime)
    with api.realtime.connect() as live:
        stored = storage.load()
        assert stored is not None
        storage.save(StoredTokens("stale", stored.refresh_token))  # as if it had expired: refused, and refreshed once
        disconnect_all(mock)
        gate.wait_for_sleep()
        gate.release()
        statuses.wait("connected", "disconnected", "reconnected")
        notify(mock, 7)  # only administrators receive it: there is a token
        assert live.receive(timeout=TIMEOUT).name == "notification:new"
    now = storage.load()
    assert now is not None
    assert now.token not in ("stale", stored.token)


def test_refresh_before_connecting(start: Start, connect: Connect) -> None:
    mock = start()
    storage = MemoryTokenStorage()
    api = connect(mock, token_storage=storage)
    api.auth.login(email="john@example.com", password="password")
    stored = storage.load()
    assert stored is not None
    storage.save(StoredTokens(stored.token, stored.refresh_token, expires_at=datetime.now(UTC)))
    with api.realtime.connect():
        now = storage.load()
        assert now is not None
        assert now.refresh_token != stored.refresh_token


def test_connect_in_a_callback(start: Start, connect: Connect, gate: GatedClock) -> None:
    mock = start()
    live = connect(mock).realtime
    again = threading.Event()

    def once_more(_: ConnectionEvent) -> None:
        live.off("reconnect_failed", once_more)
        live.connect()
        again.set()

    live.on("reconnect_failed", once_more)
    live.connect(reconnect=Reconnect(attempts=0))
    disconnect_all(mock)
    assert again.wait(TIMEOUT)
    assert live.connected
    live.disconnect()


def test_connect_twice(connect: Connect) -> None:
    api = connect()
    for _ in range(2):
        with api.realtime.connect() as live:
            assert live.connected
            session = api.chats.create(title="Live")
            assert live.receive(timeout=5).payload == chats.ChatEvent(session)


def test_connect_after_logout(connect: Connect) -> None:
    api, email = connect(), new_email()
    api.users.create(name="Leaving", email=email, password="secret")
    api.auth.login(email=email, password="secret")
    live = api.realtime.connect()
    api.auth.logout()
    with pytest.raises(AuthenticationError, match="The login has ended"):
        list(live.events())  # the server disconnects
    with pytest.raises(ConnectionLostError):
        live.emit("a")
    with live.connect():
        session = api.chats.create(title="Back again")
        assert live.receive(timeout=5).payload == chats.ChatEvent(session)


@pytest.fixture
def silent() -> Iterator[RawServer]:
    """A platform that accepts requests and never responds."""
    with serve(lambda connection, _: wait_for_end(connection)) as server:
        yield server


def expired() -> MemoryTokenStorage:
    return MemoryTokenStorage(StoredTokens("expired", "refresh", expires_at=datetime(2024, 1, 1, tzinfo=UTC)))


def test_disconnect_during_renewal(start: Start, connect: Connect, gate: GatedClock, silent: RawServer) -> None:
    mock = start()
    storage = MemoryTokenStorage()
    urls = {"base_url": f"{silent.url}/api", "realtime_url": mock.origin}
    api = connect(mock, **urls, token_storage=storage, timeout=600)
    live = api.realtime.connect(timeout=600)
    storage.save(expired().load())
    disconnect_all(mock)
    gate.wait_for_sleep()
    gate.release()
    assert eventually(lambda: silent.connections == 1, within=TIMEOUT)
    started_at = time.monotonic()
    live.disconnect()
    assert time.monotonic() - started_at < TIMEOUT
    assert list(live.events()) == []


@pytest.mark.parametrize("end", ["disconnect", "close"])
def test_end_during_first_renewal(start: Start, connect: Connect, silent: RawServer, end: str) -> None:
    """The thread that connects ends when the renewal does; the one that ends it does not wait for that."""
    mock = start()
    urls = {"base_url": f"{silent.url}/api", "realtime_url": mock.origin}
    api = connect(mock, **urls, token_storage=expired(), timeout=600, clock=Clock(), max_retries=0)
    failures: list[BaseException] = []

    def try_to_connect() -> None:
        try:
            api.realtime.connect(timeout=600)
        except APIError as error:
            failures.append(error)

    thread = threading.Thread(target=try_to_connect)
    thread.start()
    assert eventually(lambda: silent.connections == 1, within=TIMEOUT)
    started_at = time.monotonic()
    (api.realtime.disconnect if end == "disconnect" else api.close)()
    assert time.monotonic() - started_at < TIMEOUT
    silent.close()
    thread.join(TIMEOUT)
    assert [type(failure) for failure in failures] in ([ConnectError], [ClientClosedError])


def test_timeout_includes_renewal(start: Start, connect: Connect, silent: RawServer) -> None:
    mock = start()
    urls = {"base_url": f"{silent.url}/api", "realtime_url": mock.origin}
    api = connect(mock, **urls, token_storage=expired(), timeout=600, clock=Clock())
    started_at = time.monotonic()
    with pytest.raises((ConnectTimeout, AuthenticationError)):
        api.realtime.connect(timeout=0.3)
    assert time.monotonic() - started_at < 60
