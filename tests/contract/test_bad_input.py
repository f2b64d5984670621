"""Input that no front end means to send: refused with the common body, nothing changed, the next request fine."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import pytest
import requests

from duologue.contract import Operation, operations
from tests.contract.examples import ask, each, make_session, make_user
from tests.contract.wire import Api, Wire, data, dialled, hear, is_closed, new_user, refused, say

WITH_BODY = [operation for operation in operations() if operation.body]


@pytest.fixture
def unchanged(chat: Api) -> Iterator[Api]:
    """A user of the chat service with one session, which must be as before when the test is over."""
    session = make_session(chat)
    before = data(chat.get("/chats"))
    yield chat
    assert data(chat.get("/chats")) == before
    assert data(chat.get(f"/chats/{session}/messages")) == []


# JSON that is none, or more than anybody means

BAD_TEXTS = {
    "invalid utf-8": b'{"title": "\xff\xfe"}',
    "overlong utf-8": b'{"title": "\xc0\xaf"}',
    "utf-8 surrogate": b'{"title": "\xed\xa0\x80"}',
    "utf-16": '{"title": "x"}'.encode("utf-16"),
    "cut utf-8": b'{"title": "\xe2\x82',
    "byte order mark only": b"\xef\xbb\xbf",
    "raw nul": b'{"title": "a\x00b"}',
    "escaped nul": b'{"title": "a\\u0000b"}',
    "raw line break": b'{"title": "a\nb"}',
    "lone high surrogate": b'{"title": "\\ud800"}',
    "lone low surrogate": b'{"title": "\\udc00x"}',
    "surrogates reversed": b'{"title": "\\udc00\\ud800"}',
    "surrogate as key": b'{"title": "x", "\\ud800": 1}',
    "deep arrays": b'{"title": ' + b"[" * 65 + b"]" * 65 + b"}",
    "deep objects": b'{"title": ' + b'{"a":' * 65 + b"1" + b"}" * 65 + b"}",
    "very deep": b"[" * 200_000,
    "very deep, closed": b"[" * 200_000 + b"]" * 200_000,
    "5,000 digits": b'{"title": ' + b"9" * 5_000 + b"}",
    "5,000 digits, fraction": b'{"title": 0.' + b"9" * 5_000 + b"}",
    "5,000 digits, exponent": b'{"title": 1e' + b"9" * 5_000 + b"}",
    "NaN": b'{"title": NaN}',
    "Infinity": b'{"title": -Infinity}',
    "a key twice": b'{"title": "a", "title": "b"}',
    "comment": b'{"title": "a" /* b */}',
    "trailing comma": b'{"title": "a",}',
    "two values": b'{"title": "a"}{"title": "b"}',
    "null": b"null",
    "list": b'[{"title": "a"}]',
    "list of a million": b"[" + b"1," * 500_000 + b"1]",
    "number": b"1",
    "text": b'"title"',
    "empty text": b'""',
    "white space": b" \r\n\t ",
}


@pytest.mark.parametrize("text", BAD_TEXTS.values(), ids=BAD_TEXTS)
def test_unacceptable_json(unchanged: Api, text: bytes) -> None:
    refused(unchanged.post("/chats", text), 400)


@each(*WITH_BODY)
@pytest.mark.parametrize("name", ["invalid utf-8", "lone high surrogate", "very deep", "5,000 digits", "a key twice"])
def test_unacceptable_json_everywhere(wire: Wire, operation: Operation[Any], name: str) -> None:
    refused(ask(wire, operation).with_body(BAD_TEXTS[name]).send(), 400)


@pytest.mark.parametrize(
    "context",
    [b"9" * 5_000, b'{"n": ' + b"9" * 5_000 + b"}", b'{"n": 1e999}', b'{"n": NaN}', b'{"a": {"b": 1, "b": 2}}',
     b'{"t": "\\ud83d"}', b'{"a":' * 64 + b"1" + b"}" * 64],
    ids=lambda text: text[:20].decode(),
)  # fmt: skip
def test_unacceptable_json_in_context(unchanged: Api, context: bytes) -> None:
    session = data(unchanged.get("/chats"))[0]["_id"]
    body = b'{"content": "Hello", "sender": "user", "context": ' + context + b"}"

    refused(unchanged.post(f"/chats/{session}/messages", body), 400)


def test_nesting_depth(chat: Api) -> None:
    session = make_session(chat)
    context = b'{"a":' * 62 + b"[]" + b"}" * 62  # 63 levels, and the body itself
    body = b'{"content": "Hello", "sender": "user", "context": ' + context + b"}"

    assert data(chat.post(f"/chats/{session}/messages", body), 201)["context"] == json.loads(context)


# Fields

READ_ONLY: dict[str, list[dict[str, Any]]] = {
    "/users": [{"id": "1"}, {"createdAt": "2024-01-01T00:00:00.000Z"}, {"_id": "1"}, {"isAdmin": True}],
    "/chats": [
        *({"_id": "f" * 24}, {"id": "x"}, {"createdAt": "2024-01-01T00:00:00.000Z"}, {"userId": "somebody-else"}),
        *({"isFavorite": True}, {"lastMessageAt": "2030-01-01T00:00:00.000Z"}, {"updatedAt": None}),
    ],
    "/messages": [{"_id": "f" * 24}, {"sessionId": "f" * 24}, {"createdAt": "2024-01-01T00:00:00.000Z"}],
}


@pytest.mark.parametrize("more", READ_ONLY["/users"], ids=ascii)
def test_read_only_user_fields(platform: Api, more: dict[str, Any]) -> None:
    body = new_user()
    user = make_user(platform)

    assert set(refused(platform.post("/users", {**body, **more}), 400)["details"]["fields"]) == set(more)
    assert set(refused(platform.put(f"/users/{user['id']}", more), 400)["details"]["fields"]) == set(more)

    assert platform.get("/users", query={"search": body["email"]}).json()["total"] == 0
    assert platform.get(f"/users/{user['id']}").json() == user


@pytest.mark.parametrize("more", READ_ONLY["/chats"], ids=ascii)
def test_read_only_session_fields(unchanged: Api, more: dict[str, Any]) -> None:
    session = data(unchanged.get("/chats"))[0]["_id"]
    body = {"title": "Owned", **more}

    for answer in (unchanged.post("/chats", body), unchanged.patch(f"/chats/{session}", body)):
        assert set(refused(answer, 400)["details"]["fields"]) == set(more)


@pytest.mark.parametrize("more", READ_ONLY["/messages"], ids=ascii)
def test_read_only_message_fields(unchanged: Api, more: dict[str, Any]) -> None:
    session = data(unchanged.get("/chats"))[0]["_id"]
    body = {"content": "Hello", "sender": "user", **more}

    refusal = refused(unchanged.post(f"/chats/{session}/messages", body), 400)

    assert set(refusal["details"]["fields"]) == set(more)


@pytest.mark.parametrize("name", ["a" * 1_000_000, "\u202e" * 150_000, "é" * 101], ids=lambda name: len(name))
def test_long_name_is_not_repeated(platform: Api, name: str) -> None:
    answer = platform.post("/users", new_user(name=name))

    assert "name" in refused(answer, 400)["details"]["fields"]
    assert len(answer.content) < 2_000


def test_long_field_name_is_cut(platform: Api) -> None:
    answer = platform.post("/users", {**new_user(), "x" * 100_000: 1})

    refused(answer, 400)
    assert len(answer.content) < 10_000


# Paths

BAD_IDS = [
    *("..%2f", "..%2F..%2Fetc%2Fpasswd", "%2e%2e", "%2e", "..", ".", "%0d%0aSet-Cookie:%20x=1", "%0a", "%00", "1%00"),
    *("a%2fb", "%2f", "%5c", "%", "%zz", "%e2%82", "%ff", "1;x=y", "'", "%27%20OR%201=1", "*", "undefined", "null"),
    *("[object%20Object]", "-1", "1e0", "%F0%9F%98%80", "0" * 8_000, "%31%32" * 1_000, "{id}", "<script>", "%20", "01"),
]


@pytest.mark.parametrize("id", BAD_IDS, ids=lambda id: id[:30])
@pytest.mark.parametrize("path", ["/users/{}", "/chats/{}", "/chats/{}/messages"])
def test_impossible_id(wire: Wire, path: str, id: str) -> None:
    api = wire.platform if path.startswith("/users") else wire.chat

    answer = api.get(path.format(id))

    refused(answer, 404)
    assert "Set-Cookie" not in answer.headers
    assert len(answer.content) < 3_000


@pytest.mark.parametrize("id", ["..%2f", "%0d%0ax", "0" * 8_000], ids=lambda id: id[:9])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_impossible_id_changes(platform: Api, method: str, id: str) -> None:
    refused(platform.request(method, f"/users/{id}", {"name": "x"}), 404)


@pytest.mark.parametrize("query", ["search=%ff", "search=%", "search=%00", "&&&", "=", "search", "%00=1", "a" * 4_000])
def test_odd_query(platform: Api, query: str) -> None:
    answer = platform.get("/users", query=query)

    if answer.status_code != 200:
        refused(answer, 400)


def test_long_search(wire: Wire) -> None:
    for api, path in ((wire.platform, "/users"), (wire.chat, "/chats")):
        refused(api.get(path, query={"search": "a" * 201}), 400, "search")
        assert api.get(path, query={"search": "a" * 200}).status_code == 200


def test_search_is_no_regex(chat: Api) -> None:
    make_session(chat, "a" * 200)
    begun = time.monotonic()

    assert data(chat.get("/chats", query={"search": "(a+)+$" + "!" * 100})) == []

    assert time.monotonic() - begun < 2


# Requests that are hardly HTTP

HEAD = "POST /api/users HTTP/1.1\nHost: {host}\nContent-Type: application/json\n"


def test_long_body(wire: Wire) -> None:
    host = urlsplit(wire.platform_origin).netloc
    with dialled(wire.platform_origin) as connection:
        head = HEAD.replace("{host}", host).replace("\n", "\r\n")
        connection.sendall(f"{head}Content-Length: 999999999\r\n\r\n{{".encode())

        answer = hear(connection)

        refused(answer, 413)
        assert answer.headers["Connection"].lower() == "close"
        assert is_closed(connection)


def test_long_chunked_body(serve: Callable[..., Wire]) -> None:
    wire = serve(max_request_size=1000)
    host = urlsplit(wire.platform_origin).netloc
    with dialled(wire.platform_origin) as connection:
        head = HEAD.replace("{host}", host).replace("\n", "\r\n")
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        connection.sendall((b"64\r\n" + b" " * 100 + b"\r\n") * 11)

        refused(hear(connection), 413)
        assert is_closed(connection)
    assert wire.platform.get("/health").status_code == 200


def test_chunked_body(wire: Wire) -> None:
    body = json.dumps(new_user()).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:10], body[10:])) + b"0\r\n\r\n"
    head = HEAD.replace("{host}", urlsplit(wire.platform_origin).netloc).replace("\n", "\r\n")

    answer = say(
        wire.platform_origin, f"{head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode() + chunks
    )

    assert answer.status_code == 201
    assert wire.platform.delete(f"/users/{answer.json()['id']}").status_code == 204


@pytest.mark.parametrize(("size", "status"), [(1000, 201), (1001, 413)])
def test_exact_body_limit(serve: Callable[..., Wire], size: int, status: int) -> None:
    chat = serve(max_request_size=1000).chat
    text = b'{"title": "Exact"}'

    answer = chat.post("/chats", text + b" " * (size - len(text)))

    if status == 201:
        data(answer, 201)
    else:
        refused(answer, 413)


BROKEN = {
    "no request line": "\n\n",
    "garbage": "\x16\x03\x01\x02\x00\x01\x00\n\n",
    "no version": "GET /api/users\n\n",
    "version of the future": "GET /api/users HTTP/9.9\nHost: {host}\n\n",
    "no host": "GET /api/users HTTP/1.1\n\n",
    "two hosts": "GET /api/users HTTP/1.1\nHost: {host}\nHost: {host}\n\n",
    "two different hosts": "GET /api/users HTTP/1.1\nHost: {host}\nHost: evil.example\n\n",
    "negative length": HEAD + "Content-Length: -1\n\n",
    "length that is none": HEAD + "Content-Length: abc\n\n",
    "length with sign": HEAD + "Content-Length: +2\n\n{}",
    "two lengths": HEAD + "Content-Length: 2\nContent-Length: 3\n\n{} ",
    "length and chunks": HEAD + "Content-Length: 2\nTransfer-Encoding: chunked\n\n0\n\n",
    "unknown coding": HEAD + "Transfer-Encoding: gzip, chunked\n\n0\n\n",
    "chunk size that is none": HEAD + "Transfer-Encoding: chunked\n\nxyz\n{}\n0\n\n",
    "negative chunk size": HEAD + "Transfer-Encoding: chunked\n\n-2\n{}\n0\n\n",
    "header without colon": "GET /api/users HTTP/1.1\nHost: {host}\nnonsense\n\n",
    "space before colon": "GET /api/users HTTP/1.1\nHost: {host}\nx-user-id : me\n\n",
    "header as long as a book": "GET /api/users HTTP/1.1\nHost: {host}\nX: " + "a" * 200_000 + "\n\n",
    "ten thousand headers": "GET /api/users HTTP/1.1\nHost: {host}\n" + "X: a\n" * 10_000 + "\n",
    "line as long as a book": "GET /api/users?" + "a" * 200_000 + " HTTP/1.1\nHost: {host}\n\n",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_malformed_http(wire: Wire, text: str) -> None:
    answer = _said(wire, text)

    if answer is not None:
        assert 400 <= answer.status_code < 500 or answer.status_code in (501, 505), answer.status_code
        refused(answer, answer.status_code)
    assert wire.platform.get("/health").status_code == 200


def _said(wire: Wire, text: str) -> requests.Response | None:
    """Return the answer; None where the server closed without one."""
    sent = text.replace("{host}", urlsplit(wire.platform_origin).netloc).replace("\n", "\r\n").encode("latin-1")
    with dialled(wire.platform_origin) as connection:
        try:
            connection.sendall(sent)
            answer = hear(connection)
        except ConnectionError:  # it was closed before all was sent, or in place of an answer
            return None
        assert is_closed(connection)
        return answer


@pytest.mark.parametrize("name", ["two hosts", "two different hosts", "no host"])
def test_host_header_count(wire: Wire, name: str) -> None:
    refused(say(wire.platform_origin, BROKEN[name]), 400)


@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD", "OPTIONS", "PROPFIND"])
@pytest.mark.parametrize("chunked", [True, False])
def test_unexpected_body(wire: Wire, method: str, chunked: bool) -> None:
    host = urlsplit(wire.platform_origin).netloc
    hidden = f"GET /api/error?status=418 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    sized = b"Content-Length: %d\r\n\r\n%s" % (len(hidden), hidden)
    parted = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(hidden), hidden)
    with dialled(wire.platform_origin) as connection:
        head = f"{method} /api/users/nobody HTTP/1.1\r\nHost: {host}\r\n"
        connection.sendall(head.encode() + (parted if chunked else sized))
        assert hear(connection, method).status_code in (204, 404, 405)
        try:
            connection.sendall(f"GET /api/health HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert hear(connection).status_code == 200
        except (ConnectionError, http.client.RemoteDisconnected):
            pass  # closing is as good a way not to read on


def test_pipelining(wire: Wire) -> None:
    host = urlsplit(wire.platform_origin).netloc
    asked = [404, 418, 500, 403]
    requests_ = "".join(f"GET /api/error?status={status} HTTP/1.1\r\nHost: {host}\r\n\r\n" for status in asked)
    with dialled(wire.platform_origin) as connection:
        connection.sendall(requests_.encode())
        stream = connection.makefile("rb")
        heard = [_next_status(stream) for _ in asked]
        stream.close()

    assert heard == asked


def _next_status(stream: BinaryIO) -> int:
    status = int(stream.readline().split()[1])
    length = 0
    while (line := stream.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    stream.read(length)
    return status


def test_expect_continue(wire: Wire) -> None:
    host, body = urlsplit(wire.platform_origin).netloc, json.dumps(new_user()).encode()
    head = HEAD.replace("{host}", host).replace("\n", "\r\n") + f"Content-Length: {len(body)}\r\n"
    with dialled(wire.platform_origin) as connection:
        connection.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        answer = hear(connection)

    assert answer.status_code == 201
    assert wire.platform.delete(f"/users/{answer.json()['id']}").status_code == 204


# Slow clients

SLOW = {
    "half a body": HEAD + "Content-Length: 50\n\n{",
    "half a chunk": HEAD + "Transfer-Encoding: chunked\n\n32\n{",
    "half the headers": "GET /api/users HTTP/1.1\nHost: {host}\nX-Slow: ",
    "half a request line": "GET /api/us",
}


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW)
def test_stalling_client(serve: Callable[..., Wire], text: str) -> None:
    wire = serve(read_timeout=0.5)
    begun = time.monotonic()

    with dialled(wire.platform_origin) as connection:
        connection.sendall(text.replace("{host}", "localhost").replace("\n", "\r\n").encode())
        assert is_closed(connection)

    assert time.monotonic() - begun < 5
    assert wire.platform.get("/health").status_code == 200


def test_slow_connections(serve: Callable[..., Wire]) -> None:
    wire = serve(read_timeout=1)
    with ExitStack() as stack:
        slow = [stack.enter_context(dialled(wire.platform_origin)) for _ in range(200)]
        for connection in slow:
            connection.sendall(b"GET /api/users HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")

        begun = time.monotonic()
        assert wire.platform.get("/health").status_code == 200
        assert time.monotonic() - begun < 1

        deadline = time.monotonic() + 8
        while slow and time.monotonic() < deadline:
            slow = [connection for connection in slow if not _dribble(connection)]
        assert not slow, f"{len(slow)} connections that send a byte now and then are still open"


def _dribble(connection: Any) -> bool:
    """Send one more byte; return whether the server has closed."""
    connection.settimeout(0.002)
    try:
        connection.sendall(b"a")
        return bool(connection.recv(65536) == b"")
    except TimeoutError:
        return False
    except ConnectionError:
        return True


@each(*WITH_BODY, answering=[400])
def test_recovery_after_error(wire: Wire, operation: Operation[Any]) -> None:
    asked = ask(wire, operation)

    refused(asked.with_body(b'{"broken": ').send(), 400)

    assert asked.send().status_code == operation.status
