"""Media types and bodies."""

from __future__ import annotations

from typing import Any

import pytest

from duologue.conformance import sources
from duologue.conformance.rules import rule
from duologue.conformance.shared_requests import Share
from duologue.conformance.target.caller import NO_BODY, Api
from duologue.conformance.target.examples import WITH_BODY, each, each_case
from duologue.conformance.target.responses import check_error
from duologue.contract import Operation

MIB = 1024 * 1024


@rule(
    "body.media-type",
    "A body of another media type than JSON, or of none, is 415 on every operation with a body.",
    source=sources.REQUESTS,
    stage=3,
    needs=["admin"],
)
@each_case(
    "media_type",
    ["text/plain", None, "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", ""],
    *WITH_BODY,
    everywhere=2,
    statuses=[415],
)
def test_other_media_type(share: Share, operation: Operation[Any], media_type: str | None) -> None:
    check_error(share(operation).send(headers={"Content-Type": media_type}), 415)


@rule(
    "body.media-type-parameters",
    "Parameters and case of the media type do not matter.",
    source=sources.REQUESTS,
    stage=3,
)
@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON", "application/json;x=y"])
def test_media_type_parameters(chat: Api, media_type: str) -> None:
    assert chat.post("/chats", {"title": "x"}, headers={"Content-Type": media_type}).status_code == 201


@rule(
    "body.object",
    "A body that is not a JSON object is 400 on every operation with a body.",
    source=sources.REQUESTS,
    stage=3,
    needs=["admin"],
)
@each_case(
    "text",
    [b"{", b"[]", b"null", b'{"a": }', b"{'a': 1}", b"title=x", b"{} {}", b'"text"', b"7"],
    *WITH_BODY,
    everywhere=3,
    statuses=[400],
)
def test_body_is_no_object(share: Share, operation: Operation[Any], text: bytes) -> None:
    check_error(share(operation).with_body(text).send(), 400)


@rule(
    "body.required",
    "A missing body is 400 on every operation that needs one.",
    source=sources.REQUESTS,
    stage=3,
    needs=["admin"],
)
@each(*(operation for operation in WITH_BODY if operation.body_required), statuses=[400])
@pytest.mark.parametrize("announced", [True, False])
def test_missing_body(share: Share, operation: Operation[Any], announced: bool) -> None:
    headers = {"Content-Type": "application/json"} if announced else {}

    response = share(operation).with_body(NO_BODY).send(headers=headers)

    check_error(response, 400)


@rule(
    "body.unknown-field",
    "An unknown field is 400 and is the only one named, on every operation with a body.",
    source=sources.REQUESTS,
    stage=3,
    needs=["admin"],
    quick=True,
)
@each_case(
    "name",
    ["titel", "_id", "createdAt", "userId", "", "__proto__"],
    *WITH_BODY,
    everywhere=2,
    statuses=[400],
)
def test_unknown_field(share: Share, operation: Operation[Any], name: str) -> None:
    request = share(operation)
    body = {**request.body, name: "x"}

    complaints = check_error(request.with_body(body).send(), 400)["details"]["fields"]

    assert set(complaints) == {name}


@rule(
    "body.too-large",
    "A body over the limit of 1 MiB is 413 on every operation with a body.",
    source=sources.REQUESTS,
    stage=3,
    needs=["admin"],
)
@each(*WITH_BODY, statuses=[413])
def test_body_over_limit(share: Share, operation: Operation[Any]) -> None:
    check_error(share(operation).with_body(b"{" + b" " * MIB + b"}").send(), 413)


@rule(
    "body.limit",
    "A body of exactly 1 MiB is accepted.",
    source=sources.REQUESTS,
    stage=3,
)
def test_body_at_limit(chat: Api) -> None:
    text = b'{"title": "Large"}'

    assert chat.post("/chats", text + b" " * (MIB - len(text))).status_code == 201


@rule(
    "body.utf-8",
    "Text of any script is returned as it was sent, in UTF-8.",
    source=sources.REQUESTS,
    stage=3,
)
def test_utf_8(chat: Api) -> None:
    title = "Grüße 東京 😀 \u2028 \\ / \" '"

    response = chat.post("/chats", {"title": title})

    assert response.headers["Content-Type"].split(";")[0] == "application/json"
    assert response.content.decode("utf-8")
    assert response.json()["data"]["title"] == title
