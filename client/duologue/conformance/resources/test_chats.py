"""Chat sessions: `/chats-service/api/v1/chats`."""

from __future__ import annotations

from typing import Any

import pytest

from duologue.conformance import sources
from duologue.conformance.rules import covers, rule
from duologue.conformance.shared_requests import Share
from duologue.conformance.target.caller import NO_BODY, Api
from duologue.conformance.target.examples import create_session, each, each_case
from duologue.conformance.target.responses import OBJECT_ID, SESSION_FIELDS, TIMESTAMP, check_error, read_data
from duologue.conformance.target.unique_names import unique
from duologue.contract import Operation, chats, messages, smart_chat

CHAT_CALLS: list[Operation[Any]] = [
    *(chats.LIST, chats.CREATE, chats.GET, chats.RENAME, chats.DELETE, chats.FAVORITE),
    *(messages.LIST, messages.SEND, smart_chat.ASK),
]
"""Every call of the chat service but `/health`."""

BAD_TITLES = ["", " ", " \t ", "a" * 201, "😀" * 201, "two\nlines", "nul\x00", "esc\x1b[31m", "c1\x9b", 7, None, ["x"]]


@rule(
    "headers.api-key",
    "An API key that is missing, blank or unknown is 401 on every call of the chat service.",
    source=sources.CHAT_HEADERS,
    needs=["admin"],
    quick=True,
)
@each_case("key", [None, "wrong", "", "DEV-API-KEY"], *CHAT_CALLS, everywhere=2, statuses=[401])
def test_invalid_api_key(share: Share, operation: Operation[Any], key: str | None) -> None:
    check_error(share(operation).send(headers={"x-api-key": key}), 401)


@rule(
    "headers.chat-required",
    "A missing or blank Unique-Reference-Code or x-user-id is 400 and names the header.",
    source=sources.CHAT_HEADERS,
    needs=["admin"],
    quick=True,
)
@each(*CHAT_CALLS, statuses=[400])
@pytest.mark.parametrize("value", [None, ""], ids=ascii)
@pytest.mark.parametrize("header", ["Unique-Reference-Code", "x-user-id"])
def test_missing_header(share: Share, operation: Operation[Any], header: str, value: str | None) -> None:
    check_error(share(operation).send(headers={header: value}), 400, header)


@rule(
    "headers.chat-length",
    "Unique-Reference-Code and x-user-id have at most 255 characters; a longer one is 400 and names the header.",
    source=sources.CHAT_HEADERS,
)
@pytest.mark.parametrize("header", ["Unique-Reference-Code", "x-user-id"])
def test_header_length(chat: Api, header: str) -> None:
    assert chat.get("/chats", headers={header: "a" * 255}).status_code == 200
    check_error(chat.get("/chats", headers={header: "a" * 256}), 400, header)


@rule(
    "chats.owner-only",
    "Another user's session is 404 on every call, exactly as one that does not exist, and stays as it was.",
    source=sources.CHATS,
    needs=["admin"],
    quick=True,
)
@each(*(call for call in CHAT_CALLS if call.parameters))
def test_session_of_another_user(share: Share, operation: Operation[Any]) -> None:
    request = share(operation)
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


@rule(
    "chats.not-found",
    "An unknown session is 404 on every call.",
    source=sources.CHATS,
    needs=["admin"],
    quick=True,
)
@each(*(call for call in CHAT_CALLS if call.parameters), statuses=[404])
def test_unknown_session(share: Share, operation: Operation[Any]) -> None:
    request = share(operation)
    session = request.path.split("/")[2]

    check_error(request.api.request(operation.method, request.path.replace(session, "0" * 24), request.body), 404)


@rule(
    "chats.CREATE.created",
    "Creating a session returns 201 and the session, not marked as favorite, with three equal times.",
    source=sources.CHATS,
    quick=True,
)
@covers(chats.CREATE, 201)
def test_create(chat: Api) -> None:
    session = read_data(chat.post("/chats", {"title": "New Session"}), 201)

    assert set(session) == SESSION_FIELDS
    assert OBJECT_ID.fullmatch(session["_id"])
    assert session["title"] == "New Session"
    assert session["isFavorite"] is False
    assert TIMESTAMP.fullmatch(session["createdAt"])
    assert session["createdAt"] == session["updatedAt"] == session["lastMessageAt"]


@rule(
    "chats.GET.same",
    "Reading a session returns what creating it did.",
    source=sources.CHATS,
    quick=True,
)
@covers(chats.GET, 200)
def test_get(chat: Api) -> None:
    session = read_data(chat.post("/chats", {"title": "New Session"}), 201)

    assert read_data(chat.get(f"/chats/{session['_id']}")) == session


@rule(
    "chats.CREATE.title-bounds",
    "A title has 1 to 200 characters, counted in code points, of any script.",
    source=sources.CHATS,
)
@pytest.mark.parametrize("title", ["a", "a" * 200, "😀" * 200, "مرحبا", "<script>alert(1)</script>", "tab-less"])
def test_title_length(chat: Api, title: str) -> None:
    assert read_data(chat.post("/chats", {"title": title}), 201)["title"] == title


