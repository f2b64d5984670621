"""How stubbed responses are sent: their framing, delays that block no other request, and bodies that dribble."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from duologue_mock import MockServer
from tests.mockserver.control.responses.test_faults import CREATE, USER, count_recorded
from tests.mockserver.control.responses.wire import Wire
from tests.waiting import eventually

LONG = 10**9
"""Milliseconds: eleven days."""


AT_ONCE = {"numberOfChunks": 2, "totalDuration": 0}
SLOW: list[dict[str, Any]] = [
    {"fixedDelayMilliseconds": LONG},
    {"delayDistribution": {"type": "uniform", "lower": LONG, "upper": LONG}},
    {"body": "slow", "chunkedDribbleDelay": {"numberOfChunks": 2, "totalDuration": LONG}},
]
LINES = [
    (200, b"200 OK"),
    (418, b"418 I'm a Teapot"),
    (299, b"299 299"),
    (599, b"599 599"),
    (999, b"999 999"),
]


def test_empty_response(wire: Wire) -> None:
    wire.stub({})
    one = wire.send()
    response = one.read_response()
    assert (response.status, response.body, response.headers["content-length"]) == (200, b"", "0")
    assert wire.send(peer=one).read_response().status == 200


@pytest.mark.parametrize(("status", "line"), LINES)
def test_status_lines(wire: Wire, status: int, line: bytes) -> None:
    wire.stub({"status": status})
    assert wire.send().until(b"\r\n") == b"HTTP/1.1 %b\r\n" % line


@pytest.mark.parametrize("message", ["My own", "", "naïve"], ids=ascii)
def test_status_message(wire: Wire, message: str) -> None:
    wire.stub({"status": 503, "statusMessage": message, "body": "x"})
    one = wire.send()
    assert one.until(b"\r\n") == f"HTTP/1.1 503 {message}\r\n".encode("latin-1")
    one.until(b"\r\n\r\n")
    assert one.read_up_to(1) == b"x"


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("more", [{}, {"statusMessage": "x"}, {"chunkedDribbleDelay": AT_ONCE}], ids=str)
def test_statuses_without_body(wire: Wire, status: int, more: dict[str, Any]) -> None:
    wire.stub({"status": status, "body": "x", **more})
    one = wire.send()
    response = one.read_response()
    assert response.status == status
    assert not {"content-length", "transfer-encoding"} & response.headers.keys()
    assert wire.send(peer=one).read_response().status == status


@pytest.mark.parametrize("more", [{}, {"statusMessage": "x"}, {"headers": {"Content-Length": "5"}}], ids=str)
def test_head_has_no_body(wire: Wire, more: dict[str, Any]) -> None:
    wire.stub({"body": "hello", **more})
    one = wire.send("HEAD /x HTTP/1.1")
    assert one.read_response(to="HEAD").headers["content-length"] == "5"
    assert wire.send(peer=one).read_response().body == b"hello"


@pytest.mark.parametrize("length", ["3", "30", "0"])
def test_wrong_length_closes(wire: Wire, length: str) -> None:
    """The body is sent as it is; the connection ends, or the next response would be taken for a part of this one."""
    wire.stub({"body": "hello", "headers": {"Content-Length": length}})
    one = wire.send()
    response_head = one.until(b"\r\n\r\n")
    assert response_head.count(b"Content-Length") == 1
    assert b"\r\nContent-Length: %b\r\n" % length.encode() in response_head
    assert one.rest() == b"hello"


def test_right_length_keeps_alive(wire: Wire) -> None:
    wire.stub({"body": "hello", "headers": {"content-length": "5"}})
    one = wire.send()
    assert one.read_response().body == b"hello"
    assert wire.send(peer=one).read_response().body == b"hello"


def test_chunked_by_the_stub(wire: Wire) -> None:
    wire.stub({"body": "hello", "headers": {"Transfer-Encoding": "chunked"}})
    one = wire.send()
    response = one.read_response()
    assert (response.headers["transfer-encoding"], response.body) == ("chunked", b"hello")
    assert wire.send(peer=one).read_response().body == b"hello"


def test_headers_of_the_stub(wire: Wire) -> None:
    """One that the server adds otherwise is there once; a list is sent as several."""
    headers = {"Date": "yesterday", "X-Request-Id": "mine", "Vary": "X", "Connection": "close", "B": "é"}
    wire.stub({"headers": {**headers, "A": ["1", "2"]}})
    lines = wire.send().until(b"\r\n\r\n").decode("latin-1").split("\r\n")
    assert [line for line in lines if line.startswith("A: ")] == ["A: 1", "A: 2"]
    for name, value in headers.items():
        assert [line for line in lines if line.lower().startswith(f"{name.lower()}: ")] == [f"{name}: {value}"]


def test_no_content_type_is_added(wire: Wire) -> None:
    wire.stub({"jsonBody": {"a": 1}})
    response = wire.ask()
    assert response.body == b'{"a":1}'
    assert "content-type" not in response.headers


@pytest.mark.parametrize("response", SLOW, ids=str)
def test_delay_blocks_no_request(wire: Wire, response: dict[str, Any]) -> None:
    wire.stub(response)
    waiting = [wire.send() for _ in range(5)]
    assert wire.ask("GET /api/users HTTP/1.1").status == 200
    assert len(waiting) == 5


def test_client_that_left_changes_nothing(wire: Wire) -> None:
    """An operation that is delayed is not done for a client that has gone away meanwhile."""
    wire.stub({"passThrough": True, "fixedDelayMilliseconds": LONG}, url="/api/users", request={"method": "POST"})
    wire.send(*CREATE, body=USER).close()
    assert eventually(lambda: count_recorded(wire) == 1)
    wire.control("DELETE /mappings")
    assert wire.count() == 2


def test_dribbling_ends_with_the_client(wire: Wire) -> None:
    wire.stub({"body": "x" * 100, "chunkedDribbleDelay": {"numberOfChunks": 100, "totalDuration": LONG}})
    wire.send().close()
    assert eventually(lambda: count_recorded(wire) == 1)
    assert wire.ask("GET /api/users HTTP/1.1").status == 200


@pytest.mark.parametrize("number", [1, 3, 5, 50])
def test_dribbled_body(wire: Wire, number: int) -> None:
    wire.stub({"body": "hello", "chunkedDribbleDelay": {"numberOfChunks": number, "totalDuration": 20}})
    one = wire.send()
    one.until(b"\r\n\r\n")
    sizes = []
    while size := int(one.until(b"\r\n"), 16):
        sizes.append(size)
        one.read_up_to(size + 2)
    one.until(b"\r\n")
    assert (sum(sizes), len(sizes)) == (5, min(number, 5))
    assert wire.send(peer=one).read_response().body == b"hello"


def test_dribbled_own_response(wire: Wire) -> None:
    dribble = {"numberOfChunks": 4, "totalDuration": 8}
    wire.stub({"passThrough": True, "chunkedDribbleDelay": dribble}, url="/api/users")
    response = wire.ask("GET /api/users HTTP/1.1")
    assert (response.headers["transfer-encoding"], response.json["total"]) == ("chunked", 2)


def test_delayed_response_at_the_end() -> None:
    """A mock that stops does not wait for delays: what is in flight is answered."""
    with MockServer() as server, Wire(server, "default") as wire:
        wire.stub({"passThrough": True, "fixedDelayMilliseconds": LONG}, url="/api/users")
        one = wire.send("GET /api/users HTTP/1.1")
        assert wire.ask("GET /api/health HTTP/1.1").status == 200  # the first has been read by now
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        assert one.read_response().json["total"] == 2
        stopping.join()
