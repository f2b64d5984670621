"""A response that ends at any byte of it, by a close or a reset: retried, or an error, but never a result."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from duologue import APIError, Client, ConnectionLostError, DecodingError
from tests.client.fakes import MESSAGE, USER
from tests.client.faults.acts import CHUNKED, HEAD, respond, send, then_reset
from tests.client.servers import Act, Received, ScriptedServer

pytestmark = pytest.mark.slow

To = Callable[..., tuple[Client, ScriptedServer]]
End = Callable[[bytes], Act]

BODY = json.dumps({**USER, "id": "12"}).encode()
LENGTH = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY)
CHUNKS = b"".join(b"%x;ext=1\r\n%b\r\n" % (len(piece), piece) for piece in (BODY[:10], BODY[10:26], BODY[26:]))

FRAMED = {
    "length": LENGTH + BODY,
    "chunks": CHUNKED + CHUNKS + b"0\r\nX-Trailer: yes\r\n\r\n",
    "interim": b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + LENGTH + BODY,
}
"""Responses that say where they end."""

NO_CONTENT = b"HTTP/1.1 204 No Content\r\nX-Request-Id: abc\r\n\r\n"
REDIRECT = b"HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 2\r\nLocation: /api/users/12\r\n\r\nok"

ENDS = pytest.mark.parametrize("end", [send, then_reset], ids=["close", "reset"])


def list_cuts(response: bytes, end: End, first: int = 0) -> list[Act]:
    """The response, ended at each of its bytes but the last."""
    return [end(response[:size]) for size in range(first, len(response))]


CALLS: dict[str, Callable[[Client], object]] = {
    "GET": lambda api: api.users.get("12"),
    "POST": lambda api: api.users.create(name="John Doe", email="john@example.com"),
}


@ENDS
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
@pytest.mark.parametrize("response", FRAMED.values(), ids=FRAMED.keys())
def test_each_byte_is_retried(to: To, response: bytes, call: Callable[[Client], object], end: End) -> None:
    api, server = to(max_retries=1, retry_budget=None)
    whole = send(response, keep=True)
    for cut in list_cuts(response, end):
        server.script[:] = [cut, whole]
        server.received.clear()
        assert call(api).id == "12"  # type: ignore[attr-defined]  # both return a user
        assert len(server.received) == 2


@ENDS
@pytest.mark.parametrize("response", FRAMED.values(), ids=FRAMED.keys())
def test_each_byte_is_an_error(to: To, response: bytes, end: End) -> None:
    api, server = to(max_retries=0)
    for cut in list_cuts(response, end):
        server.script[:] = [cut]
        server.received.clear()
        with pytest.raises(ConnectionLostError):
            api.users.get("12")


@ENDS
def test_each_byte_of_no_content(to: To, end: End) -> None:
    api, server = to(max_retries=1, retry_budget=None)
    for cut in list_cuts(NO_CONTENT, end):
        server.script[:] = [cut, send(NO_CONTENT, keep=True)]
        server.received.clear()
        api.users.delete("12")
        assert len(server.received) == 2


@ENDS
def test_each_byte_of_redirect(serve: Callable[..., ScriptedServer], to: To, end: End) -> None:
    """A `Location` that is cut off after `/api/users/1` leads to another user."""
    api, server = to(max_retries=1, retry_budget=None)

    def platform(request: Received) -> Act:
        if request.target == "/api/users/old":
            return cut if len(server.received) == 1 else send(REDIRECT, keep=True)
        return respond(200, {**USER, "id": request.target.removeprefix("/api/users/")})

    server.handler = platform
    for cut in list_cuts(REDIRECT, end):
        server.script[:] = [cut]
        server.received.clear()
        assert api.users.get("old").id == "12"
        assert [request.target[-3:] for request in server.received] == ["old", "old", "/12"]


@pytest.mark.parametrize("head", [HEAD + b"\r\n", HEAD.replace(b"1.1", b"1.0") + b"\r\n"], ids=["1.1", "1.0"])
def test_body_until_close(to: To, head: bytes) -> None:
    """A body without length ends with the connection (RFC 9112, section 8). JSON shows whether that was its end."""
    api, server = to(max_retries=1, retry_budget=None)
    for cut in list_cuts(head + BODY, send, first=len(head)):
        server.script[:] = [cut]
        server.received.clear()
        with pytest.raises(DecodingError):
            api.users.get("12")
    for cut in list_cuts(head + BODY, then_reset, first=len(head)):
        server.script[:] = [cut, send(head + BODY)]
        server.received.clear()
        assert api.users.get("12").id == "12"
    server.script[:] = [send(head + BODY)]
    assert api.users.get("12").id == "12"


REPLY = {**MESSAGE, "sender": "assistant"}
EVENTS = b'event: message.delta\ndata: {"id": "m", "delta": "Hi"}\n\n' + (
    b"event: message.completed\ndata: %b\n\n" % json.dumps(REPLY).encode()
)
STREAM = b"HTTP/1.1 201 Created\r\nContent-Type: text/event-stream\r\n"
STREAMS = {
    "chunks": STREAM + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(EVENTS), EVENTS),
    "length": STREAM + b"Content-Length: %d\r\n\r\n%b" % (len(EVENTS) + 10, EVENTS),
    "until close": STREAM + b"\r\n" + EVENTS,
}


@ENDS
@pytest.mark.parametrize("response", STREAMS.values(), ids=STREAMS.keys())
def test_each_byte_of_stream(to: To, response: bytes, end: End) -> None:
    """A stream is retried until its head has arrived; then the message counts only when it is complete."""
    api, server = to(max_retries=1, retry_budget=None)
    head, complete = response.index(b"\r\n\r\n") + 4, response.rindex(b"}\n\n") + 3
    for cut, size in zip(list_cuts(response, end), range(len(response)), strict=True):
        server.script[:] = [cut, send(response)]
        server.received.clear()
        error: APIError | None = None
        try:
            with api.smart_chat.stream("s", message="m") as reply:
                assert reply.read().content == REPLY["content"]
        except ConnectionLostError as failure:
            error = failure
        assert size >= head if error else not head <= size < complete


INTERIM = b"HTTP/1.1 102 Processing\r\n\r\n" + b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"


@pytest.mark.parametrize("times", [1, 2, 25, 50])
def test_interim_responses(to: To, times: int) -> None:
    """They are skipped, whatever their number and status (RFC 9110, section 15.2)."""
    api, server = to(send(INTERIM * times + LENGTH + BODY, keep=True))
    for _ in range(2):
        assert api.users.get("12").id == "12"
    assert server.connections == 1


def test_no_content_in_chunks(to: To) -> None:
    """A response without a body has no chunks to wait for, whatever its headers say."""
    api, server = to(send(b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", keep=True))
    for _ in range(2):
        api.users.delete("1")
    assert server.connections == 1


def test_length_and_chunks(to: To) -> None:
    """The chunks count, and the connection is not used again (RFC 9112, section 6.3)."""
    api, server = to(send(CHUNKED[:-2] + b"Content-Length: 5\r\n\r\n" + CHUNKS + b"0\r\n\r\n", keep=True))
    for _ in range(2):
        assert api.users.get("12").id == "12"
    assert server.connections == 2
