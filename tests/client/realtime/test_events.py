"""Events by name: which names there are, what each has as its payload, and that type checkers know it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args, get_overloads, get_type_hints

import pytest

from duologue import Client, Event, NotFoundError
from duologue.contract import events, users
from duologue.contract.users import UserDeleted, UserDeletedSchema
from duologue.realtime import AnyEvent, EventName, ReceivedEvent
from duologue.realtime.events import TypedEvents
from tests.client.realtime.fakes import TIMEOUT, Connect, Start, emit, new_email

ROOT = Path(__file__).parents[3]

PAYLOADS = {event.name: event.payload.model for event in events()}


def split(received: Any) -> dict[str, Any]:
    """Return the names of a `ReceivedEvent[Literal[…], Payload]`, each with the payload."""
    names, payload = get_args(received)
    return dict.fromkeys(get_args(names), payload)


def read_overloads(method: Any) -> dict[str, Any]:
    """Return the names of events for which a method has an overload, each with the payload."""
    payloads: dict[str, Any] = {}
    for overload in get_overloads(method):
        hints = get_type_hints(overload)
        for name in get_args(hints.get("event")):
            if isinstance(name, str):
                result = hints["return"] if method.__name__ != "events" else get_args(hints["return"])[0]
                (payload,) = get_args(hints["callback"])[0] if "callback" in hints else {split(result)[name]}
                payloads[name] = payload
    return payloads


@pytest.mark.parametrize("method", ["subscribe", "receive", "events"])
def test_overloads(method: str) -> None:
    """Every event of the contract has an overload, with its payload."""
    assert read_overloads(getattr(TypedEvents, method)) == PAYLOADS


def test_event_types() -> None:
    names = {name for group in get_args(EventName) for name in (get_args(group) or [group])}
    assert names == PAYLOADS.keys()
    members = [split(member) for member in get_args(AnyEvent)]
    assert {name: payload for member in members for name, payload in member.items()} == PAYLOADS


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("user:create", "Did you mean 'user:created'"),
        ("typing", "Did you mean 'chat:typing'"),
        ("x", "There are user:created, user:updated"),
        ("connect", r"pass Event\('connect'\)"),
    ],
)
def test_unknown_name(name: Any, hint: str) -> None:
    with Client() as api:
        live = api.realtime
        for method in (live.receive, live.events, live.unsubscribe, lambda name: live.subscribe(name, print)):
            with pytest.raises(ValueError, match=f"The contract has no event '{name}'.*{hint}"):
                method(name)


def test_event_of_ones_own(start: Start, connect: Connect) -> None:
    mock = start()
    shipped = Event("order:shipped", payload=UserDeletedSchema)
    plain = Event("order:lost")
    with connect(mock).realtime.connect() as live:
        live.subscribe(shipped, lambda deleted: print(deleted.user_id))
        emit(mock, ("order:lost", {"id": 7}), ("order:shipped", {"userId": "7"}))
        assert live.receive(shipped, timeout=TIMEOUT) == ("order:shipped", UserDeleted("7"))
        assert live.receive(plain, timeout=TIMEOUT).payload["id"] == 7
    with pytest.raises(ValueError, match="pass its name instead"):
        live.subscribe(Event("user:created"), print)


def test_receive_by_name(connect: Connect) -> None:
    """Other events stay, in order, for later calls."""
    api = connect()
    email = new_email()
    with api.realtime.connect() as live:
        user = api.users.create(name="Ada", email=email)
        api.users.update(user.id, name="Grace")
        api.users.delete(user.id)
        assert live.receive("user:deleted", timeout=TIMEOUT).payload == UserDeleted(user.id)
        _, event = live.receive(users.UPDATED, timeout=TIMEOUT)
        assert event.user.name == "Grace"
        assert live.receive(timeout=TIMEOUT).name == "user:created"
        api.chats.create(title="Other")
        with pytest.raises(NotFoundError):  # when this is acknowledged the event has come
            live.call("unknown", timeout=TIMEOUT)
        live.disconnect()
        assert list(live.events("user:created")) == []
        assert [event.name for event in live.events()] == ["chat:created"]


SNIPPET = """
from typing import assert_type

from duologue import Client, Event
from duologue.contract.users import UserDeleted, UserEvent

with Client() as api, api.realtime as live:
    live.subscribe("user:created", lambda event: print(event.user.name))
    live.subscribe(Event("order:shipped"), lambda order: print(order["id"]))
    name, event = live.receive("user:created", timeout=5)
    print(name, event.user.name)
    for one in live.events():
        if one.name == "user:created":
            assert_type(one.payload, UserEvent)
        elif isinstance(one.payload, UserDeleted):
            print(one.payload.user_id)
    match live.receive():
        case ("user:deleted", payload):
            assert_type(payload, UserDeleted)
"""

MISTAKES = """
from duologue import Client

with Client() as api:
    api.realtime.subscribe("user:creted", print)
    api.realtime.subscribe("user:created", lambda event: print(event.usr))
    _, deleted = api.realtime.receive("user:deleted")
    print(deleted.user)
"""


@pytest.mark.slow
def test_types(tmp_path: Path) -> None:
    """mypy accepts the snippet, and finds the mistakes in the other one."""
    for name, code in (("snippet.py", SNIPPET), ("mistakes.py", MISTAKES)):
        (tmp_path / name).write_text(code, "utf-8")
    options = ["--strict", "--config-file", "setup.cfg", "--cache-dir", str(tmp_path / "cache")]
    command = [sys.executable, "-m", "mypy", *options, *(str(file) for file in sorted(tmp_path.glob("*.py")))]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    errors = re.findall(r"(\w+\.py):(\d+): error:", output)
    assert set(errors) == {("mistakes.py", line) for line in ("5", "6", "8")}, output


def test_received_event() -> None:
    name, payload = event = ReceivedEvent("user:deleted", UserDeleted("1"))
    assert (event.name, event.payload) == (name, payload) == ("user:deleted", UserDeleted("1"))
