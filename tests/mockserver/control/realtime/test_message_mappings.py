"""Message mappings: what happens to events and handshakes."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue.contract import users as contract_users
from duologue.contract.users import UserDeleted
from duologue_mock import MockServer
from duologue_mock.control.errors import ControlError
from duologue_mock.control.realtime.message_mappings import MAX_MAPPINGS, MessageMappings, read_message_mapping
from duologue_mock.realtime import connection
from duologue_mock.realtime.messages import Intervention
from tests.mockserver.clocks import ManualClock
from tests.mockserver.control.realtime.conftest import Call
from tests.mockserver.listeners import Listener, Refused
from tests.mockserver.raw import ConnectionClosedError
from tests.mockserver.realtime.clients import Connect
from tests.mockserver.realtime.raw_clients import TEXT, Polling, frames
from tests.waiting import eventually

DELETED = "user:deleted"


def send(call: Call, *ids: str, event: str = DELETED) -> None:
    for id in ids:
        call("POST", "/channels/send", {"event": event, "payload": {"userId": id}, "validate": False})


def read_ids(client: Listener, call: Call) -> list[str]:
    """Return the ids of what a client has received so far."""
    send(call, "last", event="last")
    return [payload["userId"] for _, payload in client.until("last")]


def test_drop(call: Call, connect: Connect) -> None:
    one, two = connect(), connect()
    call("POST", "/message-mappings", {"event": DELETED, "action": "drop", "times": 2}, status=201)
    send(call, "1", "2", "3")
    assert [read_ids(client, call) for client in (one, two)] == [["3"], ["3"]]


def test_times_count_events(call: Call, connect: Connect) -> None:
    """One event for many clients is one; one that no client receives is none."""
    call("POST", "/message-mappings", {"event": DELETED, "action": "drop", "times": 1}, status=201)
    send(call, "0")
    clients = [connect() for _ in range(3)]
    send(call, "1", "2")
    assert read_ids(clients[-1], call) == ["2"]
    assert [message["payload"]["userId"] for message in find(call, action="drop")] == ["1"]


def find(call: Call, *, action: str) -> list[dict[str, Any]]:
    return [one for one in call("POST", "/messages/find", {"type": "event"})["messages"] if one.get("action") == action]


def test_duplicate(call: Call, connect: Connect) -> None:
    client = connect()
    call("POST", "/message-mappings", {"event": DELETED, "action": "duplicate", "times": 1}, status=201)
    send(call, "1", "2")
    assert read_ids(client, call) == ["1", "1", "2"]


def test_delay_keeps_the_order(call: Call, connect: Connect) -> None:
    """What comes after a delayed event waits for it, for this client and no other."""
    client = connect()
    mapping = {"event": DELETED, "action": "delay", "delayMilliseconds": 300, "times": 1}
    call("POST", "/message-mappings", mapping, status=201)
    send(call, "1")
    other = connect()
    send(call, "2", "3")
    assert other.event() == (DELETED, {"userId": "2"})
    assert read_ids(client, call) == ["1", "2", "3"]


def test_delay_takes_real_time(call: Call, connect: Connect) -> None:
    """Moving the namespace's clock does not end a delay, and stopping it does not prolong one."""
    client = connect()
    call("PUT", "/clock", {"frozen": True})
    delay = {"event": DELETED, "action": "delay", "times": 1}
    call("POST", "/message-mappings", {**delay, "delayMilliseconds": 1}, status=201)
    send(call, "1")
    assert client.event() == (DELETED, {"userId": "1"})
    call("POST", "/message-mappings", {**delay, "delayMilliseconds": 600_000}, status=201)
    send(call, "2")
    call("POST", "/clock/advance", {"milliseconds": 3_600_000})
    call("DELETE", f"/channels/{client.sid}")
    assert client.packet() == "41", "the delayed event is dropped"


