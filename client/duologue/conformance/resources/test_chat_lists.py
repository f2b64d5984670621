"""Lists of chat sessions: what is in them, order, pages, and what narrows them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from duologue.conformance import sources
from duologue.conformance.rules import covers, rule
from duologue.conformance.target.caller import Api
from duologue.conformance.target.examples import create_session
from duologue.conformance.target.responses import SESSION_FIELDS, check_error, read_data
from duologue.contract import chats


@rule(
    "chats.LIST.empty",
    "A user without sessions has an empty list, without pagination.",
    source=sources.CHATS,
)
@covers(chats.LIST, 200)
def test_empty_list(chat: Api) -> None:
    response = chat.get("/chats")

    assert read_data(response) == []
    assert "pagination" not in response.json()


@rule(
    "chats.LIST.complete",
    "The list has all sessions of the user and of no other, without pagination.",
    source=sources.CHATS,
    quick=True,
)
def test_list_is_complete(chat: Api) -> None:
    session_ids = {create_session(chat, f"Session {number}") for number in range(3)}
    create_session(chat.as_user(), "Another user's")

    response = chat.get("/chats")

    assert {session["_id"] for session in read_data(response)} == session_ids
    assert all(set(session) == SESSION_FIELDS for session in read_data(response))
    assert "pagination" not in response.json()


@rule(
    "chats.LIST.order",
    "Sessions are listed by their last message, the newest first; renaming does not move a session.",
    source=sources.CHATS,
    quick=True,
)
def test_list_order(chat: Api) -> None:
    first, second, third = (create_session(chat, title) for title in ("first", "second", "third"))
    assert [session["_id"] for session in read_data(chat.get("/chats"))] == [third, second, first]

    _wait_until_after(chat, read_data(chat.get(f"/chats/{third}"))["lastMessageAt"])
    chat.post(f"/chats/{first}/messages", {"content": "Hello", "sender": "user"})
    chat.patch(f"/chats/{second}", {"title": "Renaming does not move a session"})

    assert [session["_id"] for session in read_data(chat.get("/chats"))] == [first, third, second]


@rule(
    "chats.LIST.order-of-equals",
    "Of sessions with the same time, the one that moved last comes first.",
    source=sources.CHATS,
)
def test_list_order_of_equal_times(chat: Api) -> None:
    for _ in range(6):
        user = chat.as_user()
        first, *others = (create_session(user, title) for title in ("first", "second", "third"))

        user.post(f"/chats/{first}/messages", {"content": "Hello", "sender": "user"})

        assert [session["_id"] for session in read_data(user.get("/chats"))] == [first, *reversed(others)]


def _wait_until_after(chat: Api, moment: str) -> None:
    """Wait for the server's clock to move on: times on the server have no more than milliseconds."""
    deadline = time.monotonic() + 5
    while chat.get("/chats").json()["metadata"]["timestamp"] <= moment:
        assert time.monotonic() < deadline, "the server's clock stands still"


@rule(
    "chats.LIST.walk-complete",
    "Walking all pages returns each session exactly once, in order, with the right pagination; page alone "
    "has 50 on a page.",
    source=sources.CHATS,
    quick=True,
)
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


@rule(
    "chats.LIST.last-page",
    "The last page has no next one, and a page behind it is empty.",
    source=sources.CHATS,
)
def test_last_page(chat: Api) -> None:
    for number in range(3):
        create_session(chat, f"Session {number}")

    last, behind = (chat.get("/chats", query={"limit": 2, "page": page}).json() for page in (2, 3))

    assert (len(last["data"]), last["pagination"]["hasNext"], last["pagination"]["hasPrev"]) == (1, False, True)
    assert (behind["data"], behind["pagination"]["hasNext"], behind["pagination"]["hasPrev"]) == ([], False, True)


@rule(
    "chats.LIST.filters",
    "Search finds parts of titles in whatever case, favorite selects the marked or the others, both "
    "together both, and totals count the matches.",
    source=sources.CHATS,
)
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


@rule(
    "chats.LIST.favorite-invalid",
    "A favorite other than true and false is 400 and named.",
    source=sources.CHATS,
    reads_only=True,
)
@covers(chats.LIST, 400)
@pytest.mark.parametrize("value", ["", "maybe", "1", "True", "yes"])
def test_invalid_favorite_query(chat: Api, value: str) -> None:
    check_error(chat.get("/chats", query={"favorite": value}), 400, "favorite")
