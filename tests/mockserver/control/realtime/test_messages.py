"""The journal of messages: what it has, how it is searched and waited for, and its bounds."""

from __future__ import annotations

import json
import threading
import uuid
from typing import Any

import pytest
import requests

from duologue.contract.users import UserCreate
from duologue_mock import MockServer, users
from duologue_mock.control.journal.entry import MAX_BODY
from duologue_mock.control.realtime.message_journal import MAX_PAYLOAD, MessageJournal
from duologue_mock.realtime.messages import Channel, Message
from tests.mockserver.clocks import ManualClock
from tests.mockserver.control.realtime.conftest import Call
from tests.mockserver.listeners import Listener
from tests.mockserver.realtime.clients import CHAT, Connect, issue_token
from tests.waiting import eventually


def create_user(mock: MockServer, name: str) -> None:
    with mock.state as state:
        users.create(state, UserCreate(name=name, email=f"{name}@example.com"))


def summarize(message: dict[str, Any]) -> tuple[str, str, str | None]:
    return message["direction"], message["type"], message.get("event")


def test_both_directions(call: Call, connect: Connect, mock: MockServer) -> None:
    one = connect()
    two = connect({"token": issue_token(mock, "2")})
    create_user(mock, "ada")
    assert one.event()[0] == "user:created"
    one.emit("hello", {"a": 1}, ack=1)
    assert one.ack(1)[0]["code"] == "NOT_FOUND_ERROR"
    two.send("41")
    assert eventually(lambda: call("GET", "/channels")["meta"]["total"] == 1)
    messages = call("POST", "/messages/find")["messages"]
    assert [summarize(message) for message in messages] == [
        ("received", "connect", None), ("sent", "connect", None),
        ("received", "connect", None), ("sent", "connect", None),
        ("sent", "event", "user:created"),
        ("received", "event", "hello"), ("sent", "ack", None),
        ("received", "disconnect", None),
    ]  # fmt: skip
    created, hello = messages[4], messages[5]
    assert created["channels"] == [{"id": one.sid}, {"id": two.sid, "userId": "2", "role": "user"}]
    assert created["payload"]["user"]["name"] == "ada"
    assert created["loggedDateString"] == "2024-06-01T12:00:00.000Z"
    assert (hello["payload"], hello["channels"]) == ({"a": 1}, [{"id": one.sid}])
    assert call("GET", f"/messages/{created['id']}") == created


def test_list(call: Call, connect: Connect) -> None:
    connect()
    for number in range(3):
        call("POST", "/channels/send", {"event": "n", "payload": number, "validate": False})
    listed = call("GET", "/messages?limit=2")
    assert [message["payload"] for message in listed["messages"]] == [2, 1]
    assert listed["meta"] == {"total": 5}
    assert listed["messageJournalDisabled"] is False
    call("DELETE", "/messages")
    assert call("GET", "/messages")["messages"] == []


def test_event_without_receivers(call: Call, mock: MockServer, connect: Connect) -> None:
    """Frames are recorded: where none is sent, there is no message."""
    connect()
    call("DELETE", "/messages")
    mock.notify("2", title="x", message="y")
    call("POST", "/channels/send", {"event": "last", "validate": False})
    assert [message["event"] for message in call("GET", "/messages")["messages"]] == ["last"]


def test_secrets(call: Call, connect: Connect, mock: MockServer) -> None:
    """They are shown nowhere, and patterns find them all the same."""
    token = issue_token(mock, "1")
    client = connect({"token": token, **CHAT})
    client.emit("login", {"password": "hunter22", "text": f"my token is {token}"})
    assert client.event()[0] == "error"
    shown = str(call("GET", "/messages"))
    for secret in (token, CHAT["apiKey"], "hunter22"):
        assert secret not in shown
    assert "[REDACTED]" in shown
    assert CHAT["userId"] in shown
    assert call("POST", "/messages/count", {"payload": {"contains": token}})["count"] == 2


