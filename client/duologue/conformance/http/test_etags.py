"""`ETag`, `If-None-Match` and `If-Match`."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from duologue.conformance import sources
from duologue.conformance.rules import covers, rule
from duologue.conformance.shared_requests import Share
from duologue.conformance.target.caller import Api
from duologue.conformance.target.examples import (
    PreparedRequest,
    build_path,
    create_session,
    create_user,
    each,
    each_case,
    prepare_request,
)
from duologue.conformance.target.raw import send_raw
from duologue.conformance.target.responses import check_error, read_data
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import unique
from duologue.contract import Operation, chats, messages, operations, smart_chat, users

TAGGED = [
    operation for operation in operations() if operation.safe and operation.response and operation.resource != "health"
]
CHANGES = [
    *(users.UPDATE, users.CREATE, users.DELETE, chats.CREATE, chats.RENAME, chats.FAVORITE, chats.DELETE),
    *(messages.SEND, smart_chat.ASK),
]
OTHER = ['"other"', 'W/"other"', '"a", "b"', '""', '"x,*,y"', '"*"', '",", "W/"', ", ,"]
ATTEMPTS = 5
"""How often the tag of all users is sent as a condition: others create users meanwhile, and it is another then."""
MALFORMED = ["other", '"other', 'other"', '"x", *', '*, "x"', "**", 'w/"x"', '"a" "b"', '"a b"', "W/*"]


def tag(api: Api, path: str) -> str:
    """Return the present tag of what is at `path`."""
    return api.get(path).headers["ETag"]


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


def _resource(path: str) -> str:
    """Return the path of what a change is a change of."""
    return path.removesuffix("/favorite").removesuffix("/smart-chat")


def _read_state(request: PreparedRequest, **query: str) -> tuple[str, Any]:
    response = request.api.get(_resource(request.path), query=query)
    return response.headers["ETag"], {**response.json(), "metadata": 0}


def _get_own_part(request: PreparedRequest) -> dict[str, str]:
    """Return the query for the part of a list that is this request's: others create users meanwhile."""
    return {"search": request.body["email"]} if request.operation is users.CREATE else {}


@rule(
    "conditional.holds",
    "A change whose conditions hold is made.",
    source=sources.CONDITIONS,
    stage=3,
    needs=["admin"],
)
@each_case(
    "header",
    [
        ("If-Match", "{present}"),
        ("If-None-Match", '"other"'),
        *(("If-Match", value) for value in ("*", ',"x,y", {present} ,')),
        *(("If-None-Match", value) for value in OTHER[1:]),
    ],
    *CHANGES,
    everywhere=2,
)
def test_conditions_that_hold(server: Server, operation: Operation[Any], header: tuple[str, str]) -> None:
    request = prepare_request(server, operation)
    name, value = header
    for _ in range(ATTEMPTS):
        present = tag(request.api, _resource(request.path))
        response = request.send(headers={name: value.format(present=present)})
        if response.status_code == operation.status or tag(request.api, _resource(request.path)) == present:
            break

    assert response.status_code == operation.status


@rule(
    "conditional.if-match",
    "A change whose If-Match or If-None-Match does not hold is 412 and has no effect.",
    source=sources.CONDITIONS,
    stage=3,
    needs=["admin"],
    quick=True,
)
@each_case(
    "headers",
    [
        {"If-Match": '"other"'},
        {"If-None-Match": "*"},
        {"If-None-Match": "{present}"},
        *({"If-Match": value} for value in (*OTHER[1:], "W/{present}")),
        *({"If-None-Match": value} for value in ("W/{present}", '"x,y", {present}')),
        {"If-Match": "{present}", "If-None-Match": "*"},
        {"If-Match": '"other"', "If-None-Match": '"other"'},
    ],
    *CHANGES,
    everywhere=2,
    statuses=[412],
)
def test_conditions_that_fail(share: Share, operation: Operation[Any], headers: dict[str, str]) -> None:
    request = share(operation)
    mine = _get_own_part(request)
    for _ in range(ATTEMPTS):
        before = _read_state(request, **mine)
        present = tag(request.api, _resource(request.path)) if mine else before[0]
        response = request.send(headers={name: value.format(present=present) for name, value in headers.items()})
        if response.status_code == 412 or tag(request.api, _resource(request.path)) == present:
            break

    check_error(response, 412)
    assert _read_state(request, **mine) == before


@rule(
    "conditional.malformed",
    "A malformed If-Match or If-None-Match is 400 and named, and has no effect.",
    source=sources.CONDITIONS,
    stage=3,
    needs=["admin"],
)
@each_case(
    "header",
    [(name, value) for value in MALFORMED for name in ("If-Match", "If-None-Match")],
    *CHANGES,
    *TAGGED,
    everywhere=2,
    statuses=[400],
)
def test_malformed_condition(share: Share, operation: Operation[Any], header: tuple[str, str]) -> None:
    request = share(operation)
    mine = _get_own_part(request)
    before = None if operation.safe else _read_state(request, **mine)

    check_error(request.send(headers=dict([header])), 400, header[0])

    assert before is None or _read_state(request, **mine) == before


