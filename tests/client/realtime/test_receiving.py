"""Receiving events: as models, in order, by callbacks and by `receive()`."""

from __future__ import annotations

import threading

import pytest

from duologue import ConnectionLostError, Event, NotFoundError, RequestTimeout, ResponseValidationError, defaults
from duologue.contract import chats, messages, smart_chat, users
from duologue.realtime import ReceivedEvent
from duologue.realtime.queues import EventQueue, SerialExecutor
from duologue_mock import MockServer
from tests.client.realtime.fakes import TIMEOUT, Connect, Start, StatusLog, emit, new_email, notify
from tests.waiting import eventually

N = Event("n")


def test_events_follow_calls(connect: Connect) -> None:
    api = connect()
    with api.realtime.connect() as live:
        session = api.chats.create(title="Live")
        assert live.receive(timeout=5) == ("chat:created", chats.ChatEvent(session))
        message = api.messages.send(session.id, content="Hello")
        events = dict([live.receive(timeout=5), live.receive(timeout=5)])
        assert events["message:created"] == messages.MessageEvent(session.id, message)
        api.chats.delete(session.id)
        assert live.receive(timeout=5) == ("chat:deleted", chats.ChatDeleted(session.id))
    assert not live.connected


def test_deltas_in_order(connect: Connect) -> None:
    words = [f"{n} " for n in range(300)]
    with MockServer(reply_function=lambda _: iter(words), rate_limit=None) as mock:
        api = connect(mock)
        session = api.chats.create(title="Live")
        with api.realtime.connect() as live:
            api.smart_chat.stream(session.id, message="Count").read()
            deltas: list[str] = []
            while len(deltas) < len(words):
                payload = live.receive(timeout=5).payload
                if isinstance(payload, smart_chat.MessageDelta):
                    deltas.append(payload.delta)
    assert deltas == words


def test_callbacks_get_models(connect: Connect) -> None:
    api, email = connect(), new_email()
    early: list[str] = []
    late: list[object] = []
    both = threading.Barrier(2)

    def on_created(event: users.UserEvent) -> None:
        if event.user.email == email:
            early.append(event.user.name)

    def on_deleted(event: object) -> None:
        late.append(event)
        both.wait(5)

    api.realtime.subscribe(users.CREATED, on_created)
    with api.realtime.connect() as live:
        live.subscribe("user:deleted", on_deleted)
        user = api.users.create(name="Heard", email=email)
        api.users.delete(user.id)
        both.wait(5)
        assert early == ["Heard"]
        assert late == [users.UserDeleted(user.id)]
        live.unsubscribe("user:deleted", on_deleted)
        live.unsubscribe(users.CREATED)
        api.users.create(name="Unheard", email=new_email())
        while live.receive(timeout=5).payload != users.UserDeleted(user.id):
            pass
        live.receive(timeout=5)
    assert len(early) == len(late) == 1


