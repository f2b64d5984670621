"""Socket.IO: who receives which event, and when."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from duologue.conformance import sources
from duologue.conformance.realtime.silence import check_silence
from duologue.conformance.rules import rule
from duologue.conformance.target import golden
from duologue.conformance.target.examples import create_session, create_user, log_in
from duologue.conformance.target.facts import Facts
from duologue.conformance.target.listener import DEADLINE, WAYS, Listen, Listener, chat_auth
from duologue.conformance.target.responses import TIMESTAMP, read_data
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import build_user, unique


def check_example(name: str, payload: Any) -> None:
    """Check that `payload` has exactly the keys and types of the golden example."""
    assert golden.get_shape(payload) == golden.get_shape(golden.load(name)["payload"])


# Events of users


@rule(
    "events.users",
    "Creating, changing and deleting a user is announced with the user as it is then, over every "
    "transport and on both origins.",
    source=sources.REALTIME,
    stage=4,
    needs=["admin", "events"],
    quick=True,
)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("service", ["platform", "chat"])
def test_user_events(server: Server, listen: Listen, service: str, way: list[str]) -> None:
    listener = listen(server.at_origin(service).url, transports=way)

    user = create_user(server.platform)
    created = listener.wait_for("user:created", userId=user["id"])
    changed = server.platform.put(f"/users/{user['id']}", {"name": "Renamed"}).json()
    updated = listener.wait_for("user:updated", userId=user["id"])
    server.platform.delete(f"/users/{user['id']}")
    deleted = listener.wait_for("user:deleted", userId=user["id"])

    assert created == {"userId": user["id"], "user": user}
    assert updated == {"userId": user["id"], "user": changed}
    assert deleted == {"userId": user["id"]}
    assert listener.client.transport() == way[-1]
    check_example("users.CREATED", created)
    check_example("users.UPDATED", updated)
    check_example("users.DELETED", deleted)


@rule(
    "events.users-for-all",
    "Everyone is told of users, whatever they connected as.",
    source=sources.REALTIME,
    stage=4,
    needs=["admin", "events"],
)
def test_user_events_for_all(server: Server, listen: Listen) -> None:
    listeners = [listen(auth={"token": log_in(server)["token"]}), listen(auth=chat_auth(server.chat))]

    user = create_user(server.platform)

    for listener in listeners:
        assert listener.wait_for("user:created", userId=user["id"])["user"] == user


@rule(
    "events.after-change",
    "When an event arrives, its change can be read.",
    source=sources.REALTIME,
    stage=4,
    needs=["admin", "events"],
)
def test_event_after_change(server: Server, listen: Listen) -> None:
    listener = listen()
    statuses: dict[str, int] = {}

    def look(event: str, payload: Any) -> None:
        if event == "user:created":
            statuses[payload["userId"]] = server.platform.get(f"/users/{payload['userId']}").status_code

    listener.on_event = look
    user = server.platform.post("/users", build_user()).json()
    listener.wait_for("user:created", userId=user["id"])

    assert statuses[user["id"]] == 200


@rule(
    "events.no-change",
    "A request that changes nothing, and a replay, are announced by nothing.",
    source=sources.REALTIME,
    stage=4,
    needs=["admin", "events"],
)
def test_no_event_without_change(server: Server, listen: Listen) -> None:
    listener = listen()
    key = {"Idempotency-Key": unique("key")}
    body = build_user()
    user = server.platform.post("/users", body, headers=key).json()

    server.platform.post("/users", body, headers=key)
    server.platform.post("/users", body)
    server.platform.put(f"/users/{user['id']}", {"name": ""})
    server.platform.put(f"/users/{user['id']}", {"name": "Late"}, headers={"If-Match": '"old"'})

    marker = create_user(server.platform)
    listener.wait_for("user:created", userId=marker["id"])
    about_user = [name for name, payload in listener.about("user:") if payload["userId"] == user["id"]]
    assert about_user == ["user:created"]


# Events of chats


@rule(
    "events.chats",
    "Creating, renaming, marking and deleting a session is announced to each connection of its user.",
    source=sources.REALTIME,
    stage=4,
    needs=["events"],
    quick=True,
)
def test_chat_events(server: Server, listen: Listen) -> None:
    chat = server.chat
    tabs = [listen(auth=chat_auth(chat)), listen(server.chat_origin, auth=chat_auth(chat), transports=["polling"])]

    session = create_session(chat)
    created = [tab.wait_for("chat:created") for tab in tabs]
    renamed = read_data(chat.patch(f"/chats/{session}", {"title": "Renamed"}))
    updated = [tab.wait_for("chat:updated", session=renamed) for tab in tabs]
    marked = read_data(chat.patch(f"/chats/{session}/favorite"))
    assert all(tab.wait_for("chat:updated", session=marked) for tab in tabs)
    chat.delete(f"/chats/{session}")
    deleted = [tab.wait_for("chat:deleted") for tab in tabs]

    assert [payload["session"]["_id"] for payload in created] == [session, session]
    assert deleted == [{"sessionId": session}] * 2
    check_example("chats.CREATED", created[0])
    check_example("chats.UPDATED", updated[0])
    check_example("chats.DELETED", deleted[0])


@rule(
    "events.messages",
    "A new message is announced to its session's user as it is stored.",
    source=sources.REALTIME,
    stage=4,
    needs=["events"],
    quick=True,
)
def test_message_events(server: Server, listen: Listen) -> None:
    chat = server.chat
    session = create_session(chat)
    listener = listen(auth=chat_auth(chat))

    message = read_data(chat.post(f"/chats/{session}/messages", {"content": "Hello, world!", "sender": "user"}), 201)
    created = listener.wait_for("message:created")

    assert created == {"sessionId": session, "message": message}
    check_example("messages.CREATED", created)


@rule(
    "events.smart-chat",
    "A reply is announced by the question, typing that begins and ends, the reply, and a notification.",
    source=sources.REALTIME,
    stage=4,
    needs=["events"],
)
def test_smart_chat_events(server: Server, listen: Listen) -> None:
    chat = server.chat
    session = create_session(chat)
    listener = listen(auth=chat_auth(chat))

    reply = read_data(chat.post(f"/chats/{session}/smart-chat", {"message": "Hello"}), 201)
    notification = listener.wait_for("notification:new")

    assert listener.wait_for("message:created", message=reply)
    events = [(name, payload) for name, payload in listener.events if name in ("message:created", "chat:typing")]
    assert [name for name, _ in events] in (
        ["message:created", "chat:typing", "chat:typing", "message:created"],
        ["message:created", "chat:typing", "message:created", "chat:typing"],
        ["chat:typing", "message:created", "message:created", "chat:typing"],
    )
    typing = [payload for name, payload in events if name == "chat:typing"]
    assert typing == [{"sessionId": session, "sender": "assistant", "typing": state} for state in (True, False)]
    check_example("smart_chat.TYPING", typing[0])
    _check_notification(notification)


@rule(
    "events.deltas",
    "A streamed reply is announced in pieces that add up to it, before it is announced as stored.",
    source=sources.REALTIME,
    stage=4,
    needs=["events"],
)
def test_delta_events(server: Server, listen: Listen) -> None:
    chat = server.chat
    session = create_session(chat)
    listener = listen(auth=chat_auth(chat))

    chat.post(
        f"/chats/{session}/smart-chat",
        {"message": "Tell me about lighthouses"},
        headers={"Accept": "text/event-stream"},
    )
    listener.wait_for("notification:new")

    reply = read_data(chat.get(f"/chats/{session}/messages"))[1]
    deltas = [payload for _, payload in listener.about("message:delta")]
    assert "".join(payload["delta"] for payload in deltas).strip() == reply["content"]
    assert {(payload["sessionId"], payload["messageId"]) for payload in deltas} == {(session, reply["_id"])}
    check_example("smart_chat.DELTA", deltas[0])
    names = [name for name, _ in listener.events]
    assert names.index("message:delta") < len(names) - 1 - names[::-1].index("message:created")


@rule(
    "events.chats-private",
    "Events of sessions and messages reach their user and no one else, administrators included.",
    source=sources.REALTIME,
    stage=4,
    needs=["admin", "events"],
    quick=True,
)
def test_chat_events_are_private(server: Server, listen: Listen) -> None:
    chat, login = server.chat, log_in(server, role="admin")
    others = [listen(), listen(auth=chat_auth(server.chat)), listen(auth={"token": login["token"]})]
    owner = listen(auth=chat_auth(chat))

    session = create_session(chat)
    chat.patch(f"/chats/{session}", {"title": "Private"})
    chat.post(f"/chats/{session}/messages", {"content": "Secret", "sender": "user"})
    chat.post(f"/chats/{session}/smart-chat", {"message": "Secret"}, headers={"Accept": "text/event-stream"})
    chat.delete(f"/chats/{session}")
    owner.wait_for("chat:deleted")

    check_silence(server, *others, about=("chat:", "message:"))


@rule(
    "events.rooms-private",
    "A user id that looks like the name of a group receives nothing of that group.",
    source=sources.REALTIME,
    stage=4,
    needs=["admin", "events"],
)
def test_rooms_are_private(server: Server, listen: Listen) -> None:
    chat, login = server.chat, log_in(server)
    names = [f"chat:{chat.headers['x-user-id']}", "admins", f"platform:{login['user']['id']}", login["user"]["id"]]
    spies = [listen(auth={"apiKey": server.api_key, "userId": name}) for name in names]

    create_session(chat)
    server.platform.put(f"/users/{login['user']['id']}", {"role": "admin"})

    check_silence(server, *spies, about=("chat:", "message:", "notification:"))


# Notifications


def _check_notification(payload: dict[str, Any]) -> None:
    check_example("notifications.NEW", payload)
    assert payload["id"]
    assert payload["title"]
    assert payload["message"]
    assert TIMESTAMP.fullmatch(payload["createdAt"])
    assert payload["read"] is False


@rule(
    "events.notification-new-user",
    "Administrators are notified of a new user.",
    source=sources.REALTIME,
    stage=4,
    needs=["admin", "events"],
)
def test_notification_of_new_user(server: Server, listen: Listen) -> None:
    admin = listen(auth={"token": log_in(server, role="admin")["token"]})
    name = unique("Newcomer")

    server.platform.post("/users", build_user(name=name))

    assert _wait_for_name(admin, name)
    _check_notification(admin.wait_for("notification:new"))


@rule(
    "events.notification-new-role",
    "Administrators and the user are notified of its new role.",
    source=sources.REALTIME,
    stage=4,
    needs=["admin", "events"],
)
@pytest.mark.parametrize(("before", "after"), [("user", "admin"), ("admin", "user")])
def test_notification_of_new_role(server: Server, listen: Listen, before: str, after: str) -> None:
    admin = listen(auth={"token": log_in(server, role="admin")["token"]})
    login = log_in(server, role=before, name=unique("Moved"))
    user = listen(auth={"token": login["token"]})

    server.platform.put(f"/users/{login['user']['id']}", {"role": after})

    assert _wait_for_name(user, login["user"]["name"])
    assert _wait_for_name(admin, login["user"]["name"])
    _check_notification(user.wait_for("notification:new"))


@rule(
    "events.notifications-private",
    "Other users receive no notifications, and a change of anything but the role sends none.",
    source=sources.REALTIME,
    stage=4,
    needs=["admin", "events"],
)
def test_notifications_are_private(server: Server, listen: Listen, facts: Facts) -> None:
    login = log_in(server, name=unique("Quiet"))
    user = listen(auth={"token": login["token"]})
    others = [listen(auth={"token": log_in(server)["token"]}), listen(auth=chat_auth(server.chat))]
    others += [] if facts.requires_auth else [listen(auth=None)]

    server.platform.put(f"/users/{login['user']['id']}", {"name": "Still quiet", "role": "user"})
    check_silence(server, user, about=("notification:",))
    server.platform.put(f"/users/{login['user']['id']}", {"role": "admin"})
    user.wait_for("notification:new")

    check_silence(server, *others, about=("notification:",))


@rule(
    "events.notifications-follow-role",
    "Who becomes an administrator is notified from then on, and who is none any more is not.",
    source=sources.REALTIME,
    stage=4,
    needs=["admin", "events"],
)
def test_notifications_follow_role(server: Server, listen: Listen) -> None:
    login = log_in(server)
    listener = listen(auth={"token": login["token"]})
    server.platform.put(f"/users/{login['user']['id']}", {"role": "admin"})
    listener.wait_for("notification:new")

    first = unique("First")
    create_user(server.platform, name=first)
    assert _wait_for_name(listener, first)

    server.platform.put(f"/users/{login['user']['id']}", {"role": "user"})
    second = unique("Second")
    create_user(server.platform, name=second)
    marker = create_user(server.platform)
    listener.wait_for("user:created", userId=marker["id"])
    assert second not in json.dumps(listener.about("notification:"))


def _wait_for_name(listener: Listener, name: str) -> bool:
    deadline = time.monotonic() + DEADLINE
    while name not in json.dumps(listener.about("notification:")):
        assert time.monotonic() < deadline, f"no notification of {name}"
    return True
