"""Faults of ETags and conditional requests."""

from __future__ import annotations

import time
from typing import Any

from duologue.contract import chats, messages, smart_chat, users
from duologue_mock.errors import HTTPError
from duologue_mock.http import dispatch, preconditions
from duologue_mock.http.dispatch import Dispatcher
from tests.conformance.planting import (
    Fault,
    Plant,
    change_headers,
    change_response,
    set_header,
    wrap,
)


def _skip_check(*operations: Any) -> Plant:
    """Change without looking at the conditions."""

    def check(original: Any, self: Dispatcher, operation: Any, request: Any) -> None:
        if operation not in operations:
            original(self, operation, request)

    return wrap(Dispatcher, "_check_change", check)


def _drop_condition(name: str, *, safe: bool) -> Plant:
    """Ignore a header on reads, or on changes."""

    def check(original: Any, request: Any, etag: str, *, safe: bool) -> bool:
        held = request.environ.pop(name, None) if safe is reading else None
        try:
            return bool(original(request, etag, safe=safe))
        finally:
            if held is not None:
                request.environ[name] = held

    reading = safe
    return wrap(dispatch, "check_preconditions", check)


def _compare_weakly(original: Any, request: Any, etag: str, *, safe: bool) -> bool:
    value = request.environ.get("HTTP_IF_MATCH")
    if value is not None:
        request.environ["HTTP_IF_MATCH"] = value.replace("W/", "")
    return bool(original(request, etag, safe=safe))


def _use_first_tag(original: Any, request: Any, etag: str, *, safe: bool) -> bool:
    value = request.environ.get("HTTP_IF_NONE_MATCH")
    if value is not None and "," in value and '",' in value:
        request.environ["HTTP_IF_NONE_MATCH"] = value[: value.index('",') + 1]
    return bool(original(request, etag, safe=safe))


def _split_at_commas(original: Any, request: Any, name: str, key: str) -> Any:
    value = request.environ.get(key)
    if value is None:
        return None
    return frozenset(part.strip() for part in value.split(","))


def _refuse_304(original: Any, request: Any, etag: str, *, safe: bool) -> bool:
    if original(request, etag, safe=safe):
        raise HTTPError(412, "The resource has not changed")
    return False


def _wrong_status(original: Any, request: Any, etag: str, *, safe: bool) -> bool:
    try:
        return bool(original(request, etag, safe=safe))
    except HTTPError as error:
        if error.status == 412:
            raise HTTPError(409, "The resource has changed meanwhile") from None
        raise


def _drop_tag_of_304(response: Any, request: Any) -> Any:
    if response.status == 304:
        response.headers = [header for header in response.headers if header[0] != "ETag"]
    return response


def _tag_by_length(original: Any, body: bytes) -> str:
    return f'"{len(body)}"'


def _tag_by_moment(original: Any, body: bytes) -> str:
    return f'"{time.monotonic_ns()}"'


def _check_before_lookup(original: Any, self: Dispatcher, operation: Any, request: Any) -> Any:
    """A condition on what does not exist is a 412."""
    try:
        return original(self, operation, request)
    except HTTPError as error:
        if error.status == 404 and "HTTP_IF_MATCH" in request.environ:
            raise HTTPError(412, "The resource has changed meanwhile") from None
        raise


def _change_first(original: Any, self: Dispatcher, operation: Any, request: Any, *arguments: Any) -> Any:
    """Rename a session, then look at the conditions."""
    if operation is chats.RENAME and request.header("HTTP_IF_MATCH") == '"other"':
        self._call_handler(operation, request, query=arguments[0], body=arguments[1])
    return original(self, operation, request, *arguments)


READS = (users.LIST, users.GET, chats.LIST, chats.GET, messages.LIST)

