"""Chat sessions: `/chats-service/api/v1/chats`."""

from __future__ import annotations

import time
from typing import Any

import pytest

from duologue.conformance.rules import covers
from duologue.conformance.target.caller import NO_BODY, Api
from duologue.conformance.target.examples import create_session, each, prepare_request
from duologue.conformance.target.responses import OBJECT_ID, TIMESTAMP, check_error, read_data
from duologue.conformance.target.server import Server
from duologue.conformance.target.unique_names import unique
from duologue.contract import Operation, chats, messages, smart_chat

FIELDS = {"_id", "title", "isFavorite", "lastMessageAt", "createdAt", "updatedAt"}
CHAT_CALLS: list[Operation[Any]] = [
    *(chats.LIST, chats.CREATE, chats.GET, chats.RENAME, chats.DELETE, chats.FAVORITE),
    *(messages.LIST, messages.SEND, smart_chat.ASK),
]
"""Every call of the chat service but `/health`."""

BAD_TITLES = ["", " ", " \t ", "a" * 201, "😀" * 201, "two\nlines", "nul\x00", "esc\x1b[31m", "c1\x9b", 7, None, ["x"]]


@each(*CHAT_CALLS, statuses=[401])
@pytest.mark.parametrize("key", [None, "", "wrong", "DEV-API-KEY"], ids=ascii)
def test_invalid_api_key(server: Server, operation: Operation[Any], key: str | None) -> None:
    check_error(prepare_request(server, operation).send(headers={"x-api-key": key}), 401)


@each(*CHAT_CALLS, statuses=[400])
@pytest.mark.parametrize("value", [None, ""], ids=ascii)
@pytest.mark.parametrize("header", ["Unique-Reference-Code", "x-user-id"])
def test_missing_header(server: Server, operation: Operation[Any], header: str, value: str | None) -> None:
    check_error(prepare_request(server, operation).send(headers={header: value}), 400, header)


@pytest.mark.parametrize("header", ["Unique-Reference-Code", "x-user-id"])
def test_header_length(chat: Api, header: str) -> None:
    assert chat.get("/chats", headers={header: "a" * 255}).status_code == 200
    check_error(chat.get("/chats", headers={header: "a" * 256}), 400, header)


@each(*(call for call in CHAT_CALLS if call.parameters))
def test_session_of_another_user(server: Server, operation: Operation[Any]) -> None:
    request = prepare_request(server, operation)
    session = request.path.split("/")[2]
    path = f"/chats/{session}"
    before = request.api.get(path).json()["data"]

    stolen = check_error(request.with_headers(x_user_id=unique("thief")).send(), 404)

    unknown = check_error(
        request.api.request(operation.method, request.path.replace(session, "0" * 24), request.body), 404
    )
    assert stolen["code"] == unknown["code"]
    assert request.api.get(path).json()["data"] == before
    assert request.api.get(f"{path}/messages").json()["data"] == []


@each(*(call for call in CHAT_CALLS if call.parameters), statuses=[404])
def test_unknown_session(server: Server, operation: Operation[Any]) -> None:
    request = prepare_request(server, operation)
    session = request.path.split("/")[2]

    check_error(request.api.request(operation.method, request.path.replace(session, "0" * 24), request.body), 404)


@covers(chats.CREATE, 201)
def test_create(chat: Api) -> None:
    session = read_data(chat.post("/chats", {"title": "New Session"}), 201)

    assert set(session) == FIELDS
    assert OBJECT_ID.fullmatch(session["_id"])
    assert session["title"] == "New Session"
    assert session["isFavorite"] is False
    assert TIMESTAMP.fullmatch(session["createdAt"])
    assert session["createdAt"] == session["updatedAt"] == session["lastMessageAt"]


@covers(chats.GET, 200)
def test_get(chat: Api) -> None:
    session = read_data(chat.post("/chats", {"title": "New Session"}), 201)

    assert read_data(chat.get(f"/chats/{session['_id']}")) == session


@pytest.mark.parametrize("title", ["a", "a" * 200, "😀" * 200, "مرحبا", "<script>alert(1)</script>", "tab-less"])
def test_title_length(chat: Api, title: str) -> None:
    assert read_data(chat.post("/chats", {"title": title}), 201)["title"] == title


