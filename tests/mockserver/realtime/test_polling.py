"""Polling: bodies that no client sends, requests that no session fits, and that nothing of them is left."""

from __future__ import annotations

import json
import threading

import pytest

from duologue.contract.error_body import ErrorBodySchema
from duologue_mock import MockServer
from duologue_mock.realtime import engine
from duologue_mock.realtime.packets import MAX_PACKETS_PER_SECOND
from tests.mockserver.raw import ask, head
from tests.mockserver.realtime.clients import count_connections
from tests.mockserver.realtime.raw_clients import (
    QUERY,
    Polling,
    check_error,
    count_sessions,
    frames,
    leaves_no_greenlets,
    leaves_nothing,
)
from tests.waiting import eventually

pytestmark = pytest.mark.slow

MALFORMED = {
    "nothing": b"",
    "open": b"0{}",
    "ping": b"2",
    "probe": b"2probe",
    "upgrade": b"5",
    "noop": b"6",
    "unknown types": b"7",
    "unknown type": b"9x",
    "digit of another script": "٤".encode(),
    "text": b"hello",
    "form of JSONP": b"d=421[%22x%22]",
    "not base64": b"b!!!",
    "base64 cut off": b"bQUI",
    "not UTF-8": b"4\xff",
    "lone surrogate": b"42[\"\xed\xa0\x80\"]",
    "empty packet at the end": b"3\x1e",
    "empty packet between": b"3\x1e\x1e3",
    "only separators": b"\x1e" * 50,
    "good and bad": b'421["nope"]\x1e2',
}  # fmt: skip


def is_idle(mock: MockServer, polling: Polling) -> bool:
    """Return whether no request waits for the packets of a session."""
    return polling.sid in mock._context.realtime.engine._idle


@pytest.mark.parametrize("join", [True, False], ids=["joined", "opened"])
@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_malformed_body(mock: MockServer, body: bytes, join: bool) -> None:
    Polling(mock.port).post(b"1")
    with leaves_nothing(mock):
        polling = Polling(mock.port, join=join)
        check_error(polling.post(body), 400)
        check_error(polling.read(), 400)
    assert count_connections(mock) == 0


def test_no_greenlets_are_left(mock: MockServer) -> None:
    Polling(mock.port).post(b"1")
    with leaves_nothing(mock), leaves_no_greenlets():
        for body in MALFORMED.values():
            for join in (True, False):
                check_error(Polling(mock.port, join=join).post(body), 400)
        Polling(mock.port).post(b"1")


@pytest.mark.parametrize("body", [b"", b"2", b"9", b"hello", b"b!!!", b"4\xff"], ids=repr)
def test_malformed_body_ends_poll(mock: MockServer, body: bytes) -> None:
    polling = Polling(mock.port)
    with polling.wait_for_packets() as waiting:
        assert eventually(lambda: not is_idle(mock, polling))
        check_error(polling.post(body), 400)
        assert waiting.read_response().body == b"1", "its last packet closes the session"


@pytest.mark.parametrize(
    "body", [b'42["x"]', b"4", b"41", b"43[]", b"49", b"4[[[[", b"4" + b"[" * 9000, b'451-["x"]', b"461-[]", b"bAAAA"],
    ids=lambda body: repr(body)[:20],
)  # fmt: skip
def test_message_before_handshake(mock: MockServer, body: bytes) -> None:
    polling = Polling(mock.port, join=False)
    check_error(polling.post(body), 400)
    check_error(polling.read(), 400)
    assert count_sessions(mock) == 0


@pytest.mark.parametrize(
    "packet",
    ['42["x', "42", "49", "44{}", "40", "42/other,[1]", "41/other,", "43[]", '439[1]', '451-["x"]', '45101-["x"]',
     '45-["x"]', "461-[]", '465-["x"]', "42" + "[" * 9000, '42["\\ud800"]', '42["x",NaN]', '421-["x"]', "4²"],
    ids=lambda packet: packet[:20],
)  # fmt: skip
def test_mistake_is_reported(mock: MockServer, packet: str) -> None:
    polling = Polling(mock.port)
    for _ in range(2):
        assert polling.post(f"4{packet[1:]}".encode()).status == 200
        text = polling.read().body.decode()
        assert text.startswith('42["error",'), text
        ErrorBodySchema().load(json.loads(text[2:])[1])
    polling.post(b'427["nope"]')
    assert polling.read().body.startswith(b"437[{")


def test_attachments_are_dropped(mock: MockServer) -> None:
    polling = Polling(mock.port)
    body = b'452-7["x",{"_placeholder":true,"num":0}]\x1ebAAAA\x1ebAAAA\x1ebAAAA'
    assert polling.post(body).status == 200
    packets = polling.read().body.split(b"\x1e")
    assert [packet[:3] for packet in packets] == [b"437", b"42["], "the third was not announced"
    polling.post(b'452-["x"]\x1e428["x"]\x1ebAAAA')
    assert [packet[:3] for packet in polling.read().body.split(b"\x1e")] == [b"42[", b"438", b"42["]


