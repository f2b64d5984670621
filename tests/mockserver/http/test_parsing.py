"""Reading a request's query and body as the contract's models."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.contract import strict_json
from duologue.contract.chats import ChatQuery, ChatTitle, Favorite
from duologue.contract.users import UserCreate, UserQuery, UserUpdate
from duologue_mock.errors import MAX_FIELDS, HTTPError
from duologue_mock.http.messages import Request, json_bytes
from duologue_mock.http.parsing import parse_body, parse_query
from tests.linear_time import measure
from tests.mockserver.clocks import START
from tests.mockserver.http_errors import raises_http_error
from tests.mockserver.requests import build_request, get_operation

LIMIT = 200_000
JSON = "application/json"


def build_post(body: bytes, content_type: str = JSON) -> Request:
    return build_request("POST", "/", body=body, content_type=content_type)


def status(function: Callable[[], Any]) -> int:
    """Return 200, or the status of the error, whose body must be one that can be sent."""
    try:
        function()
    except HTTPError as error:
        json_bytes(error.body(timestamp=START, request_id="r", version="v"))
        return error.status
    return 200


def parse(id: str, request: Request, limit: int = LIMIT) -> Any:
    request.read_body(limit)
    return parse_body(get_operation(id), request)


def read(id: str, value: Any) -> Any:
    return parse(id, build_post(json.dumps(value).encode()))


@pytest.mark.parametrize(
    ("id", "query", "model"),
    [
        ("users.LIST", "", UserQuery()),
        ("users.LIST", "page=2&limit=100&search=a+b%20c", UserQuery(2, 100, "a b c")),
        ("users.LIST", "search=", UserQuery(search="")),
        ("users.LIST", "search=%C3%BC%26", UserQuery(search="ü&")),
        ("users.LIST", "search=Zo\xc3\xab", UserQuery(search="Zoë")),
        ("users.LIST", "unknown=1&page=3", UserQuery(page=3)),
        ("users.LIST", "unknown=1&unknown=2&page=3", UserQuery(page=3)),
        ("users.LIST", "page[]=1&page[]=2&page%5B%5D=3", UserQuery()),
        ("users.LIST", "unknown=%ff&%ff=1&\xff=1&=&=", UserQuery()),
        ("users.LIST", "page=1000000000", UserQuery(page=1_000_000_000)),
        ("users.LIST", "&&page=2&", UserQuery(page=2)),
        ("chats.LIST", "", ChatQuery()),
        ("chats.LIST", "favorite=true&limit=5", ChatQuery(limit=5, favorite=True)),
        ("chats.LIST", "favorite=false", ChatQuery(favorite=False)),
    ],
)
def test_query(id: str, query: str, model: Any) -> None:
    assert parse_query(get_operation(id), query) == model


BAD_NUMBERS = [
    "",
    "0",
    "-1",
    "101",
    "1e3",
    "1.0",
    "+5",
    " 5",
    "5 ",
    "٣",
    "５",
    "0x5",
    "1_0",
    "NaN",
    "a",
    "9" * 40,
    "true",
]


@pytest.mark.parametrize("id", ["users.LIST", "chats.LIST", "messages.LIST"])
@pytest.mark.parametrize("value", BAD_NUMBERS)
def test_invalid_number(id: str, value: str) -> None:
    with raises_http_error(400, "limit"):
        parse_query(get_operation(id), f"limit={quote(value)}")


@pytest.mark.parametrize("page", ["0", "-1", "1000000001", "x"])
def test_invalid_page(page: str) -> None:
    with raises_http_error(400, "page"):
        parse_query(get_operation("users.LIST"), f"page={page}")


@pytest.mark.parametrize("value", ["", "yes", "1", "True", "TRUE", "null"])
def test_invalid_boolean(value: str) -> None:
    with raises_http_error(400, "favorite"):
        parse_query(get_operation("chats.LIST"), f"favorite={value}")


@pytest.mark.parametrize(
    ("query", "naming"),
    [
        ("page=1&page=1", "page"),
        ("page=1&limit=2&page=3", "page"),
        ("page=1&%70age=1", "page"),
        ("search=%ff", "search"),
        ("search=%ed%a0%80", "search"),
        ("search=\xff", "search"),
        ("&".join(f"a{n}=1" for n in range(101)), "query"),
        ("search=" + "x" * 201, "search"),
    ],
)
def test_invalid_query(query: str, naming: str) -> None:
    with raises_http_error(400, naming):
        parse_query(get_operation("users.LIST"), query)


def test_all_errors_at_once() -> None:
    with raises_http_error(400, "page", "limit"):
        parse_query(get_operation("users.LIST"), "page=0&limit=0")


@given(st.text(alphabet=st.characters(max_codepoint=0x17F), max_size=30))
def test_arbitrary_query(query: str) -> None:
    assert status(lambda: parse_query(get_operation("chats.LIST"), query.encode().decode("latin-1"))) in (200, 400)


@pytest.mark.parametrize(
    ("id", "value", "model"),
    [
        ("users.CREATE", {"name": " Ada ", "email": "ada@example.com"}, UserCreate("Ada", "ada@example.com")),
        ("users.UPDATE", {}, UserUpdate()),
        ("users.UPDATE", {"role": "admin", "id": "1"}, UserUpdate(role="admin", id="1")),
        ("chats.CREATE", {"title": "x" * 200}, ChatTitle("x" * 200)),
        ("chats.CREATE", {"title": "👩‍🚀 שלום"}, ChatTitle("👩‍🚀 שלום")),
        ("chats.FAVORITE", {}, Favorite()),
        ("chats.FAVORITE", {"isFavorite": False}, Favorite(False)),
    ],
)
def test_body(id: str, value: Any, model: Any) -> None:
    assert read(id, value) == model


def test_optional_body() -> None:
    assert parse("chats.FAVORITE", build_request("PATCH", "/")) is None
    with raises_http_error(400):
        parse("chats.CREATE", build_request("POST", "/"))


@pytest.mark.parametrize(
    ("id", "value", "naming"),
    [
        ("users.CREATE", {}, ("name", "email")),
        ("users.CREATE", {"name": "A", "email": "a@example.com", "id": "5"}, ("id",)),
        (
            "users.CREATE",
            {"name": "A", "email": "a@example.com", "createdAt": 1, "admin": True},
            ("createdAt", "admin"),
        ),
        ("users.CREATE", {"name": "A", "email": "a@example.com", "role": "root"}, ("role",)),
        ("users.CREATE", {"name": None, "email": "a@example.com"}, ("name",)),
        ("users.CREATE", {"name": "\u200b\u0007", "email": "a@example.com"}, ("name",)),
        ("users.CREATE", {"name": "x" * 101, "email": "a@b"}, ("name", "email")),
        ("users.UPDATE", {"password": "new"}, ("password",)),
        ("chats.CREATE", {"title": " "}, ("title",)),
        ("chats.CREATE", {"title": "x" * 201}, ("title",)),
        ("chats.CREATE", {"title": ["x"]}, ("title",)),
        ("chats.CREATE", {"title": "x", "_id": "y"}, ("_id",)),
        ("chats.FAVORITE", {"isFavorite": "true"}, ("isFavorite",)),
        ("chats.FAVORITE", {"isFavorite": 1}, ("isFavorite",)),
        ("chats.FAVORITE", {"isFavorite": None}, ("isFavorite",)),
        ("messages.SEND", {"content": "x", "sender": "robot"}, ("sender",)),
        ("messages.SEND", {"content": "x", "sender": "user", "context": []}, ("context",)),
        ("messages.SEND", {"content": "x" * 10_001, "sender": "user"}, ("content",)),
        ("smart_chat.ASK", {"message": ""}, ("message",)),
        ("smart_chat.ASK", {"message": "x", "context": {}}, ("context",)),
        ("auth.LOGIN", {"email": "a@example.com"}, ("password",)),
    ],
)
def test_invalid_body(id: str, value: Any, naming: tuple[str, ...]) -> None:
    body = json.dumps(value).encode()
    with raises_http_error(400, *naming):
        parse(id, build_post(body), 100_000)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{'title': 'x'}",
        b'{"title": "x",}',
        b'{"title": "x"} x',
        b'{"title": "x", "title": "y"}',
        b'{"title": NaN}',
        b'{"title": "\xff"}',
        b'{"title": "\\ud800"}',
        b'{"title": "a\x00b"}',
        b"\xef\xbb\xbf{}",
        '{"title": "x"}'.encode("utf-16"),
        b"[" * 65 + b"]" * 65,
        b'{"title": ' * 65 + b"1" + b"}" * 65,
        b"[" * 5000,
        b'{"title": ' + b"9" * 5000 + b"}",
        b'{"title": 1e999}',
        b"[]",
        b'[{"title": "x"}]',
        b"null",
        b"true",
        b"1",
        b'"title"',
        b" ",
    ],
)
def test_not_a_json_object(body: bytes) -> None:
    with raises_http_error(400):
        parse("chats.CREATE", build_post(body))


@pytest.mark.parametrize(
    "content_type",
    [
        JSON,
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/json ; charset=utf8 ; x=y",
        "application/vnd.api+json",
        "application/merge-patch+json",
    ],
)
def test_json_media_types(content_type: str) -> None:
    assert parse("chats.CREATE", build_post(b'{"title": "x"}', content_type)) == ChatTitle("x")


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/json, text/plain",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "json",
        "*/*",
    ],
)
def test_other_media_types(content_type: str) -> None:
    """Above all those a page may send elsewhere without asking (a form's, and plain text)."""
    with raises_http_error(415):
        parse("chats.CREATE", build_post(b'{"title": "x"}', content_type))


def test_no_media_type() -> None:
    with raises_http_error(415):
        parse("chats.CREATE", build_request("POST", "/", body=b'{"title": "x"}'))


@pytest.mark.parametrize(("size", "status"), [(100, None), (101, 413), (10_000, 413)])
def test_body_limit(size: int, status: int | None) -> None:
    sent = build_post(b'{"title": "x"}'.ljust(size))
    if status is None:
        assert parse("chats.CREATE", sent, 100) == ChatTitle("x")
        return
    with pytest.raises(HTTPError) as caught:
        parse("chats.CREATE", sent, 100)
    assert caught.value.status == status
    assert ("Connection", "close") in caught.value.headers


def test_oversized_body_is_not_read() -> None:
    sent = build_post(b"x" * 101)
    with raises_http_error(413):
        parse("chats.CREATE", sent, 100)
    stream = sent.environ["wsgi.input"]
    assert isinstance(stream, io.BytesIO)
    assert stream.tell() == 0


@pytest.mark.parametrize("coding", ["gzip", "br", "unknown", "identity, gzip", "GZIP"])
def test_content_coding(coding: str) -> None:
    sent = build_request("POST", "/", body=b"{}", content_type=JSON, content_encoding=coding)
    with pytest.raises(HTTPError) as caught:
        parse("chats.FAVORITE", sent)
    assert caught.value.status == 415
    assert ("Accept-Encoding", "identity") in caught.value.headers


@pytest.mark.parametrize(("body", "coding"), [(b"{}", "identity"), (b"{}", " Identity ,"), (b"{}", ""), (b"", "gzip")])
def test_no_content_coding(body: bytes, coding: str) -> None:
    """Nothing to decode: the coding is `identity`, or there is no body."""
    sent = build_request("POST", "/", body=body, content_type=JSON if body else "", content_encoding=coding)
    assert parse("chats.FAVORITE", sent) == (Favorite() if body else None)


@pytest.mark.parametrize("count", [0, 1, MAX_FIELDS - 1, MAX_FIELDS, MAX_FIELDS + 1, 5_000])
def test_many_unknown_fields(count: int) -> None:
    """The first are named, and the others counted."""
    body = {"name": 1, "email": "a@example.com", **{f"field{number}": number for number in range(count)}}
    with pytest.raises(HTTPError) as caught:
        read("users.CREATE", body)
    error = caught.value
    assert len(error.fields) == min(count + 1, MAX_FIELDS)
    assert error.fields["name"]
    more = count + 1 - MAX_FIELDS
    assert error.reasons[-1].startswith(f"{more} more") == (more > 0)
    assert len(error.reasons) == len(error.fields) + (more > 0)
    assert len(json_bytes(error.body(timestamp=START, request_id="r", version="v"))) < 10_000


def test_unknown_fields_beside_valid() -> None:
    with raises_http_error(400, *(f"field{number}" for number in range(MAX_FIELDS))):
        read("chats.CREATE", {"title": "x", **{f"field{number}": number for number in range(1000)}})


def test_unknown_fields_take_linear_time() -> None:
    """They take about as long as reading the JSON; a hundred times as long, if each were compared with all others."""
    sent = build_post(json.dumps({f"field{number}": number for number in range(20_000)}).encode())
    sent.read_body(1_000_000)

    reading = measure(lambda: strict_json.loads(sent.body))
    parsing = measure(lambda: status(lambda: parse_body(get_operation("users.CREATE"), sent)))
    assert parsing < 20 * reading


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(JSON_VALUES | st.dictionaries(st.sampled_from(["title", "name", "content", "sender"]), JSON_VALUES))
def test_arbitrary_json(value: Any) -> None:
    for id in ("chats.CREATE", "users.UPDATE", "messages.SEND", "chats.FAVORITE"):
        assert status(lambda id=id: read(id, value)) in (200, 400)  # type: ignore[misc]