def test_title_is_trimmed(chat: Api) -> None:
    session = read_data(chat.post("/chats", {"title": "  New  Session "}), 201)

    assert session["title"] == "New  Session"
    assert read_data(chat.patch(f"/chats/{session['_id']}", {"title": " Renamed "}))["title"] == "Renamed"


@covers(chats.CREATE, 400)
@covers(chats.RENAME, 400)
@pytest.mark.parametrize("title", BAD_TITLES, ids=ascii)
def test_invalid_title(chat: Api, title: Any) -> None:
    session = create_session(chat)
    before = read_data(chat.get("/chats"))

    for response in (chat.post("/chats", {"title": title}), chat.patch(f"/chats/{session}", {"title": title})):
        assert set(check_error(response, 400)["details"]["fields"]) == {"title"}

    assert read_data(chat.get("/chats")) == before


@pytest.mark.parametrize("body", [{}, {"name": "x"}, {"title": "x", "isFavorite": True}], ids=ascii)
def test_unknown_fields(chat: Api, body: dict[str, Any]) -> None:
    session = create_session(chat)

    check_error(chat.post("/chats", body), 400)
    check_error(chat.patch(f"/chats/{session}", body), 400)


@covers(chats.RENAME, 200)
def test_rename(chat: Api) -> None:
    before = read_data(chat.post("/chats", {"title": "Test Session"}), 201)

    after = read_data(chat.patch(f"/chats/{before['_id']}", {"title": "Renamed Session"}))

    assert after == {**before, "title": "Renamed Session", "updatedAt": after["updatedAt"]}
    assert after["updatedAt"] >= before["updatedAt"]
    assert read_data(chat.get(f"/chats/{before['_id']}")) == after


@covers(chats.DELETE, 204)
def test_delete(chat: Api) -> None:
    session = create_session(chat)
    chat.post(f"/chats/{session}/messages", {"content": "Hello", "sender": "user"})

    gone = chat.delete(f"/chats/{session}")

    assert gone.status_code == 204
    assert gone.content == b""
    check_error(chat.get(f"/chats/{session}"), 404)
    check_error(chat.get(f"/chats/{session}/messages"), 404)
    check_error(chat.delete(f"/chats/{session}"), 404)
    assert read_data(chat.get("/chats")) == []


@covers(chats.FAVORITE, 200)
@pytest.mark.parametrize("body", [NO_BODY, {}], ids=["no body", "empty object"])
def test_toggle_favorite(chat: Api, body: Any) -> None:
    session = create_session(chat)

    marks = [read_data(chat.patch(f"/chats/{session}/favorite", body))["isFavorite"] for _ in range(3)]

    assert marks == [True, False, True]
    assert read_data(chat.get(f"/chats/{session}"))["isFavorite"] is True


def test_toggle_with_empty_body(chat: Api) -> None:
    session = create_session(chat)

    response = chat.patch(f"/chats/{session}/favorite", headers={"Content-Type": "application/json"})

    assert read_data(response)["isFavorite"] is True


@pytest.mark.parametrize("wanted", [True, False])
def test_set_favorite(chat: Api, wanted: bool) -> None:
    session = create_session(chat)

    for _ in range(2):
        assert read_data(chat.patch(f"/chats/{session}/favorite", {"isFavorite": wanted}))["isFavorite"] is wanted


@covers(chats.FAVORITE, 400)
@pytest.mark.parametrize("wanted", ["true", 1, 0, None, [], "no"], ids=ascii)
def test_invalid_favorite(chat: Api, wanted: Any) -> None:
    session = create_session(chat)

    check_error(chat.patch(f"/chats/{session}/favorite", {"isFavorite": wanted}), 400, "isFavorite")

    assert read_data(chat.get(f"/chats/{session}"))["isFavorite"] is False


def test_favorite_changes_nothing_else(chat: Api) -> None:
    before = read_data(chat.post("/chats", {"title": "Test Session"}), 201)

    after = read_data(chat.patch(f"/chats/{before['_id']}/favorite"))

    assert after == {**before, "isFavorite": True, "updatedAt": after["updatedAt"]}


@covers(chats.LIST, 200)
def test_empty_list(chat: Api) -> None:
    response = chat.get("/chats")

    assert read_data(response) == []
    assert "pagination" not in response.json()


