"""Smart chat: `POST /chats/{id}/smart-chat`, whole and streamed."""

from __future__ import annotations

from typing import Any

import pytest

from duologue.conformance import sources
from duologue.conformance.resources.smart_chat import STREAM, ask, stream
from duologue.conformance.rules import covers, rule
from duologue.conformance.shared_requests import Share
from duologue.conformance.target.caller import Api
from duologue.conformance.target.examples import create_session
from duologue.conformance.target.responses import OBJECT_ID, TIMESTAMP, check_error, read_data
from duologue.contract import smart_chat

NO_TEXT: list[Any] = [{}, [], 7, True, None]


@rule(
    "smart_chat.ASK.reply",
    "Asking stores the question and then the reply, and returns the reply as it is stored.",
    source=sources.SMART_CHAT,
    quick=True,
)
@covers(smart_chat.ASK, 201)
def test_ask(chat: Api) -> None:
    session = create_session(chat)

    reply = ask(chat, session, "Tell me about lighthouses", context="The user likes the sea.")

    assert set(reply) == {"_id", "sessionId", "sender", "content", "createdAt"}
    assert OBJECT_ID.fullmatch(reply["_id"])
    assert TIMESTAMP.fullmatch(reply["createdAt"])
    assert (reply["sessionId"], reply["sender"]) == (session, "assistant")
    assert reply["content"].strip()
    question, stored = read_data(chat.get(f"/chats/{session}/messages"))
    assert stored == reply
    assert (question["sender"], question["content"]) == ("user", "Tell me about lighthouses")
    assert question["createdAt"] <= reply["createdAt"]


@rule(
    "smart_chat.ASK.moves-session",
    "A reply sets lastMessageAt of its session to its own time.",
    source=sources.SMART_CHAT,
)
def test_ask_moves_session(chat: Api) -> None:
    session = create_session(chat)

    reply = ask(chat, session, "Hello")

    after = read_data(chat.get(f"/chats/{session}"))
    assert after["lastMessageAt"] == reply["createdAt"]
    assert after["updatedAt"] >= reply["createdAt"]


BAD_BODIES: list[dict[str, Any]] = [
    *({"message": message} for message in ("", " \n", "a" * 10_001, "nul\x00", *NO_TEXT)),
    *({"message": "Hello", "context": context} for context in NO_TEXT),
    {"content": "Hello", "sender": "user"},
    {},
]

MESSAGES = [
    "Hello, world!",
    "Tell me about lighthouses",
    "Why?",
    "Grüße aus 東京 😀",
    "thanks",
    "...",
    "$message $$ {x}",
]


@rule(
    "smart_chat.ASK.deterministic",
    "The same history and message get the same reply.",
    source=sources.SMART_CHAT,
)
@pytest.mark.parametrize("message", MESSAGES[1::2], ids=ascii)
def test_deterministic_reply(chat: Api, message: str) -> None:
    def replies(api: Api) -> list[str]:
        session = create_session(api)
        return [ask(api, session, text)["content"] for text in ("First", message, message)]

    assert replies(chat) == replies(chat.as_user())


@rule(
    "smart_chat.ASK.fallback",
    "A message that no rule matches gets a reply with its own words.",
    source=sources.SMART_CHAT,
)
def test_fallback_reply(chat: Api) -> None:
    assert "xylophone" in ask(chat, create_session(chat), "Consider the xylophone.")["content"]


@rule(
    "smart_chat.ASK.invalid",
    "An invalid message or context is 400, streamed or not, and stores nothing.",
    source=sources.SMART_CHAT,
)
@covers(smart_chat.ASK, 400)
@pytest.mark.parametrize(
    ("body", "headers"),
    [*((body, {}) for body in BAD_BODIES), *((body, STREAM) for body in BAD_BODIES[::5])],
    ids=lambda value: ascii(value)[:40],
)
def test_invalid_request(share: Share, body: dict[str, Any], headers: dict[str, str]) -> None:
    request = share(smart_chat.ASK)

    check_error(request.with_body(body).send(headers=headers), 400)

    messages_path = request.path.replace("/smart-chat", "/messages")
    assert read_data(request.api.get(messages_path)) == []


@rule(
    "smart_chat.ASK.message-bounds",
    "A message has up to 10,000 characters.",
    source=sources.SMART_CHAT,
)
def test_message_length(chat: Api) -> None:
    session = create_session(chat)

    ask(chat, session, "a" * 10_000)

    assert len(read_data(chat.get(f"/chats/{session}/messages"))[0]["content"]) == 10_000


@rule(
    "smart_chat.ASK.stream",
    "A streamed reply is sent in pieces with the id of the message to be, and ends with the whole message "
    "as it is stored.",
    source=sources.SMART_CHAT,
    quick=True,
)
@covers(smart_chat.ASK, 200)
def test_stream(chat: Api) -> None:
    session = create_session(chat)

    *deltas, (last, message) = stream(chat, session, "Tell me about lighthouses")

    assert deltas
    assert {name for name, _ in deltas} == {"message.delta"}
    assert all(set(delta) == {"id", "delta"} for _, delta in deltas)
    assert {delta["id"] for _, delta in deltas} == {message["_id"]}
    assert last == "message.completed"
    assert "".join(delta["delta"] for _, delta in deltas).strip() == message["content"]
    question, stored = read_data(chat.get(f"/chats/{session}/messages"))
    assert stored == message
    assert question["content"] == "Tell me about lighthouses"


@rule(
    "smart_chat.ASK.stream-equal",
    "A streamed reply has the same content as one that is not streamed.",
    source=sources.SMART_CHAT,
)
def test_stream_equals_reply(chat: Api) -> None:
    one, other = create_session(chat), create_session(chat)

    whole = ask(chat, one, "Tell me about lighthouses")
    _, streamed = stream(chat, other, "Tell me about lighthouses")[-1]

    assert streamed["content"] == whole["content"]


@rule(
    "smart_chat.ASK.stream-not-found",
    "A streamed reply in an unknown session is 404 with the error body.",
    source=sources.SMART_CHAT,
)
def test_stream_of_unknown_session(chat: Api) -> None:
    check_error(chat.post(f"/chats/{'0' * 24}/smart-chat", {"message": "Hello"}, headers=STREAM), 404)


@rule(
    "smart_chat.ASK.stream-request-id",
    "A stream carries the request's Unique-Reference-Code as X-Request-Id.",
    source=sources.REQUEST_IDS,
)
def test_stream_carries_reference(chat: Api) -> None:
    response = chat.post(
        f"/chats/{create_session(chat)}/smart-chat",
        {"message": "Hello"},
        headers={**STREAM, "Unique-Reference-Code": "urc-stream"},
    )

    assert response.headers["X-Request-Id"] == "urc-stream"
