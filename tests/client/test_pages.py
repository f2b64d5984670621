"""`list()`: one page, and all pages by iterating over it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from duologue import Client, Page, ResponseValidationError, User
from duologue.query.resource_queries.entity_updates import update_entity
from duologue.query.structural_sharing import replace_equal_deep
from tests.client.fakes import MESSAGE, SESSION, USER, FakeTransport, enveloped, reply

Talk = Callable[..., tuple[Client, FakeTransport]]


def user_page(page: int, next_page: int | None, **changes: Any) -> Any:
    more = {} if next_page is None else {"nextPage": next_page}
    users = [{**USER, "id": f"{page}{n}"} for n in "ab"]
    return reply(200, {"users": users, "total": 6, "page": page, "limit": 2, "hasMore": bool(more), **more, **changes})


def chat_page(page: int, has_next: bool, *items: object) -> Any:
    pagination = {"page": page, "limit": 50, "total": 2, "totalPages": 2, "hasNext": has_next, "hasPrev": page > 1}
    return reply(200, {"data": items, "pagination": pagination})


def queries(net: FakeTransport) -> list[str]:
    return [request.url.partition("?")[2] for request in net.requests]


def test_one_page(talk: Talk) -> None:
    api, net = talk(user_page(2, 3))
    page = api.users.list(page=2, limit=2)
    assert [user.id for user in page.items] == ["2a", "2b"]
    assert (page.number, page.total, page.next_page, page.has_next_page()) == (2, 6, 3, True)
    assert repr(page) == "<Page 2 of users.LIST: 2 of 6 items>"
    assert len(net.requests) == 1


def test_iteration_is_lazy(talk: Talk) -> None:
    api, net = talk(user_page(1, 2), user_page(2, 3), user_page(3, None))
    users = iter(api.users.list(search="x", limit=2))
    assert [next(users).id, next(users).id] == ["1a", "1b"]
    assert len(net.requests) == 1
    assert [user.id for user in users] == ["2a", "2b", "3a", "3b"]
    assert queries(net) == [f"page={page}&limit=2&search=x" for page in (1, 2, 3)]


def test_iteration_starts_here(talk: Talk) -> None:
    api, net = talk(user_page(2, 3), user_page(3, None))
    page = api.users.list(page=2, limit=2)
    for _ in range(2):
        assert [user.id for user in page] == ["2a", "2b", "3a", "3b"]
    assert len(net.requests) == 3


def test_pages_one_by_one(talk: Talk) -> None:
    api, _ = talk(user_page(1, 2), user_page(2, None))
    page = api.users.list()
    assert [one.number for one in page.iter_pages()] == [1, 2]
    last = page.get_next_page()
    assert not last.has_next_page()
    with pytest.raises(RuntimeError, match="check has_next_page"):
        last.get_next_page()


@pytest.mark.parametrize("next_page", [1, 0])
def test_next_page_not_after(talk: Talk, next_page: int) -> None:
    """A server that names the same page again is an error, not an endless loop."""
    api, net = talk(user_page(1, next_page))
    with pytest.raises(ResponseValidationError, match="After page 1 the server names page"):
        list(api.users.list())
    assert len(net.requests) == 1


def test_page_number_ignored(talk: Talk) -> None:
    """A server that returns its first page whatever was requested."""
    api, net = talk(chat_page(1, True, MESSAGE))
    with pytest.raises(ResponseValidationError, match="After page 2 the server names page 2"):
        list(api.messages.list("s"))
    assert len(net.requests) == 2


def test_sessions_page_by_page(talk: Talk) -> None:
    api, net = talk(chat_page(1, True, SESSION), chat_page(2, False, SESSION))
    sessions = iter(api.chats.list(favorite=True, limit=1))
    next(sessions)
    assert queries(net) == ["limit=1&favorite=true"]
    assert len(list(sessions)) == 1
    assert queries(net)[1:] == ["page=2&limit=1&favorite=true"]


def test_messages_page_by_page(talk: Talk) -> None:
    api, net = talk(chat_page(1, True, MESSAGE), chat_page(2, False, MESSAGE, MESSAGE))
    assert len(list(api.messages.list("s", limit=2))) == 3
    assert net.last.url.endswith("/chats/s/messages?page=2&limit=2")


def test_all_sessions_at_once(talk: Talk) -> None:
    api, net = talk(enveloped([SESSION, SESSION]))
    page = api.chats.list()
    assert [session.id for session in page.items] == [session.id for session in page] == ["test-session-1"] * 2
    assert (page.total, page.has_next_page()) == (2, False)
    assert queries(net) == [""]


def test_empty_page_is_last(talk: Talk) -> None:
    api, net = talk(chat_page(1, True))
    assert list(api.messages.list("s")) == []
    assert list(api.chats.list(page=1)) == []
    assert len(net.requests) == 2
    api, net = talk(user_page(1, 2, users=[]))
    assert list(api.users.list()) == []
    assert len(net.requests) == 1


def test_to_dict(talk: Talk) -> None:
    """The JSON of the API, in a copy of the caller's own."""
    api, _ = talk(user_page(1, 2))
    page = api.users.list()
    shown = page.to_dict()
    users = [{**USER, "id": "1a"}, {**USER, "id": "1b"}]
    assert shown == {"users": users, "total": 6, "page": 1, "limit": 2, "hasMore": True, "nextPage": 2}
    shown["users"].clear()
    assert len(page.to_dict()["users"]) == 2


def test_equality(talk: Talk) -> None:
    api, _ = talk(user_page(1, 2), user_page(1, 2), user_page(1, None))
    first, same, other = api.users.list(), api.with_options(timeout=1).users.list(), api.users.list()
    assert first == same != other
    assert first != first.model


def test_views_page_with_their_options(talk: Talk) -> None:
    api, net = talk(user_page(1, 2), user_page(2, None))
    list(api.with_options(timeout=3).users.list())
    assert [request.timeout for request in net.requests] == [3, 3]


def test_cached_page_is_shared(talk: Talk) -> None:
    """A page that someone caches by hand takes part in structural sharing and in optimistic updates."""
    api, net = talk(user_page(1, 2), user_page(1, 2), user_page(1, 2, total=7))
    cached, same, other = api.users.list(), api.users.list(), api.users.list()
    assert replace_equal_deep(cached, same) is cached
    shared = replace_equal_deep(cached, other)
    assert shared.total == 7
    assert shared.items is cached.items
    renamed: Page[User] = update_entity(cached, "1b", lambda user: User(user.id, "Ada", user.email, user.role))
    assert [user.name for user in renamed.items] == ["John Doe", "Ada"]
    assert len(net.requests) == 3


def test_cached_query_makes_no_request(talk: Talk) -> None:
    """What the query cache returns can be read without another request: it is the contract's page model."""
    api, net = talk(user_page(1, 2))
    assert [user.id for user in api.queries.users().fetch().items] == ["1a", "1b"]
    with pytest.raises(TypeError):
        iter(api.queries.users().fetch())  # type: ignore[call-overload]
    assert len(net.requests) == 1
