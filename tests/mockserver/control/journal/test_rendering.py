"""Entries have WireMock's shape."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.contract import users
from duologue_mock.control.journal.entry import MAX_BODY, Served
from duologue_mock.control.journal.rendering import format_date
from duologue_mock.handler_registry import Principal
from duologue_mock.http.messages import HEAD_KEY, Request
from tests.mockserver.clocks import ManualClock
from tests.mockserver.control.recording import build_request, build_response, create_recorder, record
from tests.mockserver.control.stubs_of_tests import FakeStub

FORM = ("Content-Type", "application/x-www-form-urlencoded")


def render(request: Request, *args: Any, **options: Any) -> dict[str, Any]:
    recorder = create_recorder(ManualClock(datetime(2024, 6, 1, 12, 0, 0, 120_000, UTC)))
    return recorder.renderer.render(record(recorder, request, *args, **options))


def test_request_in_wiremocks_shape() -> None:
    request = build_request(
        "POST", "/hello?a=1&b=%20x+y&a=3&c", ("Cookie", "a=b; c=d; a=e"), ("X-R", "1"), ("x-r", "2"), FORM,
        body=b"x=1&y=2&x=3", host="localhost:18080",
    )  # fmt: skip
    assert render(request, build_response(404))["request"] == {
        "url": "/hello?a=1&b=%20x+y&a=3&c",
        "absoluteUrl": "http://localhost:18080/hello?a=1&b=%20x+y&a=3&c",
        "method": "POST",
        "clientIp": "127.0.0.1",
        "headers": {
            "Host": "localhost:18080",
            "Cookie": "a=b; c=d; a=e",
            "X-R": ["1", "2"],
            "Content-Type": "application/x-www-form-urlencoded",
            "Content-Length": "11",
        },
        "cookies": {"a": ["b", "e"], "c": "d"},
        "browserProxyRequest": False,
        "loggedDate": 1717243200120,
        "loggedDateString": "2024-06-01T12:00:00.12Z",
        "bodyAsBase64": "eD0xJnk9MiZ4PTM=",
        "body": "x=1&y=2&x=3",
        "protocol": "HTTP/1.1",
        "scheme": "http",
        "host": "localhost",
        "port": 18080,
        "queryParams": {
            "a": {"key": "a", "values": ["1", "3"]},
            "b": {"key": "b", "values": [" x y"]},
            "c": {"key": "c", "values": [""]},
        },
        "formParams": {"x": {"key": "x", "values": ["1", "3"]}, "y": {"key": "y", "values": ["2"]}},
    }


def test_response_of_an_operation() -> None:
    shown = render(build_request("GET", "/api/users/1"), build_response(200, b'{"id":"1"}', ("X-A", "1"), ("x-a", "2")))
    del shown["request"], shown["id"], shown["timing"]
    assert shown == {
        "responseDefinition": {"status": 200, "fromConfiguredStub": False},
        "response": {
            "status": 200,
            "headers": {"Content-Type": "application/json", "X-A": ["1", "2"]},
            "bodyAsBase64": "eyJpZCI6IjEifQ==",
            "body": '{"id":"1"}',
        },
        "wasMatched": True,
        "subEvents": [],
        "operation": users.GET.id,
        "caller": {"address": "127.0.0.1"},
        "violations": [],
    }


def test_response_of_a_stub() -> None:
    id = uuid.uuid4()
    stub = FakeStub(id, {"id": str(id), "request": {"url": "/x"}, "response": {"fault": "EMPTY_RESPONSE"}})
    shown = render(build_request(url="/x"), served=Served(stub, "delay=20", "EMPTY_RESPONSE", delay=20.4))
    assert (shown["stubMapping"], shown["responseDefinition"]) == (stub.json, stub.json["response"])
    assert (shown["response"]["fault"], shown["preference"], shown["wasMatched"]) == (
        "EMPTY_RESPONSE",
        "delay=20",
        True,
    )
    assert shown["timing"].keys() == {"addedDelay", "processTime", "responseSendTime", "serveTime", "totalTime"}
    assert shown["timing"]["addedDelay"] == 20 <= shown["timing"]["totalTime"]


def test_long_stub_is_named_only() -> None:
    id = uuid.uuid4()
    json = {"id": str(id), "name": "long", "response": {"status": 201, "body": "x" * MAX_BODY}}
    shown = render(build_request(), served=Served(FakeStub(id, json, size=MAX_BODY + 1)))
    assert shown["stubMapping"] == {"id": str(id), "name": "long", "response": {"status": 201}}


@pytest.mark.parametrize(
    ("url", "status", "stub", "is_matched"),
    [("/nowhere", 404, False, False), ("/nowhere", 200, True, True), ("/nowhere", 404, True, True),
     ("/api/users/99", 404, False, True), ("/", 200, False, True), ("/api/users", 503, False, True)],
)  # fmt: skip
def test_unmatched_is_what_nothing_answered(url: str, status: int, stub: bool, is_matched: bool) -> None:
    served = Served(FakeStub()) if stub else None
    assert render(build_request(url=url), build_response(status), served=served)["wasMatched"] is is_matched


def test_bodies_are_cut() -> None:
    long = b"x" * (MAX_BODY + 5)
    shown = render(build_request("POST", body=long), build_response(200, long))
    assert [len(shown[part]["body"]) for part in ("request", "response")] == [MAX_BODY, MAX_BODY]
    assert [shown[part]["bodySize"] for part in ("request", "response")] == [len(long), len(long)]


def test_body_that_is_not_text() -> None:
    shown = render(build_request("POST", body=b"\xff\x00\xfe"))["request"]
    assert (shown["bodyAsBase64"], shown["body"]) == ("/wD+", "\ufffd\x00\ufffd")


def test_head_has_no_body() -> None:
    shown = render(build_request("HEAD", "/api/users"), build_response(200, b"[]"))
    assert (shown["response"]["body"], "bodySize" in shown["response"]) == ("", False)


@pytest.mark.parametrize(
    ("target", "host", "absolute"),
    [
        ("/a?b", "localhost", "http://localhost/a?b"),
        ("/a", "localhost:80", "http://localhost/a"),
        ("/a", "[::1]:8080", "http://[::1]:8080/a"),
        ("http://localhost:99/a?b:c", "ignored", "http://localhost:99/a?b:c"),
        ("http://localhost", "ignored", "http://localhost/"),
        ("http://localhost?x", "ignored", "http://localhost/?x"),
    ],
)
def test_absolute_url(target: str, host: str, absolute: str) -> None:
    request = build_request(url=target, host=host)
    assert render(request)["request"]["absoluteUrl"] == absolute


def test_caller() -> None:
    request = build_request()
    request.principal = Principal(key="dev-api-key\x00ada", user_id="ada")
    assert render(request)["caller"] == {"chatUserId": "ada"}


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_dates_as_wiremock_writes_them(moment: datetime) -> None:
    text = format_date(moment)
    assert datetime.fromisoformat(text) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert not text.endswith(("0Z", ".Z")) or "." not in text
    assert format_date(moment + timedelta(0)) == text


def test_head_of_another_server() -> None:
    """Where another server has read the request, the entry is made of what WSGI has."""
    request = build_request("GET", "/api/users?a=b", ("X-Api-Key", "k"), ("Accept", "text/html"))
    del request.environ[HEAD_KEY], request.environ["REQUEST_URI"]
    request.path = "/api/us\u00e9rs and"
    shown = render(request)["request"]
    assert (shown["url"], shown["headers"]["Accept"]) == ("/api/us%C3%A9rs%20and?a=b", "text/html")
