"""`ETag`, `If-None-Match` and `If-Match`."""

from __future__ import annotations

from typing import Any

import pytest

from duologue.contract import Operation, chats, operations, users
from tests.contract.examples import ask, each, make_session, make_user
from tests.contract.wire import Api, Wire, covers, data, refused, unique

TAGGED = [
    operation for operation in operations() if operation.safe and operation.response and operation.resource != "health"
]
CONDITIONAL = [operation for operation in operations() if operation.method in ("PUT", "PATCH", "DELETE")]
OTHER = ['"other"', 'W/"other"', '"a", "b"', '""']


def tag(api: Api, path: str) -> str:
    """Return the present tag of what is at `path`."""
    return api.get(path).headers["ETag"]


@each(*TAGGED)
def test_not_modified(wire: Wire, operation: Operation[Any]) -> None:
    asked = ask(wire, operation)
    first = asked.send()
    present = first.headers["ETag"]
    assert present.removeprefix("W/").startswith('"')
    assert present.endswith('"')

    for value in (present, f'"other", {present}', "*", present.removeprefix("W/"), f"W/{present.removeprefix('W/')}"):
        answer = asked.send(headers={"If-None-Match": value})
        assert answer.status_code == 304, value
        assert answer.content == b""
        assert answer.headers["ETag"] == present
        assert answer.headers["X-Request-Id"]


@each(*TAGGED)
@pytest.mark.parametrize("value", OTHER)
def test_modified(wire: Wire, operation: Operation[Any], value: str) -> None:
    answer = ask(wire, operation).send(headers={"If-None-Match": value})

    assert answer.status_code == 200
    assert answer.json()


def test_etag_of_user(platform: Api) -> None:
    user = make_user(platform)
    single, listed = f"/users/{user['id']}", f"/users?search={user['email']}"
    before = [tag(platform, path) for path in (single, listed)]

    platform.put(single, {"name": unique("New")})

    after = [tag(platform, path) for path in (single, listed)]
    assert set(before).isdisjoint(after)
    assert [platform.get(path, headers={"If-None-Match": old}).status_code for path, old in
            zip((single, listed), before, strict=True)] == [200, 200]  # fmt: skip


def test_etag_of_user_list(platform: Api) -> None:
    mark = unique("tag")
    path = f"/users?search={mark}"
    tags = [tag(platform, path)]
    user = make_user(platform, name=mark)
    tags.append(tag(platform, path))
    platform.delete(f"/users/{user['id']}")

    assert len({*tags}) == 2
    assert tag(platform, path) != tags[1]


def test_etag_after_message(chat: Api) -> None:
    session = make_session(chat)
    paths = [f"/chats/{session}", "/chats", f"/chats/{session}/messages"]
    before = [tag(chat, path) for path in paths]

    chat.post(f"/chats/{session}/messages", {"content": "Hello", "sender": "user"})

    assert set(before).isdisjoint(tag(chat, path) for path in paths)


def test_etag_of_pages(chat: Api) -> None:
    for number in range(3):
        make_session(chat, f"Session {number}")

    assert tag(chat, "/chats?limit=1&page=1") != tag(chat, "/chats?limit=1&page=2")


def test_etag_of_another_user(chat: Api) -> None:
    session = make_session(chat)
    present = tag(chat, f"/chats/{session}")

    refused(chat.as_user().get(f"/chats/{session}", headers={"If-None-Match": present}), 404)


@each(*CONDITIONAL)
def test_if_match(wire: Wire, operation: Operation[Any]) -> None:
    for value in ("present", "*", "among others"):
        asked = ask(wire, operation)
        present = tag(asked.api, _resource(asked.path))
        sent = {"present": present, "*": "*", "among others": f'"other", {present}'}[value]

        assert asked.send(headers={"If-Match": sent}).status_code == operation.status, value


@each(*CONDITIONAL, answering=[412])
@pytest.mark.parametrize("value", OTHER)
def test_if_match_fails(wire: Wire, operation: Operation[Any], value: str) -> None:
    asked = ask(wire, operation)
    path = _resource(asked.path)
    before = asked.api.get(path)

    refused(asked.send(headers={"If-Match": value}), 412)

    after = asked.api.get(path)
    assert after.headers["ETag"] == before.headers["ETag"]
    assert {**after.json(), "metadata": 0} == {**before.json(), "metadata": 0}


def _resource(path: str) -> str:
    return path.removesuffix("/favorite")


@covers(users.UPDATE, 412)
def test_lost_update(platform: Api) -> None:
    user = make_user(platform)
    path = f"/users/{user['id']}"
    seen = {"If-Match": tag(platform, path)}

    assert platform.put(path, {"name": "First"}, headers=seen).status_code == 200
    refused(platform.put(path, {"name": "Second"}, headers=seen), 412)

    assert platform.get(path).json()["name"] == "First"


@covers(chats.FAVORITE, 412)
def test_toggle_with_if_match(chat: Api) -> None:
    path = f"/chats/{make_session(chat)}"
    seen = {"If-Match": tag(chat, path)}

    assert data(chat.patch(f"{path}/favorite", headers=seen))["isFavorite"] is True
    refused(chat.patch(f"{path}/favorite", headers=seen), 412)

    assert data(chat.get(path))["isFavorite"] is True


def test_condition_on_missing(platform: Api) -> None:
    for value in ('"x"', "*"):
        answer = platform.put(f"/users/{unique('nobody')}", {"name": "x"}, headers={"If-Match": value})
        assert answer.status_code in (404, 412)
