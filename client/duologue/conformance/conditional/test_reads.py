"""`ETag`, and `If-None-Match` and `If-Match` of reads."""

from __future__ import annotations

from typing import Any

from duologue.conformance import sources
from duologue.conformance.conditional.entity_tags import OTHER, TAGGED, tag
from duologue.conformance.rules import rule
from duologue.conformance.shared_requests import Share
from duologue.conformance.target.caller import Api
from duologue.conformance.target.examples import (
    create_session,
    create_user,
    each,
    each_case,
)
from duologue.conformance.target.responses import check_error
from duologue.conformance.target.unique_names import unique
from duologue.contract import Operation


@rule(
    "conditional.not-modified",
    "A read whose If-None-Match has the present tag, weak or among others, or is *, is 304 without a "
    "body, with the headers of the 200.",
    source=sources.CONDITIONS,
    stage=3,
    needs=["admin"],
    quick=True,
)
@each(*TAGGED, statuses=[304])
def test_not_modified(share: Share, operation: Operation[Any]) -> None:
    request = share(operation)
    first = request.send()
    present = first.headers["ETag"]
    assert present.removeprefix("W/").startswith('"')
    assert present.endswith('"')

    bare = present.removeprefix("W/")
    for value in (present, f'"other", {present}', f',, "x,y" , {present},', "*", bare, f"W/{bare}"):
        response = request.send(headers={"If-None-Match": value})
        assert response.status_code == 304, value
        assert response.content == b""
        assert response.headers["ETag"] == present
        assert response.headers["X-Request-Id"]
        for name in ("Vary", "Cache-Control"):
            assert response.headers.get(name) == first.headers.get(name)
    head = request.api.request("HEAD", request.path, query=request.query, headers={"If-None-Match": present})
    assert head.status_code == 304


@rule(
    "conditional.modified",
    "A read whose If-None-Match does not have the present tag is 200.",
    source=sources.CONDITIONS,
    stage=3,
    needs=["admin"],
)
@each_case("value", OTHER, *TAGGED)
def test_modified(share: Share, operation: Operation[Any], value: str) -> None:
    response = share(operation).send(headers={"If-None-Match": value})

    assert response.status_code == 200
    assert response.json()


@rule(
    "conditional.tag-of-user",
    "A changed user has another tag, and so has each list with it.",
    source=sources.CONDITIONS,
    stage=3,
    needs=["admin"],
)
def test_etag_of_user(platform: Api) -> None:
    user = create_user(platform)
    single, listed = f"/users/{user['id']}", f"/users?search={user['email']}"
    before = [tag(platform, path) for path in (single, listed)]

    platform.put(single, {"name": unique("New")})

    after = [tag(platform, path) for path in (single, listed)]
    assert set(before).isdisjoint(after)
    assert [platform.get(path, headers={"If-None-Match": old}).status_code for path, old in
            zip((single, listed), before, strict=True)] == [200, 200]  # fmt: skip


@rule(
    "conditional.tag-of-list",
    "A list has another tag when a user is created or deleted.",
    source=sources.CONDITIONS,
    stage=3,
    needs=["admin"],
)
def test_etag_of_user_list(platform: Api) -> None:
    mark = unique("tag")
    path = f"/users?search={mark}"
    tags = [tag(platform, path)]
    user = create_user(platform, name=mark)
    tags.append(tag(platform, path))
    platform.delete(f"/users/{user['id']}")

    assert len({*tags}) == 2
    assert tag(platform, path) != tags[1]


@rule(
    "conditional.tag-after-message",
    "A new message changes the tags of its session, of the list of sessions and of the list of messages.",
    source=sources.CONDITIONS,
    stage=3,
)
def test_etag_after_message(chat: Api) -> None:
    session = create_session(chat)
    paths = [f"/chats/{session}", "/chats", f"/chats/{session}/messages"]
    before = [tag(chat, path) for path in paths]

    chat.post(f"/chats/{session}/messages", {"content": "Hello", "sender": "user"})

    assert set(before).isdisjoint(tag(chat, path) for path in paths)


@rule(
    "conditional.tag-of-pages",
    "Pages with other contents have other tags.",
    source=sources.CONDITIONS,
    stage=3,
)
def test_etag_of_pages(chat: Api) -> None:
    for number in range(3):
        create_session(chat, f"Session {number}")

    assert tag(chat, "/chats?limit=1&page=1") != tag(chat, "/chats?limit=1&page=2")


@rule(
    "conditional.private",
    "A tag of another user's session is of no use: the session is 404.",
    source=sources.CONDITIONS,
    stage=3,
)
def test_etag_of_another_user(chat: Api) -> None:
    session = create_session(chat)
    present = tag(chat, f"/chats/{session}")

    check_error(chat.as_user().get(f"/chats/{session}", headers={"If-None-Match": present}), 404)


@rule(
    "conditional.if-match-reads",
    "A read whose If-Match does not have the present strong tag is 412, and If-Match is looked at before "
    "If-None-Match.",
    source=sources.CONDITIONS,
    stage=3,
    needs=["admin"],
)
@each(*TAGGED, statuses=[412])
def test_if_match_on_reads(share: Share, operation: Operation[Any]) -> None:
    request = share(operation)
    present = request.send().headers["ETag"]

    for value, status in ((present, 200), ("*", 200), ('"other"', 412), ('"x,*,y"', 412), (f"W/{present}", 412)):
        assert request.send(headers={"If-Match": value}).status_code == status, value
    both = {"If-Match": '"other"', "If-None-Match": present}
    check_error(request.send(headers=both), 412)
    assert request.send(headers={**both, "If-Match": present}).status_code == 304