def test_bound_of_delayed_events(
    call: Call, connect: Connect, mock: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client for which too much waits is disconnected: small events count too."""
    monkeypatch.setattr(connection, "MAX_QUEUE_SIZE", 2_000)
    connect()
    mapping = {"event": "user:deleted", "action": "delay", "delayMilliseconds": 600_000}
    call("POST", "/message-mappings", mapping, status=201)
    publish = UserDeleted("1")
    for _ in range(40):
        with mock.state as state:
            state.publish(contract_users.DELETED, publish)
    assert eventually(lambda: call("GET", "/channels")["meta"]["total"] == 0)


def test_disconnection_does_not_wait(call: Call, connect: Connect) -> None:
    client = connect()
    mapping = {"event": DELETED, "action": "delay", "delayMilliseconds": 600_000}
    call("POST", "/message-mappings", mapping, status=201)
    send(call, "1", "2")
    call("DELETE", f"/channels/{client.sid}")
    assert client.packet() == "41"


def test_disconnect(call: Call, connect: Connect) -> None:
    """In place of the event, and for those only that it is for."""
    one, two = connect(), connect({"apiKey": "dev-api-key", "userId": "ada"})
    call("POST", "/message-mappings", {"event": DELETED, "action": "disconnect"}, status=201)
    body = {"event": DELETED, "payload": {"userId": "1"}, "to": {"chatUserId": "ada"}}
    call("POST", "/channels/send", body)
    assert two.packet() == "41"
    assert read_ids(one, call) == []


def test_refuse(call: Call, connect: Connect, mock: MockServer) -> None:
    here = connect()
    call("POST", "/message-mappings", {"event": "connect", "action": "refuse", "times": 2}, status=201)
    with pytest.raises(Refused) as caught:
        connect()
    assert caught.value.body["message"] == "Connection refused"
    assert caught.value.body["data"]["code"] == "SERVER_ERROR"
    polling = Polling(mock.port, join=False)
    polling.post(b"40")
    assert polling.read().body.startswith(b"44{")
    polling.post(b"40")
    assert polling.read().body.startswith(b"40{"), "the same session may try again"
    send(call, "1")
    assert here.event() == (DELETED, {"userId": "1"}), "who is connected, stays"


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_handshake_without_a_response(call: Call, mock: MockServer, transport: str) -> None:
    """The connection breaks, as of a server that is gone: clients go on trying, where a refusal would stop them."""
    call("POST", "/message-mappings", {"event": "connect", "action": "disconnect", "times": 1}, status=201)
    if transport == "polling":
        polling = Polling(mock.port, join=False)
        with pytest.raises(ConnectionClosedError):
            polling.post(b"40")
    else:
        with frames(mock.port, join=False) as client:
            client.send(TEXT, b"40")
            with pytest.raises(ConnectionResetError):
                client.peer.socket.recv(1)
    Polling(mock.port)


def test_expiry(call: Call, connect: Connect, clock: ManualClock) -> None:
    client = connect()
    mapping = {"event": DELETED, "action": "drop", "expiresAfterMilliseconds": 10_000}
    id = call("POST", "/message-mappings", mapping, status=201)["id"]
    send(call, "1")
    call("POST", "/clock/advance", {"milliseconds": 9_999})
    send(call, "2")
    clock.advance(0.001)
    send(call, "3")
    assert read_ids(client, call) == ["3"]
    call("GET", f"/message-mappings/{id}", status=404)
    assert call("GET", "/message-mappings")["meta"]["total"] == 0


def test_published_events(call: Call, connect: Connect, mock: MockServer) -> None:
    """Not only those sent by hand."""
    client = connect({"apiKey": "dev-api-key", "userId": "ada"})
    call("POST", "/message-mappings", {"event": "notification:new", "action": "drop", "times": 1}, status=201)
    for title in ("first", "second"):
        mock.notify("chat:ada", title=title, message="")
    assert client.event()[1]["title"] == "second"


def test_newest_first(call: Call, connect: Connect) -> None:
    client = connect()
    call("POST", "/message-mappings", {"event": DELETED, "action": "drop"}, status=201)
    call("POST", "/message-mappings", {"event": DELETED, "action": "duplicate", "times": 1}, status=201)
    send(call, "1", "2")
    assert read_ids(client, call) == ["1", "1"]


def test_other_namespaces(call: Call, connect: Connect) -> None:
    call("POST", "/message-mappings", {"event": DELETED, "action": "drop"}, status=201, namespace="w1")
    client = connect()
    send(call, "1")
    assert read_ids(client, call) == ["1"]
    assert call("GET", "/message-mappings")["meta"]["total"] == 0


def test_life_of_a_mapping(call: Call, connect: Connect) -> None:
    client = connect()
    id = str(uuid.uuid4())
    body = {"id": id, "name": "lossy", "event": DELETED, "action": "drop", "probability": 1.0}
    assert call("POST", "/message-mappings", body, status=201) == body
    assert call("POST", "/message-mappings", body, status=422)["errors"][0]["code"] == 109
    assert call("GET", f"/message-mappings/{id}") == body
    second = call("POST", "/message-mappings", {"event": DELETED, "action": "drop"}, status=201)
    listed = {"messageMappings": [second, body], "meta": {"total": 2}}
    assert call("GET", "/message-mappings") == listed
    call("DELETE", f"/message-mappings/{id}")
    call("DELETE", f"/message-mappings/{id}", status=404)
    call("GET", f"/message-mappings/{id}", status=404)
    call("GET", "/message-mappings/x", status=400)
    call("DELETE", "/message-mappings")
    send(call, "1")
    assert read_ids(client, call) == ["1"]


INVALID: dict[str, tuple[Any, str]] = {
    "no event": ({"action": "drop"}, "/event"),
    "no action": ({"event": DELETED}, "/action"),
    "unknown event": ({"event": "user:deletd", "action": "drop"}, "/event"),
    "event of another type": ({"event": ["x"], "action": "drop"}, "/event"),
    "unknown action": ({"event": DELETED, "action": "lose"}, "/action"),
    "action of another type": ({"event": DELETED, "action": {}}, "/action"),
    "refused event": ({"event": DELETED, "action": "refuse"}, "/action"),
    "dropped handshake": ({"event": "connect", "action": "drop"}, "/action"),
    "delay without a time": ({"event": DELETED, "action": "delay"}, "/delayMilliseconds"),
    "time without a delay": ({"event": DELETED, "action": "drop", "delayMilliseconds": 5}, "/delayMilliseconds"),
    "negative time": ({"event": DELETED, "action": "delay", "delayMilliseconds": -1}, "/delayMilliseconds"),
    "long time": ({"event": DELETED, "action": "delay", "delayMilliseconds": 10**9}, "/delayMilliseconds"),
    "lifetime of nothing": (
        {"event": DELETED, "action": "drop", "expiresAfterMilliseconds": 0},
        "/expiresAfterMilliseconds",
    ),
    "no times": ({"event": DELETED, "action": "drop", "times": 0}, "/times"),
    "probability above 1": ({"event": DELETED, "action": "drop", "probability": 1.5}, "/probability"),
    "probability of another type": ({"event": DELETED, "action": "drop", "probability": "often"}, "/probability"),
    "id that is none": ({"event": DELETED, "action": "drop", "id": "x"}, "/id"),
    "id of another type": ({"event": DELETED, "action": "drop", "id": 5}, "/id"),
    "unknown key": ({"event": DELETED, "action": "drop", "often": 1}, "/often"),
}


@pytest.mark.parametrize(("body", "pointer"), INVALID.values(), ids=INVALID)
def test_invalid_mapping(call: Call, body: Any, pointer: str) -> None:
    (error,) = call("POST", "/message-mappings", body, status=422)["errors"]
    assert error["source"] == {"pointer": pointer}
    assert error["detail"]
    assert call("GET", "/message-mappings")["meta"]["total"] == 0


def decide(seed: int | None, probability: float, count: int) -> list[Intervention | None]:
    mappings = MessageMappings(ManualClock(), seed)
    body = {"event": DELETED, "action": "drop", "probability": probability}
    mappings.add(read_message_mapping(body, "", uuid.uuid4()))
    return [mappings.intercept(DELETED) for _ in range(count)]


@given(seed=st.integers(), probability=st.floats(0, 1), count=st.integers(0, 200))
@settings(max_examples=50, deadline=None)
def test_seed_decides(seed: int, probability: float, count: int) -> None:
    assert decide(seed, probability, count) == decide(seed, probability, count)


@pytest.mark.parametrize(("probability", "least", "most"), [(0, 0, 0), (0.5, 400, 600), (1, 1000, 1000)])
def test_probability(probability: float, least: int, most: int) -> None:
    assert least <= sum(outcome is not None for outcome in decide(7, probability, 1000)) <= most


def test_clearing_begins_anew() -> None:
    """As a reset does: the next test has the same outcomes."""
    mappings = MessageMappings(ManualClock(), 7)
    outcomes = []
    for _ in range(2):
        body = {"event": DELETED, "action": "drop", "probability": 0.5}
        mappings.add(read_message_mapping(body, "", uuid.uuid4()))
        outcomes.append([mappings.intercept(DELETED) for _ in range(100)])
        mappings.clear()
    assert outcomes[0] == outcomes[1]


def test_bound_of_number() -> None:
    mappings = MessageMappings(ManualClock(), None)
    for _ in range(MAX_MAPPINGS):
        mappings.add(read_message_mapping({"event": DELETED, "action": "drop"}, "", uuid.uuid4()))
    with pytest.raises(ControlError) as caught:
        mappings.add(read_message_mapping({"event": DELETED, "action": "drop"}, "", uuid.uuid4()))
    assert caught.value.status == 422
    assert len(mappings) == MAX_MAPPINGS
