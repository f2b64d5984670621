"""Each event is sent once, to the right listeners and no others: what arrives between two markers is counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from duologue.conformance import sources
from duologue.conformance.resources.smart_chat import STREAM
from duologue.conformance.rules import rule
from duologue.conformance.target.examples import create_session, create_user, log_in
from duologue.conformance.target.facts import Facts
from duologue.conformance.target.listener import EmittedEvent, Listen, Listener, chat_auth
from duologue.conformance.target.responses import read_data
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import unique

Concerns = Callable[[str, Any], bool]
"""Returns whether an event is about what a test does: others use the server too."""


def count_events(server: Server, *listeners: tuple[Listener, Concerns]) -> list[list[EmittedEvent]]:
    """Return what each listener received of the events that concern it: up to a marker, and nothing up to the next one.

    The markers are changes that everyone hears of, so that what has not arrived before them was not sent.
    """
    first, last = (create_user(server.platform)["id"] for _ in range(2))
    return [_count(listener, first, last, concerns) for listener, concerns in listeners]


def _count(listener: Listener, first: str, last: str, concerns: Concerns) -> list[EmittedEvent]:
    for marker in (first, last):
        listener.wait_for("user:created", userId=marker)
    events = list(listener.events)
    ends = [next(index for index, event in enumerate(events) if _is_marker(event, marker)) for marker in (first, last)]
    counted, late = (
        [event for event in events[start:end] if concerns(*event)] for start, end in ((0, ends[0]), (ends[0], ends[1]))
    )
    assert late == [], f"{[name for name, _ in late]} came after the event of a later change"
    return counted


def _is_marker(event: EmittedEvent, marker: str) -> bool:
    name, payload = event
    return name == "user:created" and payload["userId"] == marker


def _names(events: list[EmittedEvent]) -> list[str]:
    return [name for name, _ in events]


@rule(
    "events.users-counted",
    "Creating, changing and deleting a user sends one event each, in this order, to every listener: to administrators, "
    "to the user itself, to others, to users of the chat service, and to those who have not logged in.",
    source=sources.REALTIME,
    stage=4,
    needs=["admin", "events"],
)
def test_user_events(server: Server, listen: Listen) -> None:
    mark = unique("Counted")
    tokens = [log_in(server, role=role)["token"] for role in ("admin", "user")]
    listeners = [listen(), listen(auth=chat_auth(server.chat)), *(listen(auth={"token": token}) for token in tokens)]

    user = create_user(server.platform, name=mark)
    changed = server.platform.put(f"/users/{user['id']}", {"name": f"{mark} again"}).json()
    server.platform.delete(f"/users/{user['id']}")

    expected = [
        ("user:created", {"userId": user["id"], "user": user}),
        ("user:updated", {"userId": user["id"], "user": changed}),
        ("user:deleted", {"userId": user["id"]}),
    ]

    def concerns(name: str, payload: Any) -> bool:
        return name.startswith("user:") and payload.get("userId") == user["id"]

    for received in count_events(server, *((listener, concerns) for listener in listeners)):
        assert received == expected


@rule(
    "events.chats-counted",
    "Creating, renaming, marking and deleting a session sends one event each, in this order, to each listener of its "
    "user and to no other.",
    source=sources.REALTIME,
    stage=4,
    needs=["admin", "events"],
)
def test_chat_events(server: Server, listen: Listen) -> None:
    chat = server.chat
    tabs = [listen(auth=chat_auth(chat)) for _ in range(2)]
    others = _listen_as_others(server, listen)

    session = read_data(chat.post("/chats", {"title": "Counted"}), 201)
    path = f"/chats/{session['_id']}"
    renamed = read_data(chat.patch(path, {"title": "Renamed"}))
    marked = read_data(chat.patch(f"{path}/favorite", {"isFavorite": True}))
    chat.delete(path)

    expected = [
        ("chat:created", {"session": session}),
        ("chat:updated", {"session": renamed}),
        ("chat:updated", {"session": marked}),
        ("chat:deleted", {"sessionId": session["_id"]}),
    ]
    received = count_events(server, *((tab, _is_private) for tab in tabs), *((other, _is_of_chats) for other in others))
    assert received == [expected, expected, [], [], []]


def _listen_as_others(server: Server, listen: Listen) -> list[Listener]:
    """Listen as those who must not hear of a session: without logging in, as another user, as an administrator."""
    token = log_in(server, role="admin")["token"]
    return [listen(), listen(auth=chat_auth(server.chat)), listen(auth={"token": token})]


def _is_private(name: str, _: Any) -> bool:
    return not name.startswith("user:")


def _is_of_chats(name: str, _: Any) -> bool:
    """Whether an administrator must not receive it: of notifications there are some of other users."""
    return name.startswith(("chat:", "message:"))


@rule(
    "events.messages-counted",
    "A message sends message:created and chat:updated, once each, to the session's user only, and no notification.",
    source=sources.REALTIME,
    stage=4,
    needs=["admin", "events"],
)
def test_message_events(server: Server, listen: Listen) -> None:
    chat = server.chat
    session = create_session(chat)
    listener, others = listen(auth=chat_auth(chat)), _listen_as_others(server, listen)

    message = read_data(chat.post(f"/chats/{session}/messages", {"content": "Hello", "sender": "user"}), 201)
    moved = read_data(chat.get(f"/chats/{session}"))

    own, *rest = count_events(server, (listener, _is_private), *((other, _is_of_chats) for other in others))
    assert sorted(own, key=lambda event: event[0]) == [
        ("chat:updated", {"session": moved}),
        ("message:created", {"sessionId": session, "message": message}),
    ]
    assert rest == [[], [], []]


@rule(
    "events.smart-chat-counted",
    "A smart-chat reply sends the events of two messages, one chat:typing at its start and one at its end, one "
    "notification, and message:delta with each piece of it, only where it is streamed.",
    source=sources.REALTIME,
    stage=4,
    needs=["admin", "events"],
)
@pytest.mark.parametrize("headers", [{}, STREAM], ids=["whole", "streamed"])
def test_smart_chat_events(server: Server, listen: Listen, headers: dict[str, str]) -> None:
    chat = server.chat
    session = create_session(chat)
    listener, others = listen(auth=chat_auth(chat)), _listen_as_others(server, listen)

    chat.post(f"/chats/{session}/smart-chat", {"message": "Tell me about lighthouses"}, headers=headers)
    listener.wait_for("notification:new")

    own, *rest = count_events(server, (listener, _is_private), *((other, _is_of_chats) for other in others))
    question, reply = read_data(chat.get(f"/chats/{session}/messages"))
    assert [payload["message"] for name, payload in own if name == "message:created"] == [question, reply]
    assert [payload["typing"] for name, payload in own if name == "chat:typing"] == [True, False]
    assert _names(own).count("chat:updated") == 2
    assert _names(own).count("notification:new") == 1
    deltas = [payload["delta"] for name, payload in own if name == "message:delta"]
    assert "".join(deltas).strip() == (reply["content"] if headers else "")
    assert set(_names(own)) <= {"message:created", "chat:typing", "chat:updated", "notification:new", "message:delta"}
    assert rest == [[], [], []]


@rule(
    "events.notifications-counted",
    "A new user sends one notification to administrators, a new role one to them and one to that user, a new name "
    "none; others receive none.",
    source=sources.REALTIME,
    stage=4,
    needs=["admin", "events"],
)
def test_notifications(server: Server, listen: Listen, facts: Facts) -> None:
    mark = unique("Notified")
    admin = listen(auth={"token": log_in(server, role="admin")["token"]})
    login = log_in(server, name=mark)
    user = listen(auth={"token": login["token"]})
    others = [listen(auth=chat_auth(server.chat)), listen(auth={"token": log_in(server)["token"]})]
    others += [] if facts.requires_auth else [listen(auth=None)]
    path = f"/users/{login['user']['id']}"

    server.platform.put(path, {"role": "admin"})
    server.platform.put(path, {"role": "user"})
    server.platform.put(path, {"name": f"{mark} again"})

    def concerns(name: str, payload: Any) -> bool:
        return name == "notification:new" and mark in str(payload)

    admins, own, *rest = count_events(server, *((listener, concerns) for listener in (admin, user, *others)))
    assert len(admins) == 3, "one of the user's creation, and one of each new role"
    assert len(own) == 2, "one of each new role"
    assert rest == [[]] * len(others)