FAULTS = [
    Fault(
        "preconditions.no-etag-on-list",
        "conditional.tag",
        "The list of users has no `ETag`.",
        change_headers(
            lambda headers, request, _: [
                header for header in headers if header[0] != "ETag" or request.operation is not users.LIST
            ]
        ),
        met_by="conditional.not-modified",
    ),
    Fault(
        "preconditions.etag-of-length",
        "conditional.tag-of-user",
        "The `ETag` is made of the length of the body.",
        wrap(dispatch, "_build_etag", _tag_by_length),
    ),
    Fault(
        "preconditions.etag-of-moment",
        "conditional.not-modified",
        "The `ETag` is another one in each response.",
        wrap(dispatch, "_build_etag", _tag_by_moment),
    ),
    Fault(
        "preconditions.weak-etag",
        "conditional.holds",
        "The `ETag` is a weak one, which `If-Match` never matches.",
        set_header("ETag", lambda value: f"W/{value}"),
    ),
    Fault(
        "preconditions.unquoted-etag",
        "conditional.tag",
        "The `ETag` has no quotes.",
        set_header("ETag", lambda value: value.strip('"')),
        met_by="conditional.not-modified",
    ),
    Fault(
        "preconditions.if-match-on-put",
        "conditional.lost-update",
        "`If-Match` is ignored by `PUT`.",
        _skip_check(users.UPDATE),
    ),
    Fault(
        "preconditions.if-match-on-delete",
        "conditional.if-match",
        "`If-Match` is ignored by `DELETE` of a session.",
        _skip_check(chats.DELETE),
    ),
    Fault(
        "preconditions.if-match-on-favorite",
        "conditional.toggle",
        "`If-Match` is ignored by the favorite mark.",
        _skip_check(chats.FAVORITE),
    ),
    Fault(
        "preconditions.if-match-on-smart-chat",
        "conditional.if-match",
        "`If-Match` is ignored by smart chat.",
        _skip_check(smart_chat.ASK),
    ),
    Fault(
        "preconditions.if-match-on-reads",
        "conditional.if-match-reads",
        "`If-Match` is ignored by reads.",
        _drop_condition("HTTP_IF_MATCH", safe=True),
    ),
    Fault(
        "preconditions.if-none-match-on-reads",
        "conditional.not-modified",
        "`If-None-Match` is ignored by reads.",
        _drop_condition("HTTP_IF_NONE_MATCH", safe=True),
    ),
    Fault(
        "preconditions.if-none-match-on-changes",
        "conditional.if-match",
        "`If-None-Match` is ignored by changes.",
        _drop_condition("HTTP_IF_NONE_MATCH", safe=False),
    ),
    Fault(
        "preconditions.if-match-weak",
        "conditional.if-match",
        "`If-Match` is satisfied by a weak tag.",
        wrap(dispatch, "check_preconditions", _compare_weakly),
    ),
    Fault(
        "preconditions.first-tag-only",
        "conditional.not-modified",
        "Only the first tag of `If-None-Match` counts.",
        wrap(dispatch, "check_preconditions", _use_first_tag),
    ),
    Fault(
        "preconditions.quoted-commas",
        "conditional.modified",
        "Commas and asterisks inside a tag are not told from those between tags.",
        wrap(preconditions, "_parse", _split_at_commas),
    ),
    Fault(
        "preconditions.304-is-412",
        "conditional.not-modified",
        "A read of what has not changed is a 412.",
        wrap(dispatch, "check_preconditions", _refuse_304),
    ),
    Fault(
        "preconditions.412-is-409",
        "conditional.if-match",
        "A condition that does not hold is a 409.",
        wrap(dispatch, "check_preconditions", _wrong_status),
    ),
    Fault(
        "preconditions.304-without-etag",
        "conditional.tag",
        "A 304 has no `ETag`.",
        change_response(_drop_tag_of_304, *READS),
        met_by="conditional.not-modified",
    ),
    Fault(
        "preconditions.missing-is-412",
        "conditional.not-found",
        "A condition on a resource that does not exist is a 412.",
        wrap(Dispatcher, "_check_change", _check_before_lookup),
    ),
    Fault(
        "preconditions.change-before-check",
        "conditional.if-match",
        "A session is renamed before the condition is found not to hold.",
        wrap(Dispatcher, "_perform", _change_first),
    ),
]
