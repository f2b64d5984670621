"""The door finds what is wrong with any response: each check a fault of its own, and nothing in a right one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import pytest
import requests

from duologue.conformance.rules import BrokenRuleError
from duologue.conformance.target import golden
from duologue.conformance.target.checks import CHECKS, check_response
from duologue.conformance.target.comparison import check_equal, find_differences
from duologue.contract import CHAT, Operation, auth, chats, messages, operations, users

ETAGGED = {"ETag": '"abc"', "Cache-Control": "private, no-cache"}
COMMON = {
    "X-Request-Id": "urc-1",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Vary": "Origin, Authorization",
    "Content-Type": "application/json",
}


class Draft:
    """A response to be: what the golden example of an operation says, until a test changes it."""

    def __init__(self, operation: Operation[Any], status: int | None = None) -> None:
        self.operation: Operation[Any] | None = operation
        self.method = operation.method
        self.sent = {"Unique-Reference-Code": "urc-1"}
        self.status = status or operation.status
        self.body: Any = deepcopy(_get_body(operation, self.status))
        if isinstance(self.body, dict) and "metadata" in self.body:
            self.body["metadata"]["requestId"] = "urc-1"
        tagged = operation.has_etag and self.status in (operation.status, 304)
        self.headers: dict[str, str] = {**COMMON, **(ETAGGED if tagged else {"Cache-Control": "no-store"})}
        self.headers |= _get_further_headers(operation, self.status, self.body)

    def check(self, *, streamed: bool = False) -> None:
        response = requests.Response()
        response.status_code = self.status
        response.headers.update(self.headers)
        response._content = b"" if self.body is None else json.dumps(self.body).encode()
        response.request = requests.Request(self.method, "http://localhost/api/users", headers=self.sent).prepare()
        check_response(response, self.operation, streamed=streamed)


def _get_body(operation: Operation[Any], status: int) -> Any:
    if status >= 400:
        return golden.load(golden.ERRORS)[str(status)]
    return golden.load(operation.id)["response"].get("body") if status != 304 else None


def _get_further_headers(operation: Operation[Any], status: int, body: Any) -> Mapping[str, str]:
    if status == 201 and operation.path in ("/users", "/chats"):
        created = body["data"]["_id"] if operation.service is CHAT else body["id"]
        return {"Location": f"{operation.route}/{created}"}
    names = {401: ("WWW-Authenticate", "Bearer"), 429: ("Retry-After", "7"), 405: ("Allow", "GET")}
    return dict([names[status]]) if status in names else {}


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.id)
def test_right_success(operation: Operation[Any]) -> None:
    Draft(operation).check()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 413, 415, 421, 422, 429])
def test_right_error(status: int) -> None:
    Draft(users.CREATE if status != 404 else users.GET, status).check()


def test_right_not_modified() -> None:
    draft = Draft(users.GET, 304)
    draft.headers["ETag"] = '"tag"'

    draft.check()


def test_right_response_of_no_operation() -> None:
    draft = Draft(users.GET)
    draft.operation, draft.body, draft.headers["Content-Type"] = None, {"openapi": "3.1.0"}, "text/html"

    draft.check()


Fault = Callable[[Draft], object]


def change(**fields: Any) -> Fault:
    return lambda draft: draft.__dict__.update(fields)


def set_header(name: str, value: str | None) -> Fault:
    def fault(draft: Draft) -> None:
        draft.headers.pop(name, None)
        if value is not None:
            draft.headers[name] = value

    return fault


def set_body(**fields: Any) -> Fault:
    return lambda draft: draft.body.update(fields)


def drop(*path: str) -> Fault:
    def fault(draft: Draft) -> None:
        value = draft.body
        for name in path[:-1]:
            value = value[name]
        del value[path[-1]]

    return fault


def forbid_method(draft: Draft) -> None:
    """405 without `Allow`."""
    draft.operation, draft.status = None, 405
    draft.body["code"] = "METHOD_NOT_ALLOWED"


FAULTS: list[tuple[str, Operation[Any], int | None, Fault]] = [
    ("responses.status", users.CREATE, None, change(status=200)),
    ("responses.status", users.GET, 404, change(status=418)),
    ("responses.status", users.LIST, None, change(status=500)),
    ("errors.no-internals", users.GET, 404, set_body(message="Traceback (most recent call last)")),
    ("responses.media-type", users.GET, None, set_header("Content-Type", "text/html")),
    ("responses.media-type", users.GET, 404, set_header("Content-Type", "text/plain")),
    ("responses.empty", users.DELETE, None, change(body={})),
    ("responses.envelope", chats.GET, None, drop("message")),
    ("responses.envelope", chats.GET, None, set_body(extra=1)),
    ("responses.envelope", chats.GET, None, set_body(message="")),
    ("responses.envelope", chats.GET, None, drop("metadata", "version")),
    ("responses.body", users.GET, None, set_body(password="x")),
    ("responses.body", users.GET, None, set_body(id=1)),
    ("responses.body", users.GET, None, set_body(role="root")),
    ("responses.body", users.GET, None, drop("email")),
    ("responses.body", users.LIST, None, set_body(hasMore=0)),
    ("responses.body", users.LIST, None, set_body(total="2")),
    ("responses.body", messages.LIST, None, drop("pagination")),
    ("responses.body", chats.GET, None, lambda draft: draft.body["data"].update(createdAt="2024-01-01T00:00:00Z")),
    ("errors.body", users.GET, 404, drop("details", "fields")),
    ("errors.body", users.GET, 404, set_body(stack="…")),
    ("errors.body", users.GET, 404, set_body(errors=[])),
    ("errors.body", users.CREATE, 400, set_body(errors=["something else"])),
    ("errors.body", users.GET, 404, change(body=None)),
    ("errors.code", users.GET, 404, set_body(code="SERVER_ERROR")),
    ("request-id.header", users.GET, None, set_header("X-Request-Id", None)),
    ("request-id.header", users.GET, None, set_header("X-Request-Id", "another")),
    ("request-id.metadata", chats.GET, None, lambda draft: draft.body["metadata"].update(requestId="another")),
    ("headers.tokens-no-store", auth.LOGIN, None, set_header("Cache-Control", "private, no-cache")),
    ("headers.security", users.GET, None, set_header("X-Content-Type-Options", None)),
    ("headers.security", users.GET, 404, set_header("Cross-Origin-Resource-Policy", "cross-origin")),
    ("headers.caching", users.GET, None, set_header("Vary", "Accept")),
    ("headers.caching", users.GET, None, set_header("Cache-Control", "max-age=60")),
    ("headers.caching", users.GET, 404, set_header("Cache-Control", "private, no-cache")),
    ("challenges.present", users.GET, 401, set_header("WWW-Authenticate", None)),
    ("paths.allow", users.GET, 404, forbid_method),
    ("responses.location", users.CREATE, None, set_header("Location", None)),
    ("responses.location", users.CREATE, None, set_header("Location", "/users/999")),
    ("conditional.tag", users.GET, None, set_header("ETag", "abc")),
    ("rate-limit.retry-after", users.GET, 429, set_header("Retry-After", None)),
    ("rate-limit.headers", users.GET, None, set_header("RateLimit-Limit", "60")),
    ("idempotency.replayed", users.CREATE, None, set_header("Idempotency-Replayed", "true")),
]


@pytest.mark.parametrize(
    ("rule", "operation", "status", "fault"), FAULTS, ids=[f"{number}-{row[0]}" for number, row in enumerate(FAULTS)]
)
def test_fault(rule: str, operation: Operation[Any], status: int | None, fault: Fault) -> None:
    draft = Draft(operation, status)
    fault(draft)

    with pytest.raises(BrokenRuleError) as caught:
        draft.check()

    assert caught.value.rule_id == rule
    assert str(caught.value)


def test_every_check_finds_a_fault() -> None:
    assert {check.rule.id for check in CHECKS} - {rule for rule, *_ in FAULTS} == set()


def test_rate_limit_that_contradicts_itself() -> None:
    draft = Draft(users.GET)
    limits = {"RateLimit-Limit": "60", "RateLimit-Remaining": "59", "RateLimit-Reset": "30"}
    draft.headers |= limits
    draft.check()

    for name, value in (("RateLimit-Remaining", "61"), ("RateLimit-Reset", "3600"), ("RateLimit-Limit", "many")):
        draft.headers |= {**limits, name: value}
        with pytest.raises(BrokenRuleError):
            draft.check()


def test_replay_keeps_its_metadata() -> None:
    draft = Draft(chats.CREATE)
    draft.sent["Idempotency-Key"] = "key"
    draft.headers["Idempotency-Replayed"] = "true"
    draft.body["metadata"]["requestId"] = "the first one's"

    draft.check()


# Comparing


@pytest.mark.parametrize(
    ("expected", "actual", "differences"),
    [
        ({"a": 1}, {"a": 1.0}, ()),
        ({"a": 0}, {"a": False}, ("$.a: expected 0, not False",)),
        ({"a": "1"}, {"a": 1}, ("$.a: expected '1', not 1",)),
        ({"a": None}, {}, ("$.a: expected None, but it is missing",)),
        ({}, {"a": [1]}, ("$.a: [1] is not expected",)),
        ([1, {"b": 2}], [1, {"b": 3}], ("$[1].b: expected 2, not 3",)),
        ([1], [1, 2], ("$: expected 1 items, not 2",)),
        (list(range(100)), list(range(1, 101)), tuple(f"$[{i}]: expected {i}, not {i + 1}" for i in range(20))),
    ],
)
def test_differences(expected: Any, actual: Any, differences: tuple[str, ...]) -> None:
    assert find_differences(expected, actual) == differences


def test_check_equal() -> None:
    check_equal({"a": [True]}, {"a": [True]}, "the value")
    with pytest.raises(BrokenRuleError, match="the value differs") as caught:
        check_equal({"a": [True]}, {"a": [1]}, "the value")
    assert caught.value.differences == ("$.a[0]: expected 1, not True",)
