"""`ETag`, `If-None-Match` and `If-Match`."""

from __future__ import annotations

from typing import Any

import pytest

from duologue.contract import Operation, chats, operations, users
from tests.contract.examples import create_session, create_user, each, prepare_request
from tests.contract.server import Api, Server, check_error, covers, read_data, unique

TAGGED = [
    operation for operation in operations() if operation.safe and operation.response and operation.resource != "health"
]
CONDITIONAL = [operation for operation in operations() if operation.method in ("PUT", "PATCH", "DELETE")]
OTHER = ['"other"', 'W/"other"', '"a", "b"', '""']


def tag(api: Api, path: str) -> str:
    """Return the present tag of what is at `path`."""
    return api.get(path).headers["ETag"]


@each(*TAGGED)
def test_not_modified(server: Server, operation: Operation[Any]) -> None:
    request = prepare_request(server, operation)
    first = request.send()
    present = first.headers["ETag"]
    assert present.removeprefix("W/").startswith('"')
    assert present.endswith('"')

    for value in (present, f'"other", {present}', "*", present.removeprefix("W/"), f"W/{present.removeprefix('W/')}"):
        response = request.send(headers={"If-None-Match": value})
        assert response.status_code == 304, value
        assert response.content == b""
        assert response.headers["ETag"] == present
        assert response.headers["X-Request-Id"]


@each(*TAGGED)
@pytest.mark.parametrize("value", OTHER)
def test_modified(server: Server, operation: Operation[Any], value: str) -> None:
    response = prepare_request(server, operation).send(headers={"If-None-Match": value})

    assert response.status_code == 200
    assert response.json()


def test_etag_of_user(platform: Api) -> None:
    user = create_user(platform)
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
    user = create_user(platform, name=mark)
    tags.append(tag(platform, path))
    platform.delete(f"/users/{user['id']}")

    assert len({*tags}) == 2
    assert tag(platform, path) != tags[1]


def test_etag_after_message(chat: Api) -> None:
    session = create_session(chat)
    paths = [f"/chats/{session}", "/chats", f"/chats/{session}/messages"]
    before = [tag(chat, path) for path in paths]

    chat.post(f"/chats/{session}/messages", {"content": "Hello", "sender": "user"})

    assert set(before).isdisjoint(tag(chat, path) for path in paths)


def test_etag_of_pages(chat: Api) -> None:
    for number in range(3):
        create_session(chat, f"Session {number}")

    assert tag(chat, "/chats?limit=1&page=1") != tag(chat, "/chats?limit=1&page=2")


def test_etag_of_another_user(chat: Api) -> None:
    session = create_session(chat)
    present = tag(chat, f"/chats/{session}")

    check_error(chat.as_user().get(f"/chats/{session}", headers={"If-None-Match": present}), 404)


@each(*CONDITIONAL)
def test_if_match(server: Server, operation: Operation[Any]) -> None:
    for value in ("present", "*", "among others"):
        request = prepare_request(server, operation)
        present = tag(request.api, _resource(request.path))
        sent = {"present": present, "*": "*", "among others": f'"other", {present}'}[value]

        assert request.send(headers={"If-Match": sent}).status_code == operation.status, value


@each(*CONDITIONAL, statuses=[412])
@pytest.mark.parametrize("value", OTHER)
def test_if_match_fails(server: Server, operation: Operation[Any], value: str) -> None:
    request = prepare_request(server, operation)
    path = _resource(request.path)
    before = request.api.get(path)

    check_error(request.send(headers={"If-Match": value}), 412)

    after = request.api.get(path)
    assert after.headers["ETag"] == before.headers["ETag"]
    assert {**after.json(), "metadata": 0} == {**before.json(), "metadata": 0}


def _resource(path: str) -> str:
    return path.removesuffix("/favorite")


@covers(users.UPDATE, 412)
def test_lost_update(platform: Api) -> None:
    user = create_user(platform)
    path = f"/users/{user['id']}"
    if_match = {"If-Match": tag(platform, path)}

    assert platform.put(path, {"name": "First"}, headers=if_match).status_code == 200
    check_error(platform.put(path, {"name": "Second"}, headers=if_match), 412)

    assert platform.get(path).json()["name"] == "First"


@covers(chats.FAVORITE, 412)
def test_toggle_with_if_match(chat: Api) -> None:
    path = f"/chats/{create_session(chat)}"
    if_match = {"If-Match": tag(chat, path)}

    assert read_data(chat.patch(f"{path}/favorite", headers=if_match))["isFavorite"] is True
    check_error(chat.patch(f"{path}/favorite", headers=if_match), 412)

    assert read_data(chat.get(path))["isFavorite"] is True


def test_condition_on_missing(platform: Api) -> None:
    for value in ('"x"', "*"):
        response = platform.put(f"/users/{unique('unknown')}", {"name": "x"}, headers={"If-Match": value})
        assert response.status_code in (404, 412)
