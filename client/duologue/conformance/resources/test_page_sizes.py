"""Long lists: pages are as long as they are asked for, and a list without pages is whole."""

from __future__ import annotations

from duologue.conformance import sources
from duologue.conformance.rules import rule
from duologue.conformance.target.caller import Api
from duologue.conformance.target.examples import create_session, create_user
from duologue.conformance.target.responses import read_data
from duologue.conformance.target.unique_names import unique

MANY = 52


@rule(
    "users.LIST.largest-page",
    "A page has as many users as its limit says, up to 100.",
    source=sources.USERS,
    needs=["admin"],
)
def test_largest_page(platform: Api) -> None:
    mark = unique("many")
    ids = [create_user(platform, name=f"{mark} {number}")["id"] for number in range(MANY)]

    for limit in (MANY - 1, 100):
        page = platform.get("/users", query={"search": mark, "limit": limit}).json()
        assert [user["id"] for user in page["users"]] == ids[:limit]
        assert (page["limit"], page["total"], page["hasMore"]) == (limit, MANY, limit < MANY)


@rule(
    "chats.LIST.unpaged-complete",
    "Without page and limit all sessions are listed, however many there are; with them, as many as the limit says.",
    source=sources.CHATS,
)
def test_unpaged_sessions(chat: Api) -> None:
    ids = [create_session(chat, f"Session {number}") for number in range(MANY)][::-1]

    for query in ({}, {"limit": 100}, {"limit": MANY - 1}):
        listed = read_data(chat.get("/chats", query=query))
        assert [session["_id"] for session in listed] == ids[: query.get("limit", MANY)]


@rule(
    "messages.LIST.page-size",
    "A page has as many messages as its limit says, up to 100; the first page, and fifty, where the request says none.",
    source=sources.MESSAGES,
)
def test_page_size_of_messages(chat: Api) -> None:
    session = create_session(chat)
    for number in range(MANY):
        chat.post(f"/chats/{session}/messages", {"content": str(number), "sender": "user"})

    for query in ({}, {"limit": MANY - 1}, {"limit": 100}):
        response = chat.get(f"/chats/{session}/messages", query=query)
        limit = query.get("limit", 50)
        contents = [message["content"] for message in read_data(response)]
        assert contents == [str(number) for number in range(MANY)][:limit]
        assert response.json()["pagination"] == {
            "page": 1,
            "limit": limit,
            "total": MANY,
            "totalPages": 1 if limit >= MANY else 2,
            "hasNext": limit < MANY,
            "hasPrev": False,
        }
