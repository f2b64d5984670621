"""Channels: who is connected, disconnecting them, and sending them events."""

from __future__ import annotations

import json
from typing import Any

import pytest

from duologue_mock import MockServer
from duologue_mock.realtime.packets import MAX_PACKETS_PER_SECOND
from tests.mockserver.clocks import ManualClock
from tests.mockserver.control.realtime.conftest import Call
from tests.mockserver.listeners import Listener
from tests.mockserver.realtime.clients import CHAT, Connect, issue_token
from tests.mockserver.realtime.raw_clients import Polling, frames
from tests.waiting import eventually

DELETED = {"event": "user:deleted", "payload": {"userId": "1"}}


@pytest.fixture
def clients(mock: MockServer, connect: Connect) -> dict[str, Listener]:
    """One client of each kind."""
    return {
        "anonymous": connect(),
        "john": connect({"token": issue_token(mock, "1")}),
        "jane": connect({"token": issue_token(mock, "2")}),
        "visitor": connect(CHAT),
        "both": connect({"token": issue_token(mock, "2"), **CHAT}),
    }


def test_list(call: Call, clients: dict[str, Listener], mock: MockServer) -> None:
    listed = call("GET", "/channels")
    assert listed["meta"] == {"total": 5}
    since = "2024-06-01T12:00:00.000Z"
    common = {"transport": "websocket", "since": since}
    user = {"userId": "anonymous-user"}
    assert listed["channels"] == [
        {"id": clients["anonymous"].sid, "rooms": [], **common},
        {"id": clients["john"].sid, "userId": "1", "role": "admin", "rooms": ["platform:1", "admins"], **common},
        {"id": clients["jane"].sid, "userId": "2", "role": "user", "rooms": ["platform:2"], **common},
        {"id": clients["visitor"].sid, "chatUserId": user["userId"], "rooms": ["chat:anonymous-user"], **common},
        {
            "id": clients["both"].sid, "userId": "2", "role": "user", "chatUserId": user["userId"],
            "rooms": ["platform:2", "chat:anonymous-user"], **common,
        },
    ]  # fmt: skip


def test_list_without_clients(call: Call) -> None:
    assert call("GET", "/channels") == {"channels": [], "meta": {"total": 0}}


def test_transport_of_polling(call: Call, mock: MockServer) -> None:
    polling = Polling(mock.port)
    assert [channel["transport"] for channel in call("GET", "/channels")["channels"]] == ["polling"]
    with frames(mock.port, sid=polling.sid) as websocket:
        websocket.send(0x1, b"2probe")
        assert websocket.read_text() == "3probe"
        websocket.send(0x1, b"5")
        assert eventually(lambda: call("GET", "/channels")["channels"][0]["transport"] == "websocket")


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("all", ["anonymous", "john", "jane", "visitor", "both"]),
        (None, ["anonymous", "john", "jane", "visitor", "both"]),
        ({"userId": "2"}, ["jane", "both"]),
        ({"userId": "3"}, []),
        ({"role": "admin"}, ["john"]),
        ({"role": "user"}, ["jane", "both"]),
        ({"chatUserId": "anonymous-user"}, ["visitor", "both"]),
        ({"channelId": "john"}, ["john"]),
        ({"channelId": "unknown"}, []),
    ],
    ids=str,
)
def test_receivers(call: Call, clients: dict[str, Listener], to: Any, expected: list[str]) -> None:
    if isinstance(to, dict) and to.get("channelId") in clients:
        to = {"channelId": clients[to["channelId"]].sid}
    sent = call("POST", "/channels/send", {**DELETED, **({} if to is None else {"to": to})})
    assert [channel["id"] for channel in sent["channels"]] == [clients[name].sid for name in expected]
    assert sent["channelsMessaged"] == len(expected)
    call("POST", "/channels/send", {"event": "last", "validate": False})
    for name, client in clients.items():
        assert len(client.until_packet('42["last"]')) == (name in expected)


def test_sending_to_another_namespace(call: Call, connect: Connect) -> None:
    here, there = connect(), connect({"namespace": "w1"})
    assert call("POST", "/channels/send", DELETED, namespace="w1")["channelsMessaged"] == 1
    assert there.event() == ("user:deleted", {"userId": "1"})
    assert call("POST", "/channels/send", {"event": "last", "payload": 1, "validate": False})["channelsMessaged"] == 1
    assert here.event() == ("last", 1)


def test_shortest_notification(call: Call, connect: Connect) -> None:
    """What the contract requires besides the title is filled in; what is given, stays."""
    client = connect()
    for payload in ({"title": "Hello"}, {"title": "Hello", "id": "n-1", "read": True}):
        call("POST", "/channels/send", {"event": "notification:new", "payload": payload})
        name, received = client.event()
        filled = {"type": "message", "message": "", "createdAt": "2024-06-01T12:00:00.000Z", "read": False}
        assert name == "notification:new"
        assert received == {"id": received["id"], **filled, **payload}


