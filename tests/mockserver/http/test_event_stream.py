"""Server-sent events by the bytes: a reply in pieces, cut off, and failing midway."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from duologue.contract import Event
from duologue_mock import MockServer, ReplyRequest
from tests.mockserver.http.lines import CHAT, HEALTH, JSON
from tests.mockserver.raw import ask, head, peer

pytestmark = pytest.mark.usefixtures("check_server")


ASK = "POST /chats-service/api/v1/chats/test-session-1/smart-chat HTTP/1.1"


class Ended:
    """Notices that the assistant stopped typing."""

    def __init__(self, server: MockServer) -> None:
        self.event = threading.Event()
        with server.state as state:
            state.subscribe(self._hear)

    def _hear(self, event: Event[Any], payload: Any, user_id: str | None) -> None:
        if event.name == "chat:typing" and not payload.typing:
            self.event.set()


def ask_for_stream() -> bytes:
    body = b'{"message": "Hello"}'
    return head(ASK, *CHAT, JSON, "Accept: text/event-stream", f"Content-Length: {len(body)}") + body


def test_http_1_0_stream(server: MockServer) -> None:
    body = b'{"message": "Hello"}'
    line = "POST /chats-service/api/v1/chats/test-session-1/smart-chat HTTP/1.0"
    response = ask(
        server.port, line, *CHAT, JSON, "Accept: text/event-stream", f"Content-Length: {len(body)}", body=body
    )
    assert response.status == 200
    assert "transfer-encoding" not in response.headers
    assert response.body.endswith(b"\n\n")
    assert b"event: message.completed" in response.body


def test_stream() -> None:
    goes_on = threading.Event()

    def reply(request: ReplyRequest) -> Iterator[str]:
        yield "One"
        assert goes_on.wait(10)
        yield " two"

    with MockServer(reply_function=reply) as server, peer(server.port) as one:
        one.send(ask_for_stream())
        assert b"text/event-stream" in one.until(b"\r\n\r\n")
        first = one.until(b"\n\n")
        assert b"event: message.delta" in first
        assert b'"delta":"One"' in first
        goes_on.set()
        assert b'"delta":" two"' in one.until(b"\n\n")
        assert b"event: message.completed" in one.until(b"\n\n")
        one.until(b"0\r\n\r\n")
        one.send(head(HEALTH))
        assert one.read_response().status == 200


def test_abandoned_stream() -> None:
    def reply(request: ReplyRequest) -> Iterator[str]:
        while True:
            yield "more "

    with MockServer(reply_function=reply, stream_delay=0.01) as server:
        ended = Ended(server)
        with peer(server.port) as one:
            one.send(ask_for_stream())
            one.until(b"message.delta")
        assert ended.event.wait(10)
        with server.state as state:
            assert [message.content for message in state.chats.messages("test-session-1")] == ["Hello, world!", "Hello"]
        assert ask(server.port, HEALTH).status == 200


def test_stream_error() -> None:
    def reply(request: ReplyRequest) -> Iterator[str]:
        yield "One"
        raise ZeroDivisionError

    with MockServer(reply_function=reply) as server, peer(server.port) as one:
        one.send(ask_for_stream())
        response = one.read_response()
        last = response.body.decode().strip().split("\n\n")[-1]
        name, _, data = last.partition("\ndata: ")
        assert name == "event: error"
        body = json.loads(data)
        assert body["code"] == "SERVER_ERROR"
        assert body["metadata"]["requestId"] == response.headers["x-request-id"] == "engine-1"


def test_slow_reply_blocks_no_request() -> None:
    started, goes_on = threading.Event(), threading.Event()

    def reply(request: ReplyRequest) -> str:
        started.set()
        assert goes_on.wait(10)
        return "Done."

    with MockServer(reply_function=reply) as server, peer(server.port) as one:
        one.send(ask_for_stream())
        assert started.wait(10)
        assert ask(server.port, HEALTH).status == 200
        goes_on.set()
        assert b"Done." in one.read_response().body
