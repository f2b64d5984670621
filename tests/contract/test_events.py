"""Socket.IO: who hears what, and when."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract import golden
from tests.contract.examples import log_in, make_session, make_user
from tests.contract.listener import DEADLINE, WAYS, Listen, Listener, chat_auth
from tests.contract.wire import TIMESTAMP, Wire, data, new_user, unique


def silent(wire: Wire, *listeners: Listener, about: tuple[str, ...]) -> None:
    """Check that these listeners heard nothing of the events named: what happens next reaches them first."""
    marker = make_user(wire.platform)
    for listener in listeners:
        listener.wait_for("user:created", userId=marker["id"])
        for prefix in about:
            assert listener.about(prefix) == []


def like_the_example(name: str, payload: Any) -> None:
    """Check that `payload` has exactly the keys and types of the golden example."""
    assert golden.get_shape(payload) == golden.get_shape(golden.load(name)["payload"])


# What is told of users


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("service", ["platform", "chat"])
def test_user_events(
    wire: Wire, listen: Listen, service: str, way: list[str]
) -> None:
    listener = listen(wire.at_origin(service).url, transports=way)

    user = make_user(wire.platform)
    created = listener.wait_for("user:created", userId=user["id"])
    changed = wire.platform.put(f"/users/{user['id']}", {"name": "Renamed"}).json()
    updated = listener.wait_for("user:updated", userId=user["id"])
    wire.platform.delete(f"/users/{user['id']}")
    deleted = listener.wait_for("user:deleted", userId=user["id"])

    assert created == {"userId": user["id"], "user": user}
    assert updated == {"userId": user["id"], "user": changed}
    assert deleted == {"userId": user["id"]}
    assert listener.client.transport() == way[-1]
    like_the_example("users.CREATED", created)
    like_the_example("users.UPDATED", updated)
    like_the_example("users.DELETED", deleted)


def test_user_events_for_all(wire: Wire, listen: Listen) -> None:
    listeners = [listen(auth={"token": log_in(wire)["token"]}), listen(auth=chat_auth(wire.chat))]

    user = make_user(wire.platform)

    for listener in listeners:
        assert listener.wait_for("user:created", userId=user["id"])["user"] == user


def test_event_after_change(wire: Wire, listen: Listen) -> None:
    listener = listen()
    found: dict[str, int] = {}

    def look(event: str, payload: Any) -> None:
        if event == "user:created":
            found[payload["userId"]] = wire.platform.get(f"/users/{payload['userId']}").status_code

    listener.on_event = look
    user = wire.platform.post("/users", new_user()).json()
    listener.wait_for("user:created", userId=user["id"])

    assert found[user["id"]] == 200


def test_no_event_without_change(wire: Wire, listen: Listen) -> None:
    listener = listen()
    key = {"Idempotency-Key": unique("key")}
    body = new_user()
    user = wire.platform.post("/users", body, headers=key).json()

    wire.platform.post("/users", body, headers=key)
    wire.platform.post("/users", body)
    wire.platform.put(f"/users/{user['id']}", {"name": ""})
    wire.platform.put(f"/users/{user['id']}", {"name": "Late"}, headers={"If-Match": '"old"'})

    marker = make_user(wire.platform)
    listener.wait_for("user:created", userId=marker["id"])
    about_user = [name for name, told in listener.about("user:") if told["userId"] == user["id"]]
    assert about_user == ["user:created"]


# What is told of chats


def test_chat_events(wire: Wire, listen: Listen) -> None:
    chat = wire.chat
    tabs = [listen(auth=chat_auth(chat)), listen(wire.chat_origin, auth=chat_auth(chat), transports=["polling"])]

    session = make_session(chat)
    created = [tab.wait_for("chat:created") for tab in tabs]
    renamed = data(chat.patch(f"/chats/{session}", {"title": "Renamed"}))
    updated = [tab.wait_for("chat:updated", session=renamed) for tab in tabs]
    marked = data(chat.patch(f"/chats/{session}/favorite"))
    assert all(tab.wait_for("chat:updated", session=marked) for tab in tabs)
    chat.delete(f"/chats/{session}")
    deleted = [tab.wait_for("chat:deleted") for tab in tabs]

    assert [told["session"]["_id"] for told in created] == [session, session]
    assert deleted == [{"sessionId": session}] * 2
    like_the_example("chats.CREATED", created[0])
    like_the_example("chats.UPDATED", updated[0])
    like_the_example("chats.DELETED", deleted[0])


def test_message_events(wire: Wire, listen: Listen) -> None:
    chat = wire.chat
    session = make_session(chat)
    listener = listen(auth=chat_auth(chat))

    message = data(chat.post(f"/chats/{session}/messages", {"content": "Hello, world!", "sender": "user"}), 201)
    created = listener.wait_for("message:created")

    assert created == {"sessionId": session, "message": message}
    like_the_example("messages.CREATED", created)


def test_smart_chat_events(wire: Wire, listen: Listen) -> None:
    chat = wire.chat
    session = make_session(chat)
    listener = listen(auth=chat_auth(chat))

    reply = data(chat.post(f"/chats/{session}/smart-chat", {"message": "Hello"}), 201)
    notification = listener.wait_for("notification:new")

    assert listener.wait_for("message:created", message=reply)
    told = [(name, about) for name, about in listener.heard if name in ("message:created", "chat:typing")]
    assert [name for name, _ in told] in (
        ["message:created", "chat:typing", "chat:typing", "message:created"],
        ["message:created", "chat:typing", "message:created", "chat:typing"],
        ["chat:typing", "message:created", "message:created", "chat:typing"],
    )
    typing = [about for name, about in told if name == "chat:typing"]
    assert typing == [{"sessionId": session, "sender": "assistant", "typing": state} for state in (True, False)]
    like_the_example("smart_chat.TYPING", typing[0])
    _is_notification(notification)


def test_delta_events(wire: Wire, listen: Listen) -> None:
    chat = wire.chat
    session = make_session(chat)
    listener = listen(auth=chat_auth(chat))

    chat.post(
        f"/chats/{session}/smart-chat",
        {"message": "Tell me about lighthouses"},
        headers={"Accept": "text/event-stream"},
    )
    listener.wait_for("notification:new")

    reply = data(chat.get(f"/chats/{session}/messages"))[1]
    deltas = [told for _, told in listener.about("message:delta")]
    assert "".join(told["delta"] for told in deltas).strip() == reply["content"]
    assert {(told["sessionId"], told["messageId"]) for told in deltas} == {(session, reply["_id"])}
    like_the_example("smart_chat.DELTA", deltas[0])
    names = [name for name, _ in listener.heard]
    assert names.index("message:delta") < len(names) - 1 - names[::-1].index("message:created")


def test_typing_after_failure(serve: Callable[..., Wire], listen: Listen) -> None:
    def reply(_: Any) -> str:
        raise RuntimeError("boom")

    wire = serve(reply_function=reply)
    chat = wire.chat
    session = make_session(chat)
    listener = listen(wire.platform_origin, auth=chat_auth(chat))

    chat.post(f"/chats/{session}/smart-chat", {"message": "Hello"})

    listener.wait_for("chat:typing", typing=False)
    silent(wire, listener, about=("notification:", "message:delta"))


def test_chat_events_are_private(wire: Wire, listen: Listen) -> None:
    chat, login = wire.chat, log_in(wire, role="admin")
    others = [listen(), listen(auth=chat_auth(wire.chat)), listen(auth={"token": login["token"]})]
    owner = listen(auth=chat_auth(chat))

    session = make_session(chat)
    chat.patch(f"/chats/{session}", {"title": "Private"})
    chat.post(f"/chats/{session}/messages", {"content": "Secret", "sender": "user"})
    chat.post(f"/chats/{session}/smart-chat", {"message": "Secret"}, headers={"Accept": "text/event-stream"})
    chat.delete(f"/chats/{session}")
    owner.wait_for("chat:deleted")

    silent(wire, *others, about=("chat:", "message:"))


def test_rooms_are_private(wire: Wire, listen: Listen) -> None:
    chat, login = wire.chat, log_in(wire)
    names = [f"chat:{chat.headers['x-user-id']}", "admins", f"platform:{login['user']['id']}", login["user"]["id"]]
    spies = [listen(auth={"apiKey": wire.api_key, "userId": name}) for name in names]

    make_session(chat)
    wire.platform.put(f"/users/{login['user']['id']}", {"role": "admin"})

    silent(wire, *spies, about=("chat:", "message:", "notification:"))


# Notifications


def _is_notification(told: dict[str, Any]) -> None:
    like_the_example("notifications.NEW", told)
    assert told["id"]
    assert told["title"]
    assert told["message"]
    assert TIMESTAMP.fullmatch(told["createdAt"])
    assert told["read"] is False


def test_notification_of_new_user(wire: Wire, listen: Listen) -> None:
    admin = listen(auth={"token": log_in(wire, role="admin")["token"]})
    name = unique("Newcomer")

    wire.platform.post("/users", new_user(name=name))

    assert _heard_of(admin, name)
    _is_notification(admin.wait_for("notification:new"))


@pytest.mark.parametrize(("before", "after"), [("user", "admin"), ("admin", "user")])
def test_notification_of_new_role(
    wire: Wire, listen: Listen, before: str, after: str
) -> None:
    admin = listen(auth={"token": log_in(wire, role="admin")["token"]})
    login = log_in(wire, role=before, name=unique("Moved"))
    user = listen(auth={"token": login["token"]})

    wire.platform.put(f"/users/{login['user']['id']}", {"role": after})

    assert _heard_of(user, login["user"]["name"])
    assert _heard_of(admin, login["user"]["name"])
    _is_notification(user.wait_for("notification:new"))


def test_notifications_are_private(wire: Wire, listen: Listen) -> None:
    login = log_in(wire, name=unique("Quiet"))
    user = listen(auth={"token": login["token"]})
    others = [listen(), listen(auth={"token": log_in(wire)["token"]}), listen(auth=chat_auth(wire.chat))]

    wire.platform.put(f"/users/{login['user']['id']}", {"name": "Still quiet", "role": "user"})
    silent(wire, user, about=("notification:",))
    wire.platform.put(f"/users/{login['user']['id']}", {"role": "admin"})
    user.wait_for("notification:new")

    silent(wire, *others, about=("notification:",))


def test_notifications_follow_role(wire: Wire, listen: Listen) -> None:
    login = log_in(wire)
    listener = listen(auth={"token": login["token"]})
    wire.platform.put(f"/users/{login['user']['id']}", {"role": "admin"})
    listener.wait_for("notification:new")

    first = unique("First")
    make_user(wire.platform, name=first)
    assert _heard_of(listener, first)

    wire.platform.put(f"/users/{login['user']['id']}", {"role": "user"})
    second = unique("Second")
    make_user(wire.platform, name=second)
    marker = make_user(wire.platform)
    listener.wait_for("user:created", userId=marker["id"])
    assert second not in json.dumps(listener.about("notification:"))


def _heard_of(listener: Listener, name: str) -> bool:
    deadline = time.monotonic() + DEADLINE
    while name not in json.dumps(listener.about("notification:")):
        assert time.monotonic() < deadline, f"no notification of {name}"
    return True