INVALID: dict[str, tuple[Any, str]] = {
    "no event": ({"payload": {}}, "/event"),
    "event of another type": ({"event": 5}, "/event"),
    "unknown event": ({"event": "user:deletd", "payload": {"userId": "1"}}, "/event"),
    "no payload": ({"event": "user:deleted"}, "/payload/userId"),
    "payload of another type": ({"event": "user:deleted", "payload": []}, "/payload"),
    "field of another type": ({"event": "user:deleted", "payload": {"userId": 1}}, "/payload/userId"),
    "unknown field": ({"event": "user:deleted", "payload": {"userId": "1", "x": 1}}, "/payload/x"),
    "nested field": (
        {
            "event": "user:created",
            "payload": {"userId": "1", "user": {"id": "1", "name": "A", "email": 5, "role": "x"}},
        },
        "/payload/user/email",
    ),
    "unknown key": ({**DELETED, "too": "all"}, "/too"),
    "unknown receivers": ({**DELETED, "to": "everyone"}, "/to"),
    "no receivers": ({**DELETED, "to": {}}, "/to"),
    "two receivers": ({**DELETED, "to": {"userId": "1", "role": "admin"}}, "/to"),
    "receiver of another type": ({**DELETED, "to": {"userId": 1}}, "/to/userId"),
    "receiver by a wrong key": ({**DELETED, "to": {"user": "1"}}, "/to/user"),
    "validate of another type": ({**DELETED, "validate": "maybe"}, "/validate"),
}


@pytest.mark.parametrize(("body", "pointer"), INVALID.values(), ids=INVALID)
def test_invalid_sending(call: Call, connect: Connect, body: Any, pointer: str) -> None:
    client = connect()
    (error,) = call("POST", "/channels/send", body, status=422)["errors"]
    assert error["source"] == {"pointer": pointer}
    call("POST", "/channels/send", {"event": "last", "payload": 1, "validate": False})
    assert client.event() == ("last", 1), "nothing was sent"


def test_large_event(call: Call, connect: Connect) -> None:
    """As large as a request; its payload is not in the journal."""
    client = connect()
    call("POST", "/channels/send", {"event": "x", "payload": "x" * 1024 * 1024, "validate": False}, status=413)
    call("POST", "/channels/send", {"event": "x", "payload": "x" * 1024 * 1000, "validate": False})
    assert client.event() == ("x", "x" * 1024 * 1000)
    (message,) = call("POST", "/messages/find", {"type": "event"})["messages"]
    assert message["payloadOmitted"] is True


@pytest.mark.parametrize("payload", [None, 1, "text", [1, 2], {"a": {"b": []}}], ids=str)
def test_sending_anything(call: Call, connect: Connect, payload: Any) -> None:
    client = connect()
    call("POST", "/channels/send", {"event": "custom", "payload": payload, "validate": False})
    assert client.packet() == ('42["custom"]' if payload is None else f'42["custom",{dump(payload)}]')


def dump(payload: Any) -> str:
    return json.dumps(payload, separators=(",", ":"))


def test_disconnecting(call: Call, clients: dict[str, Listener]) -> None:
    call("DELETE", f"/channels/{clients['jane'].sid}")
    assert clients.pop("jane").packet() == "41"
    assert [one["id"] for one in call("GET", "/channels")["channels"]] == [one.sid for one in clients.values()]
    call("DELETE", "/channels")
    assert {client.packet() for client in clients.values()} == {"41"}
    assert call("GET", "/channels")["meta"]["total"] == 0


def test_breaking_a_connection(call: Call, mock: MockServer) -> None:
    """Without a packet or a frame: the client sees a reset, as of a network that breaks."""
    with frames(mock.port) as client:
        (channel,) = call("GET", "/channels")["channels"]
        call("DELETE", f"/channels/{channel['id']}?break=true")
        with pytest.raises(ConnectionResetError):
            client.peer.socket.recv(1)
    assert call("GET", "/channels")["meta"]["total"] == 0


def test_breaking_a_waiting_poll(call: Call, mock: MockServer) -> None:
    polling = Polling(mock.port)
    with polling.wait_for_packets() as waiting:
        assert eventually(lambda: is_polling(mock))
        call("DELETE", "/channels?break=true")
        with pytest.raises(ConnectionResetError):
            waiting.socket.recv(1)


def is_polling(mock: MockServer) -> bool:
    return any(session.is_polling for session in mock._context.sockets.router.engine.sessions)


def test_clients_stay_whatever_the_clock_shows(call: Call, connect: Connect, mock: MockServer) -> None:
    """Pings are by the machine's clock."""
    websocket, polling = connect(), Polling(mock.port)
    call("POST", "/clock/advance", {"milliseconds": 30 * 24 * 3600 * 1000})
    call("POST", "/channels/send", {"event": "last", "payload": 1, "validate": False})
    assert websocket.event() == ("last", 1)
    assert polling.read().body == b'42["last",1]'


def test_rate_of_packets_is_by_the_machine_clock(call: Call, connect: Connect, clock: ManualClock) -> None:
    """Or a clock that stands still would disconnect everyone who sends."""
    client = connect()
    call("PUT", "/clock", {"frozen": True})
    for second in range(2):
        for _ in range(MAX_PACKETS_PER_SECOND - 5):
            client.emit("event", ack=second)
        for _ in range(MAX_PACKETS_PER_SECOND - 5):
            client.ack(second)
        clock.advance(1)


@pytest.mark.parametrize("id", ["unknown", "x" * 500, "%2F"])
def test_unknown_channel(call: Call, connect: Connect, id: str) -> None:
    connect()
    call("DELETE", f"/channels/{id}", status=404)
    assert call("GET", "/channels")["meta"]["total"] == 1


def test_channel_of_another_namespace(call: Call, connect: Connect) -> None:
    client = connect({"namespace": "w1"})
    call("DELETE", f"/channels/{client.sid}", status=404)
    call("DELETE", "/channels")
    assert call("GET", "/channels", namespace="w1")["meta"]["total"] == 1