def test_list_is_complete(chat: Api) -> None:
    session_ids = {create_session(chat, f"Session {number}") for number in range(3)}
    create_session(chat.as_user(), "Another user's")

    response = chat.get("/chats")

    assert {session["_id"] for session in read_data(response)} == session_ids
    assert all(set(session) == FIELDS for session in read_data(response))
    assert "pagination" not in response.json()


def test_list_order(chat: Api) -> None:
    first, second, third = (create_session(chat, title) for title in ("first", "second", "third"))
    assert [session["_id"] for session in read_data(chat.get("/chats"))] == [third, second, first]

    _wait_until_after(chat, read_data(chat.get(f"/chats/{third}"))["lastMessageAt"])
    chat.post(f"/chats/{first}/messages", {"content": "Hello", "sender": "user"})
    chat.patch(f"/chats/{second}", {"title": "Renaming does not move a session"})

    assert [session["_id"] for session in read_data(chat.get("/chats"))] == [first, third, second]


def test_list_order_of_equal_times(chat: Api) -> None:
    for _ in range(20):
        user = chat.as_user()
        first, *others = (create_session(user, title) for title in ("first", "second", "third"))

        user.post(f"/chats/{first}/messages", {"content": "Hello", "sender": "user"})

        assert [session["_id"] for session in read_data(user.get("/chats"))] == [first, *reversed(others)]


def _wait_until_after(chat: Api, moment: str) -> None:
    """Wait for the server's clock to move on: times on the server have no more than milliseconds."""
    deadline = time.monotonic() + 5
    while chat.get("/chats").json()["metadata"]["timestamp"] <= moment:
        assert time.monotonic() < deadline, "the server's clock stands still"


@pytest.mark.parametrize("way", ["page", "limit"])
def test_pages(chat: Api, way: str) -> None:
    session_ids = [create_session(chat, f"Session {number}") for number in range(5)][::-1]
    query = {"page": 1} if way == "page" else {"limit": 2}

    first = chat.get("/chats", query=query).json()

    limit = 50 if way == "page" else 2
    pages = -(-5 // limit)
    assert first["pagination"] == {
        "page": 1, "limit": limit, "total": 5, "totalPages": pages, "hasNext": pages > 1, "hasPrev": False
    }  # fmt: skip
    walked = [chat.get("/chats", query={"limit": limit, "page": page}).json()["data"] for page in range(1, pages + 1)]
    assert [session["_id"] for page in walked for session in page] == session_ids


def test_last_page(chat: Api) -> None:
    for number in range(3):
        create_session(chat, f"Session {number}")

    last, behind = (chat.get("/chats", query={"limit": 2, "page": page}).json() for page in (2, 3))

    assert (len(last["data"]), last["pagination"]["hasNext"], last["pagination"]["hasPrev"]) == (1, False, True)
    assert (behind["data"], behind["pagination"]["hasNext"], behind["pagination"]["hasPrev"]) == ([], False, True)


def test_search_and_favorite(chat: Api) -> None:
    cat, dog = create_session(chat, "About CATS"), create_session(chat, "About dogs")
    chat.patch(f"/chats/{dog}/favorite", {"isFavorite": True})

    def find(**query: Any) -> list[str]:
        return [session["_id"] for session in read_data(chat.get("/chats", query=query))]

    assert find(search="cats") == [cat]
    assert find(search="about") == [dog, cat]
    assert find(search=".*") == []
    assert find(favorite="true") == [dog]
    assert find(favorite="false") == [cat]
    assert find(favorite="true", search="cats") == []
    assert chat.get("/chats", query={"favorite": "true", "limit": 1}).json()["pagination"]["total"] == 1


@covers(chats.LIST, 400)
@pytest.mark.parametrize("value", ["", "maybe", "1", "True", "yes"])
def test_invalid_favorite_query(chat: Api, value: str) -> None:
    check_error(chat.get("/chats", query={"favorite": value}), 400, "favorite")


@each(*(call for call in CHAT_CALLS if call.enveloped and call.response))
def test_envelope(server: Server, operation: Operation[Any]) -> None:
    code = unique("urc")

    response = prepare_request(server, operation).send(headers={"Unique-Reference-Code": code})

    read_data(response, operation.status)
    assert response.json()["metadata"]["requestId"] == response.headers["X-Request-Id"] == code