PATTERNS: dict[str, tuple[dict[str, Any], int]] = {
    "all": ({}, 8),
    "direction": ({"direction": "received"}, 3),
    "type": ({"type": "connect"}, 4),
    "event": ({"event": "user:deleted"}, 2),
    "event by matcher": ({"event": {"matches": "user:.*"}}, 2),
    "event and payload": ({"event": "user:deleted", "payload": {"contains": '"2"'}}, 1),
    "no payload": ({"payload": {"absent": True}}, 1),
    "user": ({"userId": "2"}, 6),
    "user and event": ({"userId": "2", "event": "user:deleted"}, 2),
    "role": ({"role": "admin"}, 0),
    "chat user": ({"chatUserId": "anonymous-user", "type": "event"}, 2),
    "nothing": ({"event": "user:created"}, 0),
}


@pytest.mark.parametrize(("pattern", "count"), PATTERNS.values(), ids=PATTERNS)
def test_patterns(call: Call, connect: Connect, mock: MockServer, pattern: dict[str, Any], count: int) -> None:
    connect(CHAT)
    client = connect({"token": issue_token(mock, "2")})
    for id in ("1", "2"):
        call("POST", "/channels/send", {"event": "user:deleted", "payload": {"userId": id}})
    client.emit("unknown")
    assert client.until("error")
    assert call("POST", "/messages/count", pattern)["count"] == count
    assert len(call("POST", "/messages/find", pattern)["messages"]) == count


INVALID: dict[str, tuple[Any, str]] = {
    "unknown key": ({"events": "x"}, "/events"),
    "direction": ({"direction": "up"}, "/direction"),
    "type": ({"type": "x"}, "/type"),
    "event": ({"event": 5}, "/event"),
    "payload": ({"payload": "text"}, "/payload"),
    "matcher": ({"payload": {"equals": "x"}}, "/payload/equals"),
    "user": ({"userId": 5}, "/userId"),
}


@pytest.mark.parametrize("path", ["find", "count", "wait"])
@pytest.mark.parametrize(("pattern", "pointer"), INVALID.values(), ids=INVALID)
def test_invalid_pattern(call: Call, path: str, pattern: Any, pointer: str) -> None:
    (error,) = call("POST", f"/messages/{path}", pattern, status=422)["errors"]
    assert error["source"] == {"pointer": pointer}


@pytest.mark.parametrize(
    "body", [{"count": 0}, {"count": "many"}, {"timeoutMilliseconds": -1}, {"timeoutMilliseconds": 10**9}], ids=str
)
def test_invalid_wait(call: Call, body: Any) -> None:
    (error,) = call("POST", "/messages/wait", body, status=422)["errors"]
    assert error["source"]["pointer"] == f"/{next(iter(body))}"


@pytest.mark.parametrize(("id", "status"), [("x", 400), (str(uuid.uuid4()), 404)], ids=["malformed", "unknown"])
def test_unknown_message(call: Call, id: str, status: int) -> None:
    call("GET", f"/messages/{id}", status=status)


def test_waiting_for_what_has_come(call: Call, connect: Connect) -> None:
    connect()
    call("POST", "/channels/send", {"event": "user:deleted", "payload": {"userId": "1"}})
    waited = call("POST", "/messages/wait", {"event": "user:deleted"})
    assert (waited["count"], waited["messages"][0]["payload"]) == (1, {"userId": "1"})


def test_waiting_for_what_comes(call: Call, connect: Connect, mock: MockServer) -> None:
    connect()
    results: list[Any] = []
    pattern = {"event": "user:created", "count": 2, "timeoutMilliseconds": 60_000}
    thread = threading.Thread(target=lambda: results.append(call("POST", "/messages/wait", pattern)))
    thread.start()
    control = mock._context.namespaces.default.interceptor
    assert eventually(lambda: len(control.realtime.waiters) == 1)  # type: ignore[union-attr]
    for name in ("ada", "grace"):
        create_user(mock, name)
    thread.join()
    assert [message["payload"]["user"]["name"] for message in results[0]["messages"]] == ["ada", "grace"]


def test_waiting_in_vain(call: Call, connect: Connect) -> None:
    connect()
    call("POST", "/channels/send", {"event": "user:deleted", "payload": {"userId": "1"}})
    timed_out = call(
        "POST", "/messages/wait", {"event": "user:deleted", "count": 2, "timeoutMilliseconds": 1}, status=408
    )
    assert timed_out["count"] == 1


