"""The setting `reply_function`: replies that fail, break off, or take their time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from duologue.conformance.realtime.silence import check_silence
from duologue.conformance.resources.smart_chat import STREAM, ask, read_events, stream
from duologue.conformance.rules import covers
from duologue.conformance.target.examples import create_session
from duologue.conformance.target.listener import Listen, chat_auth
from duologue.conformance.target.responses import check_error, check_error_body, read_data
from duologue.conformance.target.server import Server
from duologue.contract import smart_chat


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


def test_typing_after_failure(serve: Callable[..., Server], listen: Listen) -> None:
    def reply(_: Any) -> str:
        raise RuntimeError("boom")

    server = serve(reply_function=reply)
    chat = server.chat
    session = create_session(chat)
    listener = listen(server.platform_origin, auth=chat_auth(chat))

    chat.post(f"/chats/{session}/smart-chat", {"message": "Hello"})

    listener.wait_for("chat:typing", typing=False)
    check_silence(server, listener, about=("notification:", "message:delta"))
