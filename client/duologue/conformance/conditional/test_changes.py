"""`If-Match` and `If-None-Match` of changes."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from duologue.conformance import sources
from duologue.conformance.conditional.entity_tags import OTHER, TAGGED, tag
from duologue.conformance.rules import covers, rule
from duologue.conformance.shared_requests import Share
from duologue.conformance.target.caller import Api
from duologue.conformance.target.examples import (
    PreparedRequest,
    build_path,
    create_session,
    create_user,
    each_case,
    prepare_request,
)
from duologue.conformance.target.raw import send_raw
from duologue.conformance.target.responses import check_error, read_data
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import unique
from duologue.contract import Operation, chats, messages, operations, smart_chat, users

CHANGES = [
    *(users.UPDATE, users.CREATE, users.DELETE, chats.CREATE, chats.RENAME, chats.FAVORITE, chats.DELETE),
    *(messages.SEND, smart_chat.ASK),
]
ATTEMPTS = 5
"""How often the tag of all users is sent as a condition: others create users meanwhile, and it is another then."""
MALFORMED = ["other", '"other', 'other"', '"x", *', '*, "x"', "**", 'w/"x"', '"a" "b"', '"a b"', "W/*"]


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