def test_failing_callback(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    api, email = connect(), new_email()
    received = threading.Event()

    def failing(_: object) -> None:
        raise KeyError("a mistake")

    api.realtime.subscribe(users.CREATED, failing)
    api.realtime.subscribe(users.CREATED, lambda event: received.set() if event.user.email == email else None)
    with api.realtime.connect():
        api.users.create(name="Heard", email=email)
        assert received.wait(5)
    assert "a mistake" in caplog.text


def test_call_in_a_callback(connect: Connect) -> None:
    api = connect()
    called = threading.Event()
    titles: list[object] = []

    def on_created(event: chats.ChatEvent) -> None:
        titles.append(api.chats.get(event.session.id).title)
        with pytest.raises(NotFoundError):
            api.realtime.call("anything", {"a": 1}, timeout=5)
        called.set()

    api.realtime.subscribe(chats.CREATED, on_created)
    with api.realtime.connect():
        api.chats.create(title="Back and forth")
        assert called.wait(5)
    assert titles[0] == "Back and forth"


def test_notifications(connect: Connect) -> None:
    api = connect()
    api.auth.login(email="john@example.com", password="password")
    email = new_email()
    with api.realtime.connect() as live:
        api.users.create(name="Noticed", email=email)
        names = {live.receive(timeout=5).name for _ in range(2)}
    assert names == {"user:created", "notification:new"}


@pytest.mark.parametrize("transports", [["polling"], ["polling", "websocket"], ["websocket"]])
def test_transports(connect: Connect, transports: list[str]) -> None:
    api = connect()
    with api.realtime.connect(transports=transports) as live:
        session = api.chats.create(title="Live")
        assert live.receive(timeout=5).payload == chats.ChatEvent(session)


def test_receive_timeout(connect: Connect) -> None:
    with connect().realtime.connect() as live, pytest.raises(RequestTimeout):
        live.receive(timeout=0.01)


def test_not_connected(connect: Connect) -> None:
    live = connect().realtime
    with pytest.raises(ConnectionLostError):
        live.emit("a")
    with pytest.raises(ConnectionLostError):
        live.call("a")
    with pytest.raises(ConnectionLostError):
        live.receive(timeout=60)
    assert list(live.events()) == []


def test_receive_after_disconnect(connect: Connect) -> None:
    api = connect()
    deleted = threading.Event()
    api.realtime.subscribe(chats.DELETED, lambda _: deleted.set())
    live = api.realtime.connect()
    session = api.chats.create(title="Live")
    api.chats.delete(session.id)
    assert deleted.wait(5)
    live.disconnect()
    assert [event.name for event in live.events()] == ["chat:created", "chat:deleted"]


def test_consumer_ends_with_client(start: Start, connect: Connect) -> None:
    mock = start()
    api = connect(mock)
    api.auth.login(email="john@example.com", password="password")
    titles: list[str] = []
    api.realtime.connect()

    def consume() -> None:
        for event in api.realtime.events("notification:new"):
            titles.append(event.payload.title)

    consumer = threading.Thread(target=consume)
    consumer.start()
    for number in range(3):
        notify(mock, number)
    assert eventually(lambda: len(titles) == 3, within=TIMEOUT)
    api.close()
    consumer.join(TIMEOUT)
    assert not consumer.is_alive()
    assert titles == ["0", "1", "2"]


def test_invalid_event(start: Start, connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    mock = start()
    with connect(mock).realtime.connect() as live:
        emit(mock, ("user:deleted", {"userId": 7}), ("user:deleted", {}), ("own", 1))
        with pytest.raises(ResponseValidationError):
            live.receive(timeout=TIMEOUT)
        event: object = next(live.events())  # not typed as one that the contract has
        assert event == ReceivedEvent("own", 1)
    assert "user:deleted breaks the contract" in caplog.text


@pytest.mark.parametrize("transports", [["polling"], ["polling", "websocket"], ["websocket"]])
def test_burst(start: Start, connect: Connect, transports: list[str]) -> None:
    """engineio refuses a polling response with more than 16 packets, and would end the connection over it."""
    mock = start()
    api = connect(mock)
    api.auth.login(email="john@example.com", password="password")
    statuses = StatusLog(api.realtime)
    with api.realtime.connect(transports=transports) as live:
        emit(mock, *[("n", number) for number in range(200)])
        assert [live.receive(N, timeout=TIMEOUT).payload for _ in range(200)] == list(range(200))
        assert statuses.names == ["connected"]


def test_callbacks_in_order(start: Start, connect: Connect) -> None:
    mock = start()
    live = connect(mock).realtime
    received: list[tuple[str, object]] = []
    done = threading.Event()

    def first(number: object) -> None:
        received.append((threading.current_thread().name, number))
        if number == 2:
            live.unsubscribe(N, second)
            raise KeyError

    def second(number: object) -> None:
        received.append(("second", number))

    live.subscribe(N, first)
    live.subscribe(N, second)
    live.subscribe(Event("done"), lambda _: done.set())
    with live.connect():
        emit(mock, *[("n", number) for number in range(4)], ("done",))
        assert done.wait(TIMEOUT)
    name = "duologue-callbacks"
    assert received == [(name, 0), ("second", 0), (name, 1), ("second", 1), (name, 2), (name, 3)]


def test_event_queue() -> None:
    event_queue = EventQueue(2)
    for number in range(3):
        event_queue.put("n", ReceivedEvent("n", number))
    event_queue.end()
    event_queue.end(ConnectionLostError("too late"))
    event_queue.put("n", ReceivedEvent("n", 4))
    assert [event_queue.take(None).payload for _ in range(2)] == [1, 2]
    assert event_queue.next() is None


def test_executor_after_stop() -> None:
    done: list[int] = []
    worker = SerialExecutor("duologue-test")
    worker.submit(done.append, 1)
    worker.stop()
    worker.submit(done.append, 2)
    worker.stop()
    assert done == [1]


def test_messages_in_order() -> None:
    """engineio itself starts a thread for each, and handles first what is scheduled first."""
    from duologue.realtime.engineio_client import _EngineIOClient

    engine = _EngineIOClient()
    handled: list[tuple[int, str]] = []
    engine.on("message", lambda number: handled.append((number, threading.current_thread().name)))
    for number in range(50):
        engine._trigger_event("message", number, run_async=True)
    engine.executor.stop()
    assert handled == [(number, "duologue-realtime") for number in range(50)]


def test_slow_callback(
    start: Start, connect: Connect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A callback that blocks fills no memory: the oldest events are dropped, which is said, and the cache knows."""
    monkeypatch.setattr(defaults, "RECEIVE_BUFFER_SIZE", 5)
    mock = start()
    api = connect(mock)
    live, statuses = api.realtime, StatusLog(api.realtime)
    received: list[object] = []
    started, release = threading.Event(), threading.Event()

    def block(number: object) -> None:
        received.append(number)
        started.set()
        release.wait(TIMEOUT)

    live.subscribe(N, block)
    api.query_client.set_data(("users",), "data")
    with live.connect(), api.query_client.sync(live):
        emit(mock, ("n", 0))
        assert started.wait(TIMEOUT)
        emit(mock, *[("n", number) for number in range(1, 21)], ("end",))
        assert eventually(lambda: live._event_queue._waiting[-1][0] == "end", within=TIMEOUT)
        release.set()
        event = statuses.wait("connected", "events_dropped")
        assert eventually(lambda: len(received) == 6, within=TIMEOUT)
        state = api.query_client.get_state(("users",))
        assert state is not None
        assert state.is_stale
        assert [live.receive().name for _ in range(5)] == ["n"] * 4 + ["end"]
    assert event.dropped == 15
    assert received == [0, 16, 17, 18, 19, 20]
    assert "15 events were received but not delivered" in caplog.text
    assert "17 events were dropped, because too many waited to be received" in caplog.text


def test_full_executor_waits() -> None:
    """The thread that reads waits for the one that handles, which does not wait for itself."""
    worker = SerialExecutor("duologue-test", size=2)
    done: list[int] = []
    release = threading.Event()
    worker.submit(release.wait, TIMEOUT)

    def submit(first: int) -> None:
        for number in range(first, first + 10):
            worker.submit(done.append, number)

    submitting = threading.Thread(target=submit, args=(0,))
    submitting.start()
    assert eventually(lambda: len(worker._calls) == 2, within=TIMEOUT)
    assert submitting.is_alive()
    release.set()
    submitting.join(TIMEOUT)
    worker.submit(submit, 10)
    assert eventually(lambda: len(done) == 20, within=TIMEOUT)
    worker.stop()
    assert done == list(range(20))
