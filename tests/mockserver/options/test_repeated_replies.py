"""The setting `reply_function`, with an `Idempotency-Key`: a reply that failed or broke off is asked for again."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from duologue.conformance.http.idempotency import check_replay, with_key
from duologue.conformance.resources.smart_chat import STREAM
from duologue.conformance.rules import covers
from duologue.conformance.target.caller import Api
from duologue.conformance.target.examples import create_session
from duologue.conformance.target.responses import check_error, read_data
from duologue.conformance.target.server import Server
from duologue.contract import smart_chat


def test_server_error_is_not_stored(serve: Callable[..., Server]) -> None:
    failures = [RuntimeError("boom")]

    def reply(_: Any) -> str:
        if failures:
            raise failures.pop()
        return "Better now"

    chat = serve(reply_function=reply).chat
    session, headers = create_session(chat), with_key()
    path, body = f"/chats/{session}/smart-chat", {"message": "Hello"}

    check_error(chat.post(path, body, headers=headers), 502)
    check_error(chat.post(path, {"message": "Other"}, headers=headers), 422)
    again = chat.post(path, body, headers=headers)

    assert read_data(again, 201)["content"] == "Better now"
    assert "Idempotency-Replayed" not in again.headers
    stored = read_data(chat.get(f"/chats/{session}/messages"))
    assert [message["content"] for message in stored] == ["Hello", "Better now"]


@covers(smart_chat.ASK, 409)
def test_key_in_progress(serve: Callable[..., Server]) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def reply(_: Any) -> str:
        begun.set()
        assert go_on.wait(10)
        return "At last"

    chat = serve(reply_function=reply).chat
    session, headers = create_session(chat), with_key()
    path, body = f"/chats/{session}/smart-chat", {"message": "Hello"}

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(chat.post, path, body, headers=headers)
        assert begun.wait(10)
        check_error(chat.post(path, body, headers=headers), 409)
        check_error(chat.post(path, {"message": "Other"}, headers=headers), 422)
        go_on.set()

        check_replay(first.result(), chat.post(path, body, headers=headers))


@pytest.mark.parametrize("accept", [{}, STREAM], ids=["whole", "streamed"])
@pytest.mark.parametrize("broken_by", ["client", "server"])
def test_broken_stream_stores_once(serve: Callable[..., Server], broken_by: str, accept: dict[str, str]) -> None:
    """However it broke off, and however it is asked for again: one question, one reply, and it is replayed then."""
    attempts, closed = itertools.count(), threading.Event()

    def reply(_: Any) -> Iterator[str]:
        if next(attempts) > 0:
            yield from ("All ", "of it")
            return
        try:
            yield "Half "
            if broken_by == "server":
                raise RuntimeError("boom")
            while not closed.wait(0.01):
                yield "more "
        finally:
            closed.set()

    chat = serve(reply_function=reply).chat
    session, headers = create_session(chat), with_key()
    path, body = f"/chats/{session}/smart-chat", {"message": "Hello"}
    with chat.request("POST", path, body, headers={**headers, **STREAM}, stream=True) as broken:
        assert b"Half" in next(broken.iter_content(1024))
    assert closed.wait(10)

    again = _repeat_until_free(chat, path, body, {**headers, **accept})
    replayed = chat.post(path, body, headers=headers)

    assert "Idempotency-Replayed" not in again.headers
    assert "All " in again.text
    assert replayed.headers["Idempotency-Replayed"] == "true"
    stored = read_data(chat.get(f"/chats/{session}/messages"))
    assert [(message["sender"], message["content"]) for message in stored] == [
        ("user", "Hello"),
        ("assistant", "All of it"),
    ]


def _repeat_until_free(chat: Api, path: str, body: Any, headers: dict[str, str]) -> requests.Response:
    """Send a request, again while the server has not noticed that the first attempt was broken off."""
    while (response := chat.post(path, body, headers=headers)).status_code == 409:
        assert response.headers["Retry-After"]
    return response
