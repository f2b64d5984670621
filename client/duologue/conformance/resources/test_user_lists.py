"""Lists of users: pages, order and search."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from duologue.conformance import sources
from duologue.conformance.rules import covers, rule
from duologue.conformance.target.caller import Api
from duologue.conformance.target.examples import create_user
from duologue.conformance.target.unique_names import unique
from duologue.contract import users


@rule(
    "users.LIST.walk-complete",
    "Walking all pages returns each user exactly once, in the order of creation, with the right total, "
    "hasMore and nextPage on each.",
    source=sources.USERS,
    needs=["admin"],
    quick=True,
)
@covers(users.LIST, 200)
def test_pages(platform: Api) -> None:
    mark = unique("page")
    created_users = [create_user(platform, name=f"{mark} {number}") for number in range(5)]
    pages = [platform.get("/users", query={"search": mark, "limit": 2, "page": page}).json() for page in (1, 2, 3, 4)]

    assert [user for page in pages for user in page["users"]] == created_users
    assert [page["total"] for page in pages] == [5, 5, 5, 5]
    assert [page["page"] for page in pages] == [1, 2, 3, 4]
    assert [page["limit"] for page in pages] == [2, 2, 2, 2]
    assert [page["hasMore"] for page in pages] == [True, True, False, False]
    assert [page.get("nextPage", "left out") for page in pages] == [2, 3, "left out", "left out"]


@rule(
    "users.LIST.default-page",
    "Without page and limit, the first ten users are returned.",
    source=sources.USERS,
    needs=["admin"],
)
def test_default_page(platform: Api) -> None:
    mark = unique("ten")
    created_users = [create_user(platform, name=f"{mark} {number}") for number in range(11)]

    page = platform.get("/users", query={"search": mark}).json()

    assert set(page) == {"users", "total", "page", "limit", "hasMore", "nextPage"}
    assert page == {"users": created_users[:10], "total": 11, "page": 1, "limit": 10, "hasMore": True, "nextPage": 2}


@rule(
    "users.LIST.full-last-page",
    "A last page that is full has hasMore false and no nextPage.",
    source=sources.USERS,
    needs=["admin"],
)
def test_full_last_page(platform: Api) -> None:
    mark = unique("full")
    create_user(platform, name=f"{mark} 1")
    create_user(platform, name=f"{mark} 2")

    page = platform.get("/users", query={"search": mark, "limit": 2}).json()

    assert len(page["users"]) == 2
    assert page["hasMore"] is False
    assert "nextPage" not in page


@rule(
    "users.LIST.order-stable",
    "Changing a user does not move it in the list.",
    source=sources.USERS,
    needs=["admin"],
)
def test_order_after_update(platform: Api) -> None:
    mark = unique("order")
    created_users = [create_user(platform, name=f"{mark} {number}") for number in range(3)]
    platform.put(f"/users/{created_users[0]['id']}", {"name": f"{mark} again"})

    listed = platform.get("/users", query={"search": mark}).json()["users"]

    assert [user["id"] for user in listed] == [user["id"] for user in created_users]


@rule(
    "users.LIST.search",
    "A search finds the users whose name or e-mail address has the text in it, in whatever case.",
    source=sources.USERS,
    needs=["admin"],
)
@pytest.mark.parametrize("how", [str, str.upper, str.lower, lambda text: text[2:-2]], ids=["is", "up", "low", "part"])
@pytest.mark.parametrize("where", ["name", "email"])
def test_search(platform: Api, where: str, how: Callable[[str], str]) -> None:
    mark = unique("Search")
    user = create_user(platform, **{where: mark if where == "name" else f"{mark}@example.com"})

    assert platform.get("/users", query={"search": how(mark)}).json()["users"] == [user]


@rule(
    "users.LIST.search-unicode-case",
    "A search ignores the case of letters beyond ASCII, too.",
    source=sources.USERS,
    needs=["admin"],
)
def test_search_ignores_case(platform: Api) -> None:
    mark = unique("É")
    user = create_user(platform, name=f"{mark} Ñandú")

    assert platform.get("/users", query={"search": f"{mark} ñANDÚ".lower()}).json()["users"] == [user]


@rule(
    "users.LIST.search-empty",
    "An empty search finds every user.",
    source=sources.USERS,
    needs=["admin"],
)
def test_empty_search(platform: Api) -> None:
    create_user(platform)

    assert platform.get("/users", query={"search": "", "limit": 1}).json()["total"] >= 1


@rule(
    "users.LIST.search-literal",
    "A search looks for the text as it is written, not for a pattern.",
    source=sources.USERS,
    needs=["admin"],
)
def test_search_is_literal(platform: Api) -> None:
    mark = unique("literal")
    create_user(platform, name=f"{mark} plain")
    texts = ["%", "_", ".*", "[a-z]+", "\\", "*", "(a+)+$", "' OR 1=1 --"]
    users = {text: create_user(platform, name=f"{mark} {text} special") for text in texts}

    for text, user in users.items():
        assert platform.get("/users", query={"search": f"{mark} {text}"}).json()["users"] == [user], text


@rule(
    "users.LIST.unknown-parameters",
    "Unknown query parameters are ignored.",
    needs=["caller"],
    source=sources.USERS,
    reads_only=True,
)
def test_unknown_parameters(platform: Api) -> None:
    assert platform.get("/users", query={"limit": 1, "colour": "red"}).status_code == 200