def test_waiting_ends_with_the_mock() -> None:
    with MockServer() as mock:
        statuses: list[int] = []

        def wait() -> None:
            body = {"timeoutMilliseconds": 600_000}
            statuses.append(requests.post(f"{mock.origin}/__admin/messages/wait", json=body, timeout=60).status_code)

        thread = threading.Thread(target=wait)
        thread.start()
        control = mock._context.namespaces.default.interceptor
        assert eventually(lambda: len(control.realtime.waiters) == 1)  # type: ignore[union-attr]
    thread.join()
    assert statuses == [503]


def test_journal_that_is_off() -> None:
    with MockServer(journal=None) as mock:
        listed = requests.get(f"{mock.origin}/__admin/messages", timeout=30).json()
        assert (listed["messages"], listed["messageJournalDisabled"]) == ([], True)
        assert requests.post(f"{mock.origin}/__admin/messages/wait", json={}, timeout=30).status_code == 409


def create_journal(**bounds: Any) -> MessageJournal:
    numbers = iter(range(1, 10**9))
    return MessageJournal(ManualClock(), numbers.__next__, **bounds)


def test_bound_of_number() -> None:
    journal = create_journal(max_entries=10)
    for number in range(25):
        journal.record(Message("sent", "event", payload=number))
    assert [entry.message.payload for entry in journal] == list(range(15, 25))
    assert journal.dropped == 15


@pytest.mark.parametrize("receivers", [0, 500])
def test_bound_of_size(receivers: int) -> None:
    """Payloads and receivers count."""
    journal = create_journal(max_entries=10**6, max_size=200_000)
    channels = tuple(Channel(str(number)) for number in range(receivers))
    for _ in range(1000):
        journal.record(Message("sent", "event", channels, payload="x" * 1000, size=1000))
    assert journal.size <= 200_000
    assert 10 < len(journal) < 50
    assert journal.size == sum(entry.size for entry in journal)
    journal.clear()
    assert (len(journal), journal.size, journal.dropped) == (0, 0, 0)


def test_large_payload() -> None:
    journal = create_journal()
    entry = journal.record(Message("sent", "event", event="x", payload="x" * MAX_PAYLOAD, size=MAX_PAYLOAD + 1))
    assert entry is not None
    assert (entry.message.payload, entry.is_cut) == (None, True)
    assert entry.size < 1000


def test_bounds_are_those_of_requests() -> None:
    assert MAX_PAYLOAD == MAX_BODY


def test_reset(call: Call, connect: Connect) -> None:
    """Messages and mappings go; who is connected without a login, stays."""
    client = connect()
    call("POST", "/message-mappings", {"event": "user:deleted", "action": "drop"}, status=201)
    call("POST", "/reset")
    assert call("GET", "/messages")["messages"] == []
    call("POST", "/channels/send", {"event": "user:deleted", "payload": {"userId": "1"}})
    assert client.event() == ("user:deleted", {"userId": "1"})


def test_reset_ends_logins(call: Call, connect: Connect, mock: MockServer) -> None:
    client = connect({"token": issue_token(mock, "1")})
    call("POST", "/reset")
    assert client.wait_for_disconnect()


def test_live_stream(call: Call, mock: MockServer) -> None:
    """Messages and channels are events of it, and are replayed."""
    with requests.get(
        f"{mock.origin}/__admin/events", headers={"Last-Event-ID": "0"}, stream=True, timeout=30
    ) as stream:
        client = Listener(mock.port, {"token": issue_token(mock, "1")})
        events = read_stream(stream, 3)
        client.close()
    assert {kind for kind, _ in events} == {"message", "channel"}
    assert "eyJ" not in str(events)
    with requests.get(
        f"{mock.origin}/__admin/events", headers={"Last-Event-ID": "0"}, stream=True, timeout=30
    ) as stream:
        assert read_stream(stream, 3) == events


def read_stream(stream: requests.Response, count: int) -> list[tuple[str, Any]]:
    """Return the first events of a stream."""
    events: list[tuple[str, Any]] = []
    kind = ""
    for line in stream.iter_lines(chunk_size=1, decode_unicode=True):
        name, _, value = line.partition(": ")
        if name == "event":
            kind = value
        elif name == "data":
            events.append((kind, json.loads(value)))
            if len(events) == count:
                break
    return events
