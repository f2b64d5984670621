"""Smart chat: `POST /chats/{id}/smart-chat`, whole and streamed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from duologue.contract import smart_chat
from tests.contract.examples import create_session
from tests.contract.server import OBJECT_ID, TIMESTAMP, Api, Server, check_error, check_error_body, covers, read_data

STREAM = {"Accept": "text/event-stream"}
NO_TEXT: list[Any] = [{}, [], 7, True, None]

ReceivedEvents = list[tuple[str, dict[str, Any]]]


def ask(chat: Api, session: str, message: str, **more: Any) -> dict[str, Any]:
    """Ask the assistant and return its message."""
    reply: dict[str, Any] = read_data(chat.post(f"/chats/{session}/smart-chat", {"message": message, **more}), 201)
    return reply


def stream(chat: Api, session: str, message: str) -> ReceivedEvents:
    """Ask the assistant for a streamed reply and return the events."""
    response = chat.post(f"/chats/{session}/smart-chat", {"message": message}, headers=STREAM)
    return read_events(response)


def read_events(response: requests.Response) -> ReceivedEvents:
    """Read server-sent events, as the HTML standard has them: fields of lines, an event ends at an empty one."""
    assert response.headers["Content-Type"].split(";")[0] == "text/event-stream"
    text = response.content.decode("utf-8").replace("\r\n", "\n")
    assert text.endswith("\n\n")
    blocks = [_fields(block) for block in text.split("\n\n")]
    return [(fields["event"], json.loads(fields["data"])) for fields in blocks if "data" in fields]


def _fields(block: str) -> dict[str, str]:
    lines = [line.partition(":") for line in block.split("\n") if line and not line.startswith(":")]
    return {name: value.removeprefix(" ") for name, _, value in lines}


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


def test_ask_moves_session(chat: Api) -> None:
    session = create_session(chat)

    reply = ask(chat, session, "Hello")

    after = read_data(chat.get(f"/chats/{session}"))
    assert after["lastMessageAt"] == reply["createdAt"]
    assert after["updatedAt"] >= reply["createdAt"]


MESSAGES = [
    "Hello, world!",
    "Tell me about lighthouses",
    "Why?",
    "Grüße aus 東京 😀",
    "thanks",
    "...",
    "$message $$ {x}",
]


@pytest.mark.parametrize("message", MESSAGES, ids=ascii)
def test_deterministic_reply(chat: Api, message: str) -> None:
    def replies(api: Api) -> list[str]:
        session = create_session(api)
        return [ask(api, session, text)["content"] for text in ("First", message, message)]

    assert replies(chat) == replies(chat.as_user())


def test_fallback_reply(chat: Api) -> None:
    assert "xylophone" in ask(chat, create_session(chat), "Consider the xylophone.")["content"]


@covers(smart_chat.ASK, 400)
@pytest.mark.parametrize(
    "body",
    [
        *({"message": message} for message in ("", " \n", "a" * 10_001, "nul\x00", *NO_TEXT)),
        *({"message": "Hello", "context": context} for context in NO_TEXT),
        {"content": "Hello", "sender": "user"},
        {},
    ],
    ids=lambda body: ascii(body)[:40],
)
@pytest.mark.parametrize("headers", [{}, STREAM], ids=["whole", "streamed"])
def test_invalid_request(chat: Api, body: dict[str, Any], headers: dict[str, str]) -> None:
    session = create_session(chat)

    check_error(chat.post(f"/chats/{session}/smart-chat", body, headers=headers), 400)

    assert read_data(chat.get(f"/chats/{session}/messages")) == []


def test_message_length(chat: Api) -> None:
    session = create_session(chat)

    ask(chat, session, "a" * 10_000)

    assert len(read_data(chat.get(f"/chats/{session}/messages"))[0]["content"]) == 10_000


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


def test_stream_equals_reply(chat: Api) -> None:
    one, other = create_session(chat), create_session(chat)

    whole = ask(chat, one, "Tell me about lighthouses")
    _, streamed = stream(chat, other, "Tell me about lighthouses")[-1]

    assert streamed["content"] == whole["content"]


def test_stream_of_unknown_session(chat: Api) -> None:
    check_error(chat.post(f"/chats/{'0' * 24}/smart-chat", {"message": "Hello"}, headers=STREAM), 404)


def test_stream_carries_reference(chat: Api) -> None:
    response = chat.post(
        f"/chats/{create_session(chat)}/smart-chat",
        {"message": "Hello"},
        headers={**STREAM, "Unique-Reference-Code": "urc-stream"},
    )

    assert response.headers["X-Request-Id"] == "urc-stream"


def test_reply_function(serve: Callable[..., Server]) -> None:
    reply_requests = []

    def reply(request: Any) -> str:
        reply_requests.append(request)
        return f"You said {request.message} about {request.context}."

    chat = serve(reply_function=reply).chat
    session = create_session(chat, "My session")
    chat.post(f"/chats/{session}/messages", {"content": "Before", "sender": "system"})

    assert ask(chat, session, "Hello", context="ships")["content"] == "You said Hello about ships."
    assert [message.content for message in reply_requests[0].history] == ["Before", "Hello"]
    assert reply_requests[0].session.title == "My session"


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        pytest.param(RuntimeError("boom"), 502, marks=covers(smart_chat.ASK, 502), id="fails"),
        pytest.param(TimeoutError("late"), 504, marks=covers(smart_chat.ASK, 504), id="takes too long"),
    ],
)
def test_failing_reply(serve: Callable[..., Server], failure: Exception, status: int) -> None:
    def reply(_: Any) -> str:
        raise failure

    chat = serve(reply_function=reply).chat
    session = create_session(chat)

    check_error(chat.post(f"/chats/{session}/smart-chat", {"message": "Hello"}), status)

    assert [message["sender"] for message in read_data(chat.get(f"/chats/{session}/messages"))] == ["user"]
    assert chat.get("/health").status_code == 200


def test_failing_stream(serve: Callable[..., Server]) -> None:
    def reply(_: Any) -> Iterator[str]:
        yield "Once upon "
        yield "a time"
        raise RuntimeError("boom")

    chat = serve(reply_function=reply).chat
    session = create_session(chat)

    first, second, (name, error) = stream(chat, session, "Tell me a story")

    assert [first[0], second[0], name] == ["message.delta", "message.delta", "error"]
    check_error_body(error, 502)
    assert [message["sender"] for message in read_data(chat.get(f"/chats/{session}/messages"))] == ["user"]


@pytest.mark.parametrize("headers", [{}, STREAM], ids=["whole", "streamed"])
def test_session_deleted_meanwhile(serve: Callable[..., Server], headers: dict[str, str]) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def reply(_: Any) -> str:
        begun.set()
        assert go_on.wait(10)
        return "Too late"

    chat = serve(reply_function=reply).chat
    session = create_session(chat)
    with ThreadPoolExecutor(1) as pool:
        response = pool.submit(chat.post, f"/chats/{session}/smart-chat", {"message": "Hello"}, headers=headers)
        assert begun.wait(10)
        assert chat.delete(f"/chats/{session}").status_code == 204
        go_on.set()

    if headers:
        name, error = read_events(response.result())[-1]
        assert name == "error"
        check_error_body(error, 404)
    else:
        check_error(response.result(), 404)
    check_error(chat.get(f"/chats/{session}/messages"), 404)
    assert read_data(chat.get("/chats")) == []


def test_pieces_are_sent_at_once(serve: Callable[..., Server]) -> None:
    first_received = threading.Event()

    def reply(_: Any) -> Iterator[str]:
        yield "first "
        assert first_received.wait(10), "the first piece was held back until the second was made"
        yield "second"

    chat = serve(reply_function=reply).chat
    session = create_session(chat)

    with chat.request(
        "POST", f"/chats/{session}/smart-chat", {"message": "Hello"}, headers=STREAM, stream=True
    ) as response:
        lines = response.iter_lines(chunk_size=1, decode_unicode=True)
        assert any("first" in line for line in lines)
        first_received.set()
        assert any("message.completed" in line for line in lines)
