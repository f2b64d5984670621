"""Messages: `/chats-service/api/v1/chats/{id}/messages`."""

from __future__ import annotations

from typing import Any

import pytest

from duologue.conformance import sources
from duologue.conformance.rules import covers, rule
from duologue.conformance.shared_requests import Share
from duologue.conformance.target.caller import Api
from duologue.conformance.target.examples import create_session
from duologue.conformance.target.responses import OBJECT_ID, TIMESTAMP, check_error, read_data
from duologue.contract import messages

HELLO = {"content": "Hello, world!", "sender": "user"}

CONTENTS = [
    *("a", "a" * 10_000, "😀" * 10_000, "مرحبا بالعالم", "one\ntwo\r\nthree\tfour"),
    *("<script>alert(1)</script>", "\u202eright to left", "e\u0301"),
]
BAD_FIELDS: dict[str, list[Any]] = {
    "content": ["", " \n\t ", "a" * 10_001, "😀" * 10_001, "nul\x00", "bell\x07", "\x9b", 7, None, ["x"]],
    "sender": ["", "User", "bot", None, 7, ["user"]],
    "context": ["text", [], [{}], 7, True, None],
}
WRONG = [{name: value} for name, values in BAD_FIELDS.items() for value in values]


@rule(
    "messages.SEND.created",
    "Sending a message returns 201 and the message as it was sent, with an id, its session and a time.",
    source=sources.MESSAGES,
    quick=True,
)
@covers(messages.SEND, 201)
@pytest.mark.parametrize("sender", ["user", "assistant", "system"])
def test_send(chat: Api, sender: str) -> None:
    session = create_session(chat)

    message = read_data(chat.post(f"/chats/{session}/messages", {"content": "Test message", "sender": sender}), 201)

    assert message == {
        "_id": message["_id"],
        "sessionId": session,
        "sender": sender,
        "content": "Test message",
        "createdAt": message["createdAt"],
    }
    assert OBJECT_ID.fullmatch(message["_id"])
    assert TIMESTAMP.fullmatch(message["createdAt"])


@rule(
    "messages.SEND.context",
    "A message may have any JSON object as context, which is returned as it was sent.",
    source=sources.MESSAGES,
)
@pytest.mark.parametrize("context", [{}, {"page": "settings", "deep": {"list": [1, 2.5, None, True, "ü"]}}])
def test_context(chat: Api, context: dict[str, Any]) -> None:
    session = create_session(chat)

    sent = read_data(chat.post(f"/chats/{session}/messages", {**HELLO, "context": context}), 201)

    assert sent["context"] == context
    assert read_data(chat.get(f"/chats/{session}/messages")) == [sent]


@rule(
    "messages.SEND.content-bounds",
    "A content has 1 to 10,000 characters, counted in code points, of any script, with line breaks.",
    source=sources.MESSAGES,
)
@pytest.mark.parametrize("content", CONTENTS, ids=lambda content: ascii(content[:12]))
def test_content_length(chat: Api, content: str) -> None:
    session = create_session(chat)

    assert read_data(chat.post(f"/chats/{session}/messages", {**HELLO, "content": content}), 201)["content"] == content


@rule(
    "messages.SEND.content-trimmed",
    "White space around a content is removed, and within it stays.",
    source=sources.MESSAGES,
)
def test_content_is_trimmed(chat: Api) -> None:
    session = create_session(chat)

    sent = read_data(chat.post(f"/chats/{session}/messages", {**HELLO, "content": "\n  Hello,\n  world! \t"}), 201)

    assert sent["content"] == "Hello,\n  world!"


@rule(
    "messages.SEND.invalid",
    "An invalid content, sender or context is 400 and named, and neither the session nor its messages change.",
    source=sources.MESSAGES,
)
@covers(messages.SEND, 400)
@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: ascii(wrong)[:30])
def test_invalid_message(share: Share, wrong: dict[str, Any]) -> None:
    request = share(messages.SEND)

    body = check_error(request.with_body({**HELLO, **wrong}).send(), 400)

    assert set(body["details"]["fields"]) == set(wrong)
    assert read_data(request.api.get(request.path)) == []
    session = read_data(request.api.get(request.path.removesuffix("/messages")))
    assert session["createdAt"] == session["updatedAt"] == session["lastMessageAt"]


@rule(
    "messages.SEND.fields-required",
    "Content and sender are required; a missing one is 400 and named.",
    source=sources.MESSAGES,
)
@pytest.mark.parametrize("missing", ["content", "sender"])
def test_required_fields(chat: Api, missing: str) -> None:
    session = create_session(chat)

    rest = {key: value for key, value in HELLO.items() if key != missing}

    check_error(chat.post(f"/chats/{session}/messages", rest), 400, missing)


@rule(
    "messages.SEND.moves-session",
    "A new message sets lastMessageAt of its session to its own time, and changes nothing else but updatedAt.",
    source=sources.MESSAGES,
    quick=True,
)
def test_send_moves_session(chat: Api) -> None:
    session = create_session(chat)
    before = read_data(chat.get(f"/chats/{session}"))

    message = read_data(chat.post(f"/chats/{session}/messages", HELLO), 201)

    after = read_data(chat.get(f"/chats/{session}"))
    assert after == {**before, "lastMessageAt": message["createdAt"], "updatedAt": after["updatedAt"]}
    assert after["updatedAt"] >= message["createdAt"] >= before["lastMessageAt"]


@rule(
    "messages.LIST.walk-complete",
    "Walking all pages returns each message exactly once, the oldest first, with the right pagination on each.",
    source=sources.MESSAGES,
    quick=True,
)
@covers(messages.LIST, 200)
def test_pages(chat: Api) -> None:
    session = create_session(chat)
    sent = [read_data(chat.post(f"/chats/{session}/messages", {**HELLO, "content": str(n)}), 201) for n in range(5)]

    pages = [chat.get(f"/chats/{session}/messages", query={"limit": 2, "page": page}).json() for page in (1, 2, 3, 4)]

    assert [message for page in pages for message in page["data"]] == sent
    assert [page["pagination"] for page in pages] == [
        {"page": 1, "limit": 2, "total": 5, "totalPages": 3, "hasNext": True, "hasPrev": False},
        {"page": 2, "limit": 2, "total": 5, "totalPages": 3, "hasNext": True, "hasPrev": True},
        {"page": 3, "limit": 2, "total": 5, "totalPages": 3, "hasNext": False, "hasPrev": True},
        {"page": 4, "limit": 2, "total": 5, "totalPages": 3, "hasNext": False, "hasPrev": True},
    ]


@rule(
    "messages.LIST.empty",
    "A session without messages has an empty page.",
    source=sources.MESSAGES,
)
def test_empty_page(chat: Api) -> None:
    response = chat.get(f"/chats/{create_session(chat)}/messages")

    assert read_data(response) == []
    pagination = response.json()["pagination"]
    assert (pagination["total"], pagination["hasNext"], pagination["hasPrev"]) == (0, False, False)


@rule(
    "messages.LIST.one-session",
    "A session's list has its own messages and no others.",
    source=sources.MESSAGES,
    quick=True,
)
def test_messages_of_one_session(chat: Api) -> None:
    one, other = create_session(chat), create_session(chat)
    sent = read_data(chat.post(f"/chats/{one}/messages", HELLO), 201)

    assert read_data(chat.get(f"/chats/{one}/messages")) == [sent]
    assert read_data(chat.get(f"/chats/{other}/messages")) == []
