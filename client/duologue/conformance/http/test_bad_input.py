"""Input that no front end means to send: refused with the common body, nothing changed, the next request fine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from duologue.conformance import sources
from duologue.conformance.rules import rule
from duologue.conformance.shared_requests import Share
from duologue.conformance.target.caller import Api
from duologue.conformance.target.examples import (
    WITH_BODY,
    create_session,
    create_user,
    each,
    each_case,
    prepare_request,
)
from duologue.conformance.target.responses import check_error, read_data
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import build_user
from duologue.contract import Operation, messages


@pytest.fixture
def unchanged(share: Share) -> Iterator[Api]:
    """A user of the chat service with one session, which must be as before when the test is over."""
    request = share(messages.SEND)
    chat = request.api
    before = read_data(chat.get("/chats"))
    yield chat
    assert read_data(chat.get("/chats")) == before
    assert read_data(chat.get(request.path)) == []


# Invalid JSON, and JSON beyond the limits

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


@rule(
    "body.json-invalid",
    "A body that is not one JSON object in UTF-8, has a key twice, or is nested or long beyond reason is "
    "400 and has no effect.",
    source=sources.REQUESTS,
    stage=3,
)
@pytest.mark.parametrize("text", BAD_TEXTS.values(), ids=BAD_TEXTS)
def test_unacceptable_json(chat: Api, text: bytes) -> None:
    check_error(chat.post("/chats", text), 400)

    assert read_data(chat.get("/chats")) == []


@rule(
    "body.json-invalid-everywhere",
    "Every operation with a body refuses JSON that is invalid with 400.",
    source=sources.REQUESTS,
    stage=3,
    needs=["admin"],
)
@each_case(
    "name",
    ["invalid utf-8", "a key twice", "very deep", "lone high surrogate", "5,000 digits"],
    *WITH_BODY,
    everywhere=3,
)
def test_unacceptable_json_everywhere(share: Share, operation: Operation[Any], name: str) -> None:
    check_error(share(operation).with_body(BAD_TEXTS[name]).send(), 400)


@rule(
    "body.json-invalid-inside",
    "JSON that is invalid inside a context is 400, too.",
    source=sources.REQUESTS,
    stage=3,
)
@pytest.mark.parametrize(
    "context",
    [b"9" * 5_000, b'{"n": ' + b"9" * 5_000 + b"}", b'{"n": 1e999}', b'{"n": NaN}', b'{"a": {"b": 1, "b": 2}}',
     b'{"t": "\\ud83d"}', b'{"a":' * 64 + b"1" + b"}" * 64],
    ids=lambda text: text[:20].decode(),
)  # fmt: skip
def test_unacceptable_json_in_context(unchanged: Api, context: bytes) -> None:
    session = read_data(unchanged.get("/chats"))[0]["_id"]
    body = b'{"content": "Hello", "sender": "user", "context": ' + context + b"}"

    check_error(unchanged.post(f"/chats/{session}/messages", body), 400)


@rule(
    "body.nesting",
    "A body may be nested 64 levels deep.",
    source=sources.REQUESTS,
    stage=3,
)
def test_nesting_depth(chat: Api) -> None:
    session = create_session(chat)
    context = b'{"a":' * 62 + b"[]" + b"}" * 62  # 63 levels, and the body itself
    body = b'{"content": "Hello", "sender": "user", "context": ' + context + b"}"

    assert read_data(chat.post(f"/chats/{session}/messages", body), 201)["context"] == json.loads(context)


# Fields

READ_ONLY: dict[str, list[dict[str, Any]]] = {
    "/users": [{"id": "1"}, {"createdAt": "2024-01-01T00:00:00.000Z"}, {"_id": "1"}, {"isAdmin": True}],
    "/chats": [
        *({"_id": "f" * 24}, {"id": "x"}, {"createdAt": "2024-01-01T00:00:00.000Z"}, {"userId": "another-user"}),
        *({"isFavorite": True}, {"lastMessageAt": "2030-01-01T00:00:00.000Z"}, {"updatedAt": None}),
    ],
    "/messages": [{"_id": "f" * 24}, {"sessionId": "f" * 24}, {"createdAt": "2024-01-01T00:00:00.000Z"}],
}


@rule(
    "users.read-only-fields",
    "Fields of a user that are the server's are 400 and named, and change nothing.",
    source=sources.USERS,
    stage=3,
    needs=["admin"],
)
@pytest.mark.parametrize("more", READ_ONLY["/users"], ids=ascii)
def test_read_only_user_fields(platform: Api, more: dict[str, Any]) -> None:
    body = build_user()
    user = create_user(platform)

    assert set(check_error(platform.post("/users", {**body, **more}), 400)["details"]["fields"]) == set(more)
    assert set(check_error(platform.put(f"/users/{user['id']}", more), 400)["details"]["fields"]) == set(more)

    assert platform.get("/users", query={"search": body["email"]}).json()["total"] == 0
    assert platform.get(f"/users/{user['id']}").json() == user


@rule(
    "chats.read-only-fields",
    "Fields of a session that are the server's are 400 and named, and change nothing.",
    source=sources.CHATS,
    stage=3,
)
@pytest.mark.parametrize("more", READ_ONLY["/chats"], ids=ascii)
def test_read_only_session_fields(unchanged: Api, more: dict[str, Any]) -> None:
    session = read_data(unchanged.get("/chats"))[0]["_id"]
    body = {"title": "Owned", **more}

    for response in (unchanged.post("/chats", body), unchanged.patch(f"/chats/{session}", body)):
        assert set(check_error(response, 400)["details"]["fields"]) == set(more)


@rule(
    "messages.read-only-fields",
    "Fields of a message that are the server's are 400 and named, and change nothing.",
    source=sources.MESSAGES,
    stage=3,
)
@pytest.mark.parametrize("more", READ_ONLY["/messages"], ids=ascii)
def test_read_only_message_fields(unchanged: Api, more: dict[str, Any]) -> None:
    session = read_data(unchanged.get("/chats"))[0]["_id"]
    body = {"content": "Hello", "sender": "user", **more}

    error = check_error(unchanged.post(f"/chats/{session}/messages", body), 400)

    assert set(error["details"]["fields"]) == set(more)


@rule(
    "errors.short",
    "An error does not repeat a long value.",
    source=sources.ERRORS,
    stage=3,
    needs=["admin"],
)
@pytest.mark.parametrize("name", ["a" * 1_000_000, "\u202e" * 150_000, "é" * 101], ids=lambda name: len(name))
def test_long_name_is_not_repeated(platform: Api, name: str) -> None:
    response = platform.post("/users", build_user(name=name))

    assert "name" in check_error(response, 400)["details"]["fields"]
    assert len(response.content) < 2_000


@rule(
    "errors.short-names",
    "An error does not repeat a long name of a field.",
    source=sources.ERRORS,
    stage=3,
    needs=["admin"],
)
def test_long_field_name_is_cut(platform: Api) -> None:
    response = platform.post("/users", {**build_user(), "x" * 100_000: 1})

    check_error(response, 400)
    assert len(response.content) < 10_000


# Paths

BAD_IDS = [
    *("..%2f", "..%2F..%2Fetc%2Fpasswd", "%2e%2e", "%2e", "..", ".", "%0d%0aSet-Cookie:%20x=1", "%0a", "%00", "1%00"),
    *("a%2fb", "%2f", "%5c", "%", "%zz", "%e2%82", "%ff", "1;x=y", "'", "%27%20OR%201=1", "*", "undefined", "null"),
    *("[object%20Object]", "-1", "1e0", "%F0%9F%98%80", "0" * 8_000, "%31%32" * 1_000, "{id}", "<script>", "%20", "01"),
]


@rule(
    "paths.id-unknown",
    "An id that cannot exist is 404, however it is encoded, and no header comes of it.",
    needs=["caller"],
    source=sources.REQUESTS,
    stage=3,
    reads_only=True,
)
@pytest.mark.parametrize(
    ("path", "id"),
    [
        *(("/users/{}", id) for id in BAD_IDS),
        *((path, id) for path in ("/chats/{}", "/chats/{}/messages") for id in BAD_IDS[::4]),
    ],
    ids=lambda text: text[:30],
)
def test_impossible_id(server: Server, path: str, id: str) -> None:
    api = server.platform if path.startswith("/users") else server.chat

    response = api.get(path.format(id))

    check_error(response, 404)
    assert "Set-Cookie" not in response.headers
    assert len(response.content) < 3_000


@rule(
    "paths.id-unknown-changes",
    "Changing what has an impossible id is 404.",
    source=sources.REQUESTS,
    stage=3,
    needs=["admin"],
)
@pytest.mark.parametrize("id", ["..%2f", "%0d%0ax", "0" * 8_000], ids=lambda id: id[:9])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_impossible_id_changes(platform: Api, method: str, id: str) -> None:
    check_error(platform.request(method, f"/users/{id}", {"name": "x"}), 404)


@rule(
    "query.odd",
    "An odd query string is ignored or 400, and never a failure of the server.",
    needs=["caller"],
    source=sources.REQUESTS,
    stage=3,
    reads_only=True,
)
@pytest.mark.parametrize("query", ["search=%ff", "search=%", "search=%00", "&&&", "=", "search", "%00=1", "a" * 4_000])
def test_odd_query(platform: Api, query: str) -> None:
    response = platform.get("/users", query=query)

    if response.status_code != 200:
        check_error(response, 400)


@rule(
    "query.search-length",
    "A search has at most 200 characters; a longer one is 400 and named.",
    needs=["caller"],
    source=sources.REQUESTS,
    stage=3,
    reads_only=True,
)
def test_long_search(server: Server) -> None:
    for api, path in ((server.platform, "/users"), (server.chat, "/chats")):
        check_error(api.get(path, query={"search": "a" * 201}), 400, "search")
        assert api.get(path, query={"search": "a" * 200}).status_code == 200


@rule(
    "chats.LIST.search-literal",
    "A search for sessions looks for the text as it is written, and takes no longer for an expression.",
    source=sources.CHATS,
    stage=3,
)
def test_search_is_no_regex(chat: Api) -> None:
    create_session(chat, "a" * 200)
    assert read_data(chat.get("/chats", query={"search": "(a+)+$" + "!" * 100})) == []


# Afterwards


@rule(
    "errors.recovery",
    "After a refused request, the same operation succeeds.",
    source=sources.REQUESTS,
    stage=3,
    needs=["admin"],
)
@each(*WITH_BODY, statuses=[400])
def test_recovery_after_error(server: Server, operation: Operation[Any]) -> None:
    request = prepare_request(server, operation)

    check_error(request.with_body(b'{"broken": ').send(), 400)

    assert request.send().status_code == operation.status
