"""Which clients an event is sent to, and when a client is disconnected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from duologue.contract import Event, events
from duologue.contract.chats import ChatTitle, Favorite
from duologue.contract.messages import MessageCreate
from duologue.contract.users import User, UserCreate, UserUpdate
from duologue_mock import MockServer, auth, chats, messages, notifications, users
from duologue_mock.handler_registry import Principal
from duologue_mock.store import State
from duologue_mock.store.seed import Fixtures
from tests.mockserver.listeners import Listener, Refused
from tests.mockserver.raw import ask
from tests.mockserver.realtime.clients import (
    ANONYMOUS,
    CHAT,
    CLIENTS,
    SESSION_ID,
    TOKEN_SERVICE,
    VISITOR,
    Connect,
    count_connections,
    issue_token,
    publish_marker,
    read_events,
)
from tests.waiting import eventually

pytestmark = pytest.mark.slow

MESSAGE = MessageCreate("Hi", "user")


def send_to_all(event: str) -> dict[str, list[str]]:
    return {name: [event] for name in CLIENTS}


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (
            lambda state: users.create(state, UserCreate(name="Ada", email="ada@example.com")),
            {
                **send_to_all("user:created"),
                "john (admin)": ["user:created", "notification:new/user_created"],
            },
        ),
        (
            lambda state: users.update(state, ANONYMOUS, "2", UserUpdate(name="Jane Roe")),
            send_to_all("user:updated"),
        ),
        (
            lambda state: users.update(state, ANONYMOUS, "2", UserUpdate(role="admin")),
            {
                **send_to_all("user:updated"),
                "john (admin)": ["user:updated", "notification:new/role_changed"],
                "jane": ["user:updated", "notification:new/role_changed"],
            },
        ),
        (
            lambda state: users.update(state, ANONYMOUS, "1", UserUpdate(role="user")),
            {
                **send_to_all("user:updated"),
                "john (admin)": ["user:updated", "notification:new/role_changed"],
            },
        ),
        (lambda state: chats.create(state, VISITOR, ChatTitle("Plans")), {"visitor": ["chat:created"]}),
        (lambda state: chats.rename(state, VISITOR, SESSION_ID, ChatTitle("Plans")), {"visitor": ["chat:updated"]}),
        (lambda state: chats.favorite(state, VISITOR, SESSION_ID, Favorite(True)), {"visitor": ["chat:updated"]}),
        (lambda state: chats.delete(state, VISITOR, SESSION_ID), {"visitor": ["chat:deleted"]}),
        (
            lambda state: messages.send(state, VISITOR, SESSION_ID, MESSAGE),
            {"visitor": ["message:created", "chat:updated"]},
        ),
        (
            lambda state: notifications.notify(state, "1", kind="news", title="News", message="For John."),
            {"john (admin)": ["notification:new/news"]},
        ),
        (
            lambda state: notifications.notify(state, "2", kind="news", title="News", message="For Jane."),
            {"john (admin)": ["notification:new/news"], "jane": ["notification:new/news"]},
        ),
        (
            lambda state: notifications.notify(state, "chat:stranger", kind="news", title="News", message="For one."),
            {"stranger": ["notification:new/news"]},
        ),
    ],
    ids=[
        "user created", "user updated", "promoted", "demoted", "chat created", "chat renamed", "chat marked",
        "chat deleted", "message", "notification to an admin", "notification to a user", "notification in a chat",
    ],
)  # fmt: skip
def test_rooms_of_events(
    mock: MockServer, clients: dict[str, Listener], act: Callable[[State], object], expected: dict[str, list[str]]
) -> None:
    with mock.state as state:
        act(state)
    assert {name: read_events(one, mock) for name, one in clients.items()} == {
        name: expected.get(name, []) for name in CLIENTS
    }


def test_rooms_of_smart_chat(mock: MockServer, clients: dict[str, Listener]) -> None:
    body = b'{"message": "Hello"}'
    chat = ("x-api-key: dev-api-key", "Unique-Reference-Code: r-1", "x-user-id: anonymous-user")
    line = f"POST /chats-service/api/v1/chats/{SESSION_ID}/smart-chat HTTP/1.1"
    framed = ("Content-Type: application/json", f"Content-Length: {len(body)}", "Accept: text/event-stream")
    assert ask(mock.port, line, *chat, *framed, body=body).status == 200
    received = {name: read_events(one, mock) for name, one in clients.items()}
    assert set(received.pop("visitor")) == {
        "message:created", "chat:updated", "chat:typing", "message:delta", "notification:new/smart_chat_reply",
    }  # fmt: skip
    assert all(names == [] for names in received.values())


def test_token_and_api_key(connect: Connect, mock: MockServer) -> None:
    both = connect({"token": issue_token(mock, "1"), **CHAT})
    with mock.state as state:
        notifications.notify(state, "2", kind="news", title="News", message="For the admins.")
        chats.create(state, VISITOR, ChatTitle("Plans"))
    assert read_events(both, mock) == ["notification:new/news", "chat:created"]


def test_two_clients_of_one_user(connect: Connect, mock: MockServer) -> None:
    two = [connect(CHAT), connect(CHAT)]
    with mock.state as state:
        chats.create(state, VISITOR, ChatTitle("Plans"))
    assert [read_events(one, mock) for one in two] == [["chat:created"], ["chat:created"]]


def test_role_change_moves_clients(mock: MockServer, clients: dict[str, Listener]) -> None:
    with mock.state as state:
        users.update(state, ANONYMOUS, "2", UserUpdate(role="admin"))
        users.update(state, ANONYMOUS, "1", UserUpdate(role="user"))
    for one in clients.values():
        read_events(one, mock)  # up to here
    with mock.state as state:
        notifications.notify(state, "99", kind="news", title="News", message="For the admins.")
    assert read_events(clients["jane"], mock) == ["notification:new/news"]
    assert read_events(clients["john (admin)"], mock) == []


@pytest.mark.parametrize("event", events(), ids=lambda event: event.id)
def test_payload_schema(connect: Connect, mock: MockServer, event: Event[Any]) -> None:
    """Every event of the contract, as it happens: its payload loads with its own schema."""
    both = connect({"token": issue_token(mock, "1"), **CHAT})
    with mock.state as state:
        users.create(state, UserCreate(name="Ada", email="ada@example.com"))
        users.update(state, ANONYMOUS, "3", UserUpdate(name="Ada B"))
        users.delete(state, "3")
        chats.create(state, VISITOR, ChatTitle("Plans"))
    body = b'{"message": "Hello"}'
    chat = ("x-api-key: dev-api-key", "Unique-Reference-Code: r-1", "x-user-id: anonymous-user")
    line = f"POST /chats-service/api/v1/chats/{SESSION_ID}/smart-chat HTTP/1.1"
    framed = ("Content-Type: application/json", f"Content-Length: {len(body)}", "Accept: text/event-stream")
    ask(mock.port, line, *chat, *framed, body=body)
    with mock.state as state:
        chats.delete(state, VISITOR, SESSION_ID)
    marker = publish_marker(mock)
    received = iter(both.event, marker)
    payloads = [payload for name, payload in received if name == event.name]
    assert payloads
    for payload in payloads:
        assert event.payload.dump(event.payload.load(payload)) == payload


def test_events_after_changes_in_order(connect: Connect, mock: MockServer) -> None:
    one, other = connect(), connect()
    with mock.state as state:
        ids = [users.create(state, UserCreate(name="N", email=f"n{n}@example.com")).id for n in range(100)]
    for listener in (one, other):
        assert [listener.event()[1]["userId"] for _ in ids] == ids
    assert ask(mock.port, f"GET /api/users/{ids[-1]} HTTP/1.1").status == 200


def log_out(state: State, identity: Any) -> None:
    auth.logout(state, Principal(key="test", user=identity.user, login_id=identity.login_id))


@pytest.mark.parametrize(
    "end",
    [
        log_out,
        lambda state, identity: users.delete(state, identity.user.id),
        lambda state, identity: state.logins.revoke_all(identity.user.id),
    ],
    ids=["logout", "deleted", "all logins ended"],
)
def test_ended_login_disconnects(connect: Connect, mock: MockServer, end: Callable[[State, Any], None]) -> None:
    jane, john = issue_token(mock, "2"), issue_token(mock, "1")
    two = [connect({"token": jane}), connect({"token": jane, **CHAT})]
    others = [connect({"token": john}), connect(), connect(CHAT)]
    with mock.state as state:
        end(state, TOKEN_SERVICE.verify(state, jane))
    assert all(one.wait_for_disconnect() for one in two)
    for one in others:
        read_events(one, mock)
    assert eventually(lambda: count_connections(mock) == 3)
    with pytest.raises(Refused):
        connect({"token": jane})


def test_reused_refresh_token_disconnects(connect: Connect, mock: MockServer) -> None:
    with mock.state as state:
        jane = state.users.get("2")
        assert jane is not None
        tokens = TOKEN_SERVICE.issue(state, jane)
    one = connect({"token": tokens.token})
    with mock.state as state:
        TOKEN_SERVICE.refresh(state, tokens.refresh_token)
    assert read_events(one, mock) == [], "a refresh does not disconnect"
    with mock.state as state, pytest.raises(Exception, match="refresh token"):
        TOKEN_SERVICE.refresh(state, tokens.refresh_token)
    assert one.wait_for_disconnect()


def test_reserved_event_names(connect: Connect, mock: MockServer) -> None:
    """An event with a name that the library uses itself is an unknown event, and does not disconnect."""
    jane = issue_token(mock, "2")
    one = connect({"token": jane})
    for name in ("disconnect", "connect", "__disconnect_final", "connect_error"):
        one.emit(name, {"token": "nonsense"})
        assert one.event()[1]["code"] == "NOT_FOUND_ERROR"
    assert count_connections(mock) == 1
    with mock.state as state:
        log_out(state, TOKEN_SERVICE.verify(state, jane))
    assert one.wait_for_disconnect()


def test_disconnected_clients_are_removed(connect: Connect, mock: MockServer) -> None:
    politely, rudely, at_once = connect(), connect(), connect()
    assert count_connections(mock) == 3
    politely.send("41")
    rudely.close()
    at_once._socket.sock.close()
    assert eventually(lambda: count_connections(mock) == 0)
    with mock.state as state:
        users.create(state, UserCreate(name="Ada", email="ada@example.com"))


def test_state_outlives_servers() -> None:
    """Events that are published after a server has stopped are sent to no client, and cause no error."""
    state = State()
    for number in range(2):
        with MockServer(state=state) as mock:
            client = Listener(mock.port, CHAT)
        client.close()
        users.create(state, UserCreate(name="N", email=f"n{number}@example.com"))
        state.logins.end("unknown")
    with MockServer(state=state) as mock:
        client = Listener(mock.port, CHAT)
        with state:
            chats.create(state, VISITOR, ChatTitle("Plans"))
        assert read_events(client, mock) == ["chat:created"]
        client.close()


def test_two_servers_on_one_state() -> None:
    state = State()
    Fixtures().seed(state)
    with MockServer(state=state) as first, MockServer(state=state) as second:
        listeners = [Listener(first.port), Listener(second.port)]
        with state:
            users.create(state, UserCreate(name="Ada", email="ada@example.com"))
        assert [one.event()[0] for one in listeners] == ["user:created"] * 2
        for one in listeners:
            one.close()


def test_two_servers_with_two_states(connect: Connect, mock: MockServer) -> None:
    one = connect()
    with MockServer() as other, other.state as state:
        users.create(state, UserCreate(name="Ada", email="ada@example.com"))
    assert read_events(one, mock) == []
    assert User("3", "Ada", "ada@example.com", "user") not in list(mock.state.users)