@rule(
    "conditional.several-lines",
    "Several lines of a condition are one list.",
    source=sources.CONDITIONS,
    needs=["admin"],
    stage=3,
)
def test_several_lines(server: Server) -> None:
    platform = server.platform
    user = create_user(platform)
    path, host = f"{urlsplit(platform.url).path}/users/{user['id']}", urlsplit(platform.url).netloc
    present = tag(platform, f"/users/{user['id']}")

    def send(*lines: str) -> int:
        head = [f"PUT {path} HTTP/1.1", f"Host: {host}", "Content-Type: application/json", "Content-Length: 2", *lines]
        head += ["Connection: close", *server.authorization.splitlines(), "", "{}"]
        return send_raw(server.platform_origin, "\n".join(head)).status_code

    assert send('If-Match: "other"', f"If-Match: {present}") == 200
    assert send('If-Match: "other"', 'If-Match: "another"') == 412
    assert send('If-Match: "other"', "If-Match: *") == 400
    assert send("If-None-Match:", f"If-None-Match: {present}") == 412


@rule(
    "conditional.lost-update",
    "Of two changes with the same If-Match, the second is 412 and the first stays.",
    source=sources.CONDITIONS,
    stage=3,
    needs=["admin"],
    quick=True,
)
@covers(users.UPDATE, 412)
def test_lost_update(platform: Api) -> None:
    user = create_user(platform)
    path = f"/users/{user['id']}"
    if_match = {"If-Match": tag(platform, path)}

    assert platform.put(path, {"name": "First"}, headers=if_match).status_code == 200
    check_error(platform.put(path, {"name": "Second"}, headers=if_match), 412)

    assert platform.get(path).json()["name"] == "First"


@rule(
    "conditional.toggle",
    "A toggle with If-Match is done once.",
    source=sources.CONDITIONS,
    stage=3,
)
@covers(chats.FAVORITE, 412)
def test_toggle_with_if_match(chat: Api) -> None:
    path = f"/chats/{create_session(chat)}"
    if_match = {"If-Match": tag(chat, path)}

    assert read_data(chat.patch(f"{path}/favorite", headers=if_match))["isFavorite"] is True
    check_error(chat.patch(f"{path}/favorite", headers=if_match), 412)

    assert read_data(chat.get(path))["isFavorite"] is True


@rule(
    "conditional.not-found",
    "What is 404 without a condition is 404 with one.",
    source=sources.CONDITIONS,
    stage=3,
    needs=["admin"],
)
@each_case(
    "header",
    [("If-Match", '"x"'), ("If-None-Match", "*"), ("If-Match", "*"), ("If-None-Match", '"x"')],
    *(operation for operation in operations() if operation.parameters),
    everywhere=2,
)
def test_condition_on_missing(share: Share, operation: Operation[Any], header: tuple[str, str]) -> None:
    """It is 404 as without the condition (RFC 9110, section 13.2.1)."""
    request = share(operation)
    path = build_path(operation, dict.fromkeys(operation.parameters, unique("unknown")))

    response = request.api.request(operation.method, path, request.body, headers=dict([header]))

    check_error(response, 404)


@rule(
    "conditional.dates",
    "Conditions on modification dates are ignored, since there are none.",
    source=sources.CONDITIONS,
    stage=3,
    needs=["admin"],
)
def test_ignored_conditions(platform: Api) -> None:
    """There are no modification dates, so conditions on them say nothing (RFC 9110, sections 13.1.3 and 13.1.4)."""
    path, date = f"/users/{create_user(platform)['id']}", "Fri, 01 Jan 2100 00:00:00 GMT"

    assert platform.get(path, headers={"If-Modified-Since": date}).status_code == 200
    old = "Mon, 01 Jan 2001 00:00:00 GMT"
    assert platform.put(path, {"name": "New"}, headers={"If-Unmodified-Since": old}).status_code == 200


@rule(
    "conditional.replay",
    "A request that is repeated under its Idempotency-Key is replayed, though its condition does not hold any more.",
    source=sources.CONDITIONS,
    stage=3,
)
def test_condition_is_met_once(chat: Api) -> None:
    """A request that is repeated under its key is replayed, though its condition does not hold any more."""
    path = f"/chats/{create_session(chat)}"
    headers = {"If-Match": tag(chat, path), "Idempotency-Key": unique("key")}

    statuses = [chat.patch(path, {"title": "New"}, headers=headers).status_code for _ in range(2)]

    assert statuses == [200, 200]