@pytest.mark.parametrize("packet", [b"3", b"\x1e", b'42["x"]', b"bAAAA", b"4", b"2"], ids=repr)
def test_many_packets_in_body(packet: bytes) -> None:
    with MockServer() as mock, leaves_nothing(mock):
        polling = Polling(mock.port)
        body = b"\x1e".join([packet] * (1_000_000 // (len(packet) + 1)))
        check_error(polling.post(body), 429)
        check_error(polling.read(), 400)


def test_many_packets_in_bodies(mock: MockServer) -> None:
    polling = Polling(mock.port)
    rest = MAX_PACKETS_PER_SECOND - 1  # the handshake was one
    assert [polling.post(b'42["x"]').status for _ in range(rest + 2)] == [200] * rest + [429, 400]
    assert count_connections(mock) == 0


def test_body_too_large(mock: MockServer) -> None:
    with leaves_nothing(mock):
        polling = Polling(mock.port)
        check_error(polling.post(b'42["' + b"x" * 20_000 + b'"]'), 413)
        check_error(polling.read(), 400)


BAD_QUERIES = [
    "", "EIO=4", "transport=polling", "EIO=3&transport=polling", "EIO=&transport=polling",
    "EIO=4&EIO=4&transport=polling",
    "EIO=٤&transport=polling", "EIO=4&transport=", "EIO=4&transport=websocket", "EIO=4&transport=flashsocket",
    "EIO=4&transport=polling&transport=websocket", "EIO=4&transport=polling&sid=",
    "EIO=4&transport=polling&sid=unknown",
    "EIO=4&transport=polling&sid=%00", "EIO=4&transport=polling&j=0", "EIO=4&transport=polling&j=x",
    "EIO=4&transport=polling&sid=%ff", "%", "&".join(["a"] * 200),
]  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("query", BAD_QUERIES)
def test_bad_query(mock: MockServer, query: str, method: str) -> None:
    with leaves_nothing(mock):
        line = f"{method} /socket.io/?{query} HTTP/1.1".encode().decode("latin-1")
        check_error(ask(mock.port, line, "Content-Length: 2", body=b"40"), 400)


@pytest.mark.parametrize("query", ["EIO=3&transport=polling&sid=", "EIO=4&transport=websocket&sid=", "EIO=4&sid="])
def test_query_unfit_for_session(mock: MockServer, query: str) -> None:
    polling = Polling(mock.port)
    check_error(ask(mock.port, f"GET /socket.io/?{query}{polling.sid} HTTP/1.1"), 400)
    assert polling.post(b'427["nope"]').status == 200
    assert polling.read().body.startswith(b"437")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD", "TRACE", "BREW"])
def test_other_methods(mock: MockServer, method: str) -> None:
    response = ask(mock.port, f"{method} /socket.io/?{QUERY}polling HTTP/1.1")
    assert response.status == 405
    assert response.headers["allow"] == "GET, OPTIONS, POST"


@pytest.mark.parametrize("path", ["/socket.io", "/socket.io/"])
def test_paths(mock: MockServer, path: str) -> None:
    assert ask(mock.port, f"GET {path}?{QUERY}polling HTTP/1.1").body.startswith(b"0{")
    assert ask(mock.port, f"OPTIONS {path} HTTP/1.1").headers["allow"] == "GET, OPTIONS, POST"
    check_error(ask(mock.port, f"GET {path} HTTP/1.1"), 400)


@pytest.mark.parametrize("path", ["/socket.io/x", "/socket.io//", "/socket.io/socket.io.js", "/socket.iox"])
def test_other_paths(mock: MockServer, path: str) -> None:
    check_error(ask(mock.port, f"GET {path}?{QUERY}polling HTTP/1.1"), 404)


def test_two_waiting_requests(mock: MockServer) -> None:
    with leaves_nothing(mock):
        polling = Polling(mock.port)
        with polling.wait_for_packets() as first:
            assert eventually(lambda: not is_idle(mock, polling))
            check_error(polling.read(), 400)
            assert first.read_response().body == b"1"


def test_waiting_client_goes_away(mock: MockServer) -> None:
    with leaves_nothing(mock):
        polling = Polling(mock.port)
        with polling.wait_for_packets():
            assert eventually(lambda: not is_idle(mock, polling))
    assert count_connections(mock) == 0


def test_pipelined_request(mock: MockServer) -> None:
    polling = Polling(mock.port)
    with polling.wait_for_packets() as one:
        assert eventually(lambda: not is_idle(mock, polling))
        one.send(head("GET /api/health HTTP/1.1"))
        assert one.read_response().body == b"6"
        assert one.read_response().json["status"] == "ok"


def test_idle_sessions_are_bounded(mock: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "MAX_IDLE_SESSIONS", 20)
    with frames(mock.port) as websocket:
        waiting = Polling(mock.port)
        with waiting.wait_for_packets() as one:
            assert eventually(lambda: not is_idle(mock, waiting))
            for _ in range(30):
                Polling(mock.port, join=False)
            assert count_sessions(mock) == 22
            waiting.post(b'427["nope"]')
            assert one.read_response().body.startswith(b"437")
        websocket.send(1, b'428["nope"]')
        assert websocket.read_text().startswith("438")


def test_many_clients_at_once(mock: MockServer) -> None:
    """Those that flood are all disconnected, and another one is served meanwhile."""
    with leaves_nothing(mock):
        clients = [Polling(mock.port) for _ in range(20)]
        flood = b"\x1e".join([b'42["x"]'] * (MAX_PACKETS_PER_SECOND - 1))
        threads = [threading.Thread(target=lambda one=one: [one.post(flood) for _ in range(3)]) for one in clients]
        for thread in threads:
            thread.start()
        assert ask(mock.port, "GET /api/health HTTP/1.1").status == 200
        for thread in threads:
            thread.join()
        assert count_connections(mock) == 0
