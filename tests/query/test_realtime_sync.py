"""What Realtime events do to the cache, by hand and over a connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from duologue import ChatSession, Client, Notification, User, UserPage
from duologue.contract import Event
from duologue.contract import events as list_events
from duologue.contract.chats import CREATED as CHAT_CREATED
from duologue.contract.chats import DELETED as CHAT_DELETED
from duologue.contract.chats import ChatDeleted, ChatEvent
from duologue.contract.messages import CREATED as MESSAGE_CREATED
from duologue.contract.messages import ChatMessage, MessageEvent
from duologue.contract.notifications import NEW
from duologue.contract.users import DELETED as USER_DELETED
from duologue.contract.users import UPDATED as USER_UPDATED
from duologue.contract.users import UserDeleted, UserEvent
from duologue.query import QueryClient
from duologue.query.resource_queries.realtime_sync import RealtimeSync
from duologue.realtime import Reconnect
from duologue_mock import MockServer, State
from tests.query.fakes import FakeClock, wait_until

NOW = datetime(2024, 1, 1, tzinfo=UTC)
ADA = User("1", "Ada", "ada@example.com", "admin")
OTHER = User("9", "Other", "other@example.com", "user")
GRACE = User("1", "Grace", "ada@example.com", "admin")
SESSION = ChatSession("s", "Test", False, NOW, NOW, NOW)
MESSAGE = ChatMessage("m", "s", "user", "Hello", NOW)


class FakeEvents:
    """Events that the test emits."""

    def __init__(self) -> None:
        self.callbacks: dict[str, list[Callable[..., object]]] = {}

    def subscribe(self, event: Event[Any], callback: Callable[..., object]) -> None:
        self.callbacks.setdefault(event.name, []).append(callback)

    def unsubscribe(self, event: Event[Any], callback: Callable[..., object]) -> None:
        self.callbacks[event.name].remove(callback)

    def on(self, name: str, callback: Callable[[Any], object]) -> None:
        self.callbacks.setdefault(name, []).append(callback)

    def off(self, name: str, callback: Callable[[Any], object]) -> None:
        self.callbacks[name].remove(callback)

    def emit_status(self, name: str) -> None:
        for callback in self.callbacks[name]:
            callback(None)

    def emit(self, event: Event[Any], payload: object) -> None:
        for callback in self.callbacks[event.name]:
            callback(payload)


@pytest.fixture
def events() -> FakeEvents:
    return FakeEvents()


@pytest.fixture
def sync(queries: QueryClient, events: FakeEvents) -> Iterator[RealtimeSync]:
    with RealtimeSync(queries, events) as sync:
        yield sync
    assert not any(events.callbacks.values())


def is_stale(queries: QueryClient, *key: Any) -> bool:
    state = queries.get_state(key)
    return state is None or state.is_stale


def test_events_are_subscribed(sync: RealtimeSync, events: FakeEvents) -> None:
    ignored = {"chat:typing", "message:delta"}
    assert (
        events.callbacks.keys() - {"reconnected", "events_dropped"} == {event.name for event in list_events()} - ignored
    )


def test_user_updated(sync: RealtimeSync, events: FakeEvents, queries: QueryClient) -> None:
    queries.set_data(("users", {"page": 1}), UserPage([ADA], 1, 1, 10, False))
    queries.set_data(("me",), ADA)
    events.emit(USER_UPDATED, UserEvent("1", GRACE))
    assert queries.get_data(("users", "1")) == queries.get_data(("me",)) == GRACE
    assert queries.get_data(("users", {"page": 1})).users == [GRACE]
    assert is_stale(queries, "users", {"page": 1})


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        (USER_UPDATED, UserEvent("1", GRACE)),
        (USER_UPDATED, UserEvent("9", OTHER)),
        (CHAT_CREATED, ChatEvent(SESSION)),
        (MESSAGE_CREATED, MessageEvent("s", MESSAGE)),
        (NEW, Notification("1", "info", "T", "M", NOW)),
        (USER_DELETED, UserDeleted("9")),
        (CHAT_DELETED, ChatDeleted("other")),
    ],
)
def test_event_refreshes_no_other_data(
    event: Any, payload: Any, sync: RealtimeSync, events: FakeEvents, queries: QueryClient, clock: FakeClock
) -> None:
    """What is out of date stays so, unless the event has all of it; and what is old gets no younger."""
    queries.set_data(("me",), ADA)
    queries.set_data(("users", {"page": 1}), UserPage([ADA], 1, 1, 10, False))
    queries.set_data(("chats", {}), [SESSION])
    queries.set_data(("messages", "t", {"page": 1}), [])
    queries.set_data(("something", "else"), [ADA])
    queries.invalidate()
    clock.advance(10)
    keys = [key for key, _ in queries.get_queries_data()]
    before = {str(key): queries.get_state(key) for key in keys}
    events.emit(event, payload)
    for key in keys:
        state, old = queries.get_state(key), before[str(key)]
        assert state is not None
        assert old is not None
        assert (state.is_stale, state.updated_at) == (True, old.updated_at), key


def test_event_during_fetch_of_me(sync: RealtimeSync, events: FakeEvents, queries: QueryClient) -> None:
    """The response may be from before the event, so it is out of date when it arrives."""

    def fetch() -> User:
        events.emit(USER_UPDATED, UserEvent("1", GRACE))
        return ADA

    queries.fetch(("me",), fetch)
    assert is_stale(queries, "me")


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        (USER_UPDATED, UserEvent("1", GRACE)),
        (CHAT_CREATED, ChatEvent(SESSION)),
        (MESSAGE_CREATED, MessageEvent("s", MESSAGE)),
        (USER_DELETED, UserDeleted("1")),
        (CHAT_DELETED, ChatDeleted("s")),
    ],
)
def test_event_creates_no_list(
    event: Any, payload: Any, sync: RealtimeSync, events: FakeEvents, queries: QueryClient
) -> None:
    events.emit(event, payload)
    assert all(isinstance(data, (User, ChatSession)) for _, data in queries.get_queries_data())


def test_deleted_is_removed(sync: RealtimeSync, events: FakeEvents, queries: QueryClient) -> None:
    for key in (("users", "1"), ("chats", "s"), ("messages", "s", {"page": 1}), ("messages", "t")):
        queries.set_data(key, "there")
    events.emit(USER_DELETED, UserDeleted("1"))
    events.emit(CHAT_DELETED, ChatDeleted("s"))
    assert queries.get_queries_data() == [(("messages", "t"), "there")]


def test_message_invalidates_session(sync: RealtimeSync, events: FakeEvents, queries: QueryClient) -> None:
    for session in "st":
        queries.set_data(("messages", session, {"page": 1}), [])
    events.emit(MESSAGE_CREATED, MessageEvent("s", MESSAGE))
    assert (is_stale(queries, "messages", "s", {"page": 1}), is_stale(queries, "messages", "t", {"page": 1})) == (
        True,
        False,
    )


def test_notifications(sync: RealtimeSync, events: FakeEvents, queries: QueryClient) -> None:
    one, two = (Notification(id, "info", "T", "M", NOW) for id in ("1", "2"))
    for notification in (one, two, one):
        events.emit(NEW, notification)
    assert queries.get_data(("notifications",)) == [one, two]


def test_events_after_logout(sync: RealtimeSync, events: FakeEvents, queries: QueryClient) -> None:
    queries.clear_user_data()
    events.emit(NEW, Notification("1", "info", "T", "M", NOW))
    events.emit(CHAT_CREATED, ChatEvent(SESSION))
    assert queries.get_queries_data() == []


def test_invalidate_all(sync: RealtimeSync, queries: QueryClient) -> None:
    queries.set_data(("chats", "s"), SESSION)
    sync.invalidate()
    assert is_stale(queries, "chats", "s")


@pytest.mark.parametrize("name", ["reconnected", "events_dropped"])
def test_missed_events_invalidate(name: str, sync: RealtimeSync, events: FakeEvents, queries: QueryClient) -> None:
    queries.set_data(("users", "1"), ADA)
    events.emit_status(name)
    assert is_stale(queries, "users", "1")


def test_server_restart() -> None:
    state = State()
    state.users.add(ADA)
    with MockServer(state=state, rate_limit=None) as mock:
        port, chat_port = mock.port, mock.chat_port
        api = Client(base_url=mock.base_url, chat_base_url=mock.chat_base_url, api_key=mock.api_key, user_id="me")
        assert api.queries.user("1").fetch().name == "Ada"
        sync = api.query_client.sync(api.realtime)
        api.realtime.connect(reconnect=Reconnect(delay=0.05, attempts=None, max_delay=0.05))
    state.users.replace(GRACE)  # while the server is down
    with MockServer(state=state, rate_limit=None, port=port, chat_port=chat_port), api:
        wait_until(lambda: is_stale(api.query_client, "users", "1"))
        assert api.queries.user("1").fetch().name == "Grace"
        sync.stop()


def test_real_connection() -> None:
    with MockServer(rate_limit=None) as mock:
        where: dict[str, Any] = {
            "base_url": mock.base_url,
            "chat_base_url": mock.chat_base_url,
            "api_key": mock.api_key,
        }
        with Client(**where, user_id="me") as api, Client(**where, user_id="me") as other:
            api.queries.user("1").fetch()
            with api.query_client.sync(api.realtime), api.realtime.connect():
                other.users.update("1", name="Grace")
                wait_until(lambda: api.query_client.get_data(("users", "1")).name == "Grace")
                session = other.chats.create(title="Test")
                wait_until(lambda: api.query_client.get_data(("chats", session.id)) == session)