@rule(
    "chats.CREATE.title-trimmed",
    "White space around a title is removed, and within it stays.",
    source=sources.CHATS,
)
def test_title_is_trimmed(chat: Api) -> None:
    session = read_data(chat.post("/chats", {"title": "  New  Session "}), 201)

    assert session["title"] == "New  Session"
    assert read_data(chat.patch(f"/chats/{session['_id']}", {"title": " Renamed "}))["title"] == "Renamed"


@rule(
    "chats.CREATE.title-invalid",
    "A title that is blank, too long, not a text, or has control characters is 400, is named, and changes nothing.",
    source=sources.CHATS,
)
@covers(chats.CREATE, 400)
@covers(chats.RENAME, 400)
@pytest.mark.parametrize("title", BAD_TITLES, ids=ascii)
def test_invalid_title(share: Share, title: Any) -> None:
    request = share(chats.RENAME).with_body({"title": title})
    chat = request.api
    before = read_data(chat.get("/chats"))

    for response in (chat.post("/chats", request.body), request.send()):
        assert set(check_error(response, 400)["details"]["fields"]) == {"title"}

    assert read_data(chat.get("/chats")) == before


@rule(
    "chats.CREATE.fields",
    "A title is required to create or rename a session, and no other field is accepted.",
    source=sources.CHATS,
)
@pytest.mark.parametrize("body", [{}, {"name": "x"}, {"title": "x", "isFavorite": True}], ids=ascii)
def test_unknown_fields(chat: Api, body: dict[str, Any]) -> None:
    session = create_session(chat)

    check_error(chat.post("/chats", body), 400)
    check_error(chat.patch(f"/chats/{session}", body), 400)


@rule(
    "chats.RENAME.renamed",
    "Renaming a session changes its title and updatedAt and nothing else.",
    source=sources.CHATS,
    quick=True,
)
@covers(chats.RENAME, 200)
def test_rename(chat: Api) -> None:
    before = read_data(chat.post("/chats", {"title": "Test Session"}), 201)

    after = read_data(chat.patch(f"/chats/{before['_id']}", {"title": "Renamed Session"}))

    assert after == {**before, "title": "Renamed Session", "updatedAt": after["updatedAt"]}
    assert after["updatedAt"] >= before["updatedAt"]
    assert read_data(chat.get(f"/chats/{before['_id']}")) == after


@rule(
    "chats.DELETE.deleted",
    "Deleting a session returns 204 without a body; after that the session and its messages are 404 and in no list.",
    source=sources.CHATS,
    quick=True,
)
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


@rule(
    "chats.FAVORITE.toggle",
    "Without a wanted value, each call to favorite toggles the mark.",
    source=sources.CHATS,
    quick=True,
)
@covers(chats.FAVORITE, 200)
@pytest.mark.parametrize("body", [NO_BODY, {}], ids=["no body", "empty object"])
def test_toggle_favorite(chat: Api, body: Any) -> None:
    session = create_session(chat)

    marks = [read_data(chat.patch(f"/chats/{session}/favorite", body))["isFavorite"] for _ in range(3)]

    assert marks == [True, False, True]
    assert read_data(chat.get(f"/chats/{session}"))["isFavorite"] is True


@rule(
    "chats.FAVORITE.empty-body",
    "A body that is announced as JSON and is empty toggles the mark.",
    source=sources.CHATS,
)
def test_toggle_with_empty_body(chat: Api) -> None:
    session = create_session(chat)

    response = chat.patch(f"/chats/{session}/favorite", headers={"Content-Type": "application/json"})

    assert read_data(response)["isFavorite"] is True


@rule(
    "chats.FAVORITE.set",
    "With isFavorite, the mark is set to that value, however often it is sent.",
    source=sources.CHATS,
    quick=True,
)
@pytest.mark.parametrize("wanted", [True, False])
def test_set_favorite(chat: Api, wanted: bool) -> None:
    session = create_session(chat)

    for _ in range(2):
        assert read_data(chat.patch(f"/chats/{session}/favorite", {"isFavorite": wanted}))["isFavorite"] is wanted


@rule(
    "chats.FAVORITE.invalid",
    "An isFavorite that is not true or false is 400 and named, and the mark stays.",
    source=sources.CHATS,
)
@covers(chats.FAVORITE, 400)
@pytest.mark.parametrize("wanted", ["true", 1, 0, None, [], "no"], ids=ascii)
def test_invalid_favorite(chat: Api, wanted: Any) -> None:
    session = create_session(chat)

    check_error(chat.patch(f"/chats/{session}/favorite", {"isFavorite": wanted}), 400, "isFavorite")

    assert read_data(chat.get(f"/chats/{session}"))["isFavorite"] is False


@rule(
    "chats.FAVORITE.nothing-else",
    "Marking a session changes isFavorite and updatedAt and nothing else.",
    source=sources.CHATS,
)
def test_favorite_changes_nothing_else(chat: Api) -> None:
    before = read_data(chat.post("/chats", {"title": "Test Session"}), 201)

    after = read_data(chat.patch(f"/chats/{before['_id']}/favorite"))

    assert after == {**before, "isFavorite": True, "updatedAt": after["updatedAt"]}
