"""What a change leaves as it was, and what it moves."""

from __future__ import annotations

import json
from typing import Any

from duologue.conformance import sources
from duologue.conformance.rules import rule
from duologue.conformance.target.caller import Api
from duologue.conformance.target.examples import create_session, create_user
from duologue.conformance.target.responses import read_data
from duologue.conformance.target.unique_names import unique


@rule(
    "users.UPDATE.role-kept",
    "A change of the name or the e-mail address leaves an administrator an administrator.",
    source=sources.USERS,
    needs=["admin"],
)
def test_update_keeps_role(platform: Api) -> None:
    user = create_user(platform, role="admin")
    path = f"/users/{user['id']}"

    for change in ({"name": unique("New")}, {"email": f"{unique('new')}@example.com"}):
        user |= change
        assert platform.put(path, change).json() == user
        assert platform.get(path).json() == user


@rule(
    "chats.RENAME.updated-at",
    "Every change of a session moves its updatedAt on: a new title, and a mark as favorite.",
    source=sources.CHATS,
)
def test_change_moves_updated_at(chat: Api) -> None:
    path = f"/chats/{create_session(chat)}"

    for target, body in ((path, {"title": "New"}), (f"{path}/favorite", {"isFavorite": True})):
        before = read_data(chat.get(path))["updatedAt"]
        after = read_data(chat.patch(target, body))["updatedAt"]
        assert after > before
        assert read_data(chat.get(path))["updatedAt"] == after


CONTEXT: dict[str, Any] = {
    "yes": True,
    "no": False,
    "one": 1,
    "zero": 0,
    "half": 0.5,
    "none": None,
    "text": "1",
    "empty": {},
    "list": [],
}


@rule(
    "messages.SEND.context-types",
    "The context of a message keeps the types of its values: true is not 1, and false is not 0.",
    source=sources.MESSAGES,
)
def test_context_types(chat: Api) -> None:
    path = f"/chats/{create_session(chat)}/messages"

    sent = read_data(chat.post(path, {"content": "Hello", "sender": "user", "context": CONTEXT}), 201)
    [listed] = read_data(chat.get(path))

    for message in (sent, listed):
        assert json.dumps(message["context"], sort_keys=True) == json.dumps(CONTEXT, sort_keys=True)
