"""Whatever a client can make longer takes the mock, which has one thread, time in proportion to its length."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable

import pytest
from marshmallow import ValidationError, fields

from duologue.contract import ModelSchema, operations, strict_json
from duologue.contract.errors import escape_for_log
from duologue.contract.users import User
from duologue_mock import Settings
from duologue_mock.assistant import load_rules
from duologue_mock.control.preferences import parse_preference
from duologue_mock.errors import HTTPError
from duologue_mock.http.cors import OriginPolicy, build_preflight_headers
from duologue_mock.http.messages import Request, parse_query_string
from duologue_mock.http.parsing import parse_body
from duologue_mock.http.preconditions import check_preconditions
from duologue_mock.http.request_head import MalformedRequestError, parse_request_head
from duologue_mock.http.routing import Routes
from duologue_mock.realtime.packets import MalformedPacketError, parse_packet, split_payload
from duologue_mock.store.seed import Fixtures
from duologue_mock.store.users import Users
from tests.linear_time import check_linear
from tests.mockserver.requests import build_request, get_operation
from tests.mockserver.test_assistant import request as build_reply_request

pytestmark = pytest.mark.slow

PIECES = [
    *("a", " ", "a ", " a", "é", "\u3000", "\t", "a\n", "-", ".", "a.", "a-", "@", "a@", "a@a.", "1", "0", "\\u0041"),
    *('"', '"a", ', 'W/"', "*, ", ",", ";", "=", "&", "a=1&", "%", "%41", "/", "/a", "..", "[", "{", '{"a":', "[1,"),
    *("\x1e", "4", "42[", "my name is ", "Watering ", "what did ", "?", "://", "http://a.", "localhost."),
]
"""Pieces of texts that a pattern might match again and again."""


def ignore_errors(read: Callable[[str], object]) -> Callable[[str], None]:
    def run(text: str) -> None:
        with contextlib.suppress(ValidationError, HTTPError, MalformedRequestError, MalformedPacketError, ValueError):
            read(text)

    return run


def load_texts(text: str) -> None:
    """Give the text to every field of every body and query that takes one."""
    for schema in SCHEMAS:
        for name, field in schema.load_fields.items():
            if isinstance(field, fields.String):
                with contextlib.suppress(ValidationError):
                    field.deserialize(text, name, {})


SCHEMAS: list[ModelSchema[object]] = [
    schema for one in operations() for schema in (one.body, one.query) if schema is not None
]
POLICY, ROUTES, RULES, USERS = OriginPolicy(Settings()), Routes(operations()), load_rules(Fixtures()), Users()
for number in range(10):
    USERS.add(User(str(number), "a" * 100, f"{number}{'a' * 50}@example.com", "user"))

READERS: dict[str, Callable[[str], object]] = {
    "text fields": load_texts,
    "JSON": lambda text: strict_json.loads(text.encode()),
    "JSON text": lambda text: strict_json.loads(f'{{"a": "{text}"}}'.encode()),
    "unknown fields": lambda text: parse_body(
        get_operation("users.CREATE"),
        build_body(json.dumps(dict.fromkeys((f"{text[:9]}{number}" for number in range(len(text) // 9)), 1))),
    ),
    "query": lambda text: parse_query_string(text, {"a", "search"}),
    "head": lambda text: parse_request_head(f"GET /{text} HTTP/1.1\r\nHost: {text}\r\n\r\n".encode(), {}),
    "content type": lambda text: parse_body(get_operation("users.CREATE"), build_body("{}", text)),
    "host": lambda text: POLICY.check_host(build_request(host=text)),
    "origin": lambda text: POLICY.check_origin(build_request(origin=text)),
    "requested headers": lambda text: build_preflight_headers(
        build_request("OPTIONS", access_control_request_headers=text)
    ),
    "preference": parse_preference,
    "entity tags": lambda text: check_preconditions(build_request(if_match=text), '"a"', safe=False),
    "path": lambda text: ROUTES.find(f"/{text}") or ROUTES.suggest("GET", f"/{text}"),
    "packet": lambda text: parse_packet(text).parse_event_name(),
    "payload": lambda text: split_payload(text.encode()),
    "search": lambda text: USERS.page(page=1, limit=10, search=text),
    "reply": lambda text: RULES(build_reply_request(text)),
    "log": escape_for_log,
}


def build_body(body: str, content_type: str = "application/json") -> Request:
    request = build_request("POST", body=body.encode(), content_type=content_type)
    request.read_body(1_000_000)
    return request


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@pytest.mark.parametrize("piece", PIECES, ids=repr)
def test_time_grows_linearly(read: Callable[[str], object], piece: str) -> None:
    check_linear(ignore_errors(read), piece)
