"""Faults of lists: pages, counts, order, search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from duologue.contract import chats, messages, users
from duologue.contract.chats import Pagination
from duologue.contract.users import User
from duologue_mock import chats as chat_handlers
from duologue_mock.http import dispatch
from duologue_mock.store.chats import Chats
from duologue_mock.store.users import Users
from tests.conformance.planting import Fault, Plant, change_handler, change_json, wrap


def _claim_more(page: dict[str, Any]) -> dict[str, Any]:
    full = len(page["users"]) == page["limit"]
    return {**page, "hasMore": True, "nextPage": page["page"] + 1} if full else page


def _rewrite_query(rewrite: Callable[[Any, str], str]) -> Plant:
    """Read another query string than the one that was sent."""
    return wrap(dispatch, "parse_query", lambda parse, operation, text: parse(operation, rewrite(operation, text)))


def _search(matches: Callable[[User, str], bool]) -> Plant:
    """Search users in another way."""

    def page(original: Any, self: Users, *, page: int, limit: int, search: str = "") -> tuple[list[User], int]:
        if not search:
            found: tuple[list[User], int] = original(self, page=page, limit=limit)
            return found
        users_ = [user for user in self if matches(user, search)]
        return users_[(page - 1) * limit : page * limit], len(users_)

    return wrap(Users, "page", page)


def _overlap(original: Any, self: Users, *, page: int, limit: int, search: str = "") -> tuple[list[User], int]:
    everything, total = original(self, page=1, limit=10**9, search=search)
    start = max(0, (page - 1) * limit - 1)
    return everything[start : start + limit], total


def _reverse(original: Any, self: Users, *, page: int, limit: int, search: str = "") -> tuple[list[User], int]:
    everything, total = original(self, page=1, limit=10**9, search=search)
    return everything[::-1][(page - 1) * limit : page * limit], total


def _skip_first(original: Any, self: Users, *, page: int, limit: int, search: str = "") -> tuple[list[User], int]:
    items, total = original(self, page=page, limit=limit, search=search)
    return (items[1:] if page > 1 else items), total


def _move_to_end(original: Any, self: Users, user: User) -> None:
    original(self, user)
    position = self._positions[user.id]
    self._order.remove(position)
    del self._by_position[position]
    self._last_position += 1
    self._positions[user.id] = self._last_position
    self._by_position[self._last_position] = user
    self._order.add(self._last_position)


def _count_pages_down(original: Any, page: int, limit: int, total: int) -> Pagination:
    pages = total // limit
    return Pagination(page, limit, total, pages, has_next=page < pages, has_prev=page > 1)


def _always_more(original: Any, page: int, limit: int, total: int) -> Pagination:
    pages = -(-total // limit)
    return Pagination(page, limit, total, pages, has_next=page <= pages, has_prev=page > 1)


def _list_newest_first(list_: Any, **arguments: Any) -> Any:
    page = list_(**arguments)
    return type(page)(data=page.data[::-1], pagination=page.pagination)


FAULTS = [
    Fault(
        "paging.total-of-all",
        "users.LIST.walk-complete",
        "`total` of a search counts all users.",
        wrap(Users, "page", lambda original, self, **options: (original(self, **options)[0], len(self))),
    ),
    Fault(
        "paging.total-of-page",
        "users.LIST.walk-complete",
        "`total` counts the users of the page only.",
        change_json(lambda page: {**page, "total": len(page["users"])}, users.LIST),
    ),
    Fault(
        "paging.last-page",
        "users.LIST.full-last-page",
        "A full last page says that there are more.",
        change_json(_claim_more, users.LIST),
    ),
    Fault(
        "paging.pages-from-zero",
        "users.LIST.walk-complete",
        "Pages are counted from zero.",
        wrap(Users, "page", lambda original, self, *, page, **options: original(self, page=page + 1, **options)),
    ),
    Fault(
        "paging.overlap",
        "users.LIST.walk-complete",
        "Each page repeats the last user of the page before.",
        wrap(Users, "page", _overlap),
    ),
    Fault(
        "paging.skipped",
        "users.LIST.walk-complete",
        "The first user of each page but the first is left out.",
        wrap(Users, "page", _skip_first),
    ),
    Fault(
        "paging.newest-first",
        "users.LIST.walk-complete",
        "Users are listed newest first.",
        wrap(Users, "page", _reverse),
    ),
    Fault(
        "paging.order-after-update",
        "users.LIST.order-stable",
        "A changed user moves to the end of the list.",
        wrap(Users, "replace", _move_to_end),
    ),
    Fault(
        "paging.at-most-50",
        "users.LIST.largest-page",
        "A page has at most 50 users, whatever the limit.",
        wrap(
            Users, "page", lambda original, self, *, limit, **options: original(self, limit=min(limit, 50), **options)
        ),
    ),
    Fault(
        "paging.limit-101",
        "query.numbers-invalid",
        "A limit of 101 is accepted.",
        _rewrite_query(lambda _, text: text.replace("limit=101", "limit=100")),
    ),
    Fault(
        "paging.limit-100",
        "query.numbers",
        "A limit of 100 is refused.",
        _rewrite_query(lambda _, text: text.replace("limit=100", "limit=101")),
    ),
    Fault(
        "paging.page-0",
        "query.numbers-invalid",
        "Page 0 is taken for page 1.",
        _rewrite_query(lambda _, text: text.replace("page=0", "page=1")),
    ),
    Fault(
        "paging.limit-text",
        "query.numbers-invalid",
        "A limit that is not a number is ignored.",
        _rewrite_query(lambda _, text: text.replace("limit=abc", "")),
    ),
    Fault(
        "paging.default-limit",
        "users.LIST.default-page",
        "A page has 20 users by default.",
        _rewrite_query(lambda one, text: text if "limit" in text or one is not users.LIST else f"{text}&limit=20"),
    ),
    Fault(
        "paging.search-case",
        "users.LIST.search",
        "A search does not ignore case.",
        _search(lambda user, text: text in user.name or text in user.email),
    ),
    Fault(
        "paging.search-prefix",
        "users.LIST.search",
        "A search finds only what names and email addresses start with.",
        _search(lambda user, text: f"{user.name}\0{user.email}".casefold().startswith(text.casefold())),
    ),
    Fault(
        "paging.search-name-only",
        "users.LIST.search",
        "A search does not look at email addresses.",
        _search(lambda user, text: text.casefold() in user.name.casefold()),
    ),
    Fault(
        "paging.total-pages",
        "messages.LIST.walk-complete",
        "`totalPages` leaves out a last page that is not full.",
        wrap(chat_handlers, "build_pagination", _count_pages_down),
    ),
    Fault(
        "paging.has-next",
        "messages.LIST.walk-complete",
        "The last page of messages has a next one.",
        wrap(chat_handlers, "build_pagination", _always_more),
    ),
    Fault(
        "paging.messages-newest-first",
        "messages.LIST.walk-complete",
        "Messages are listed newest first.",
        change_handler(messages.LIST, _list_newest_first),
    ),
    Fault(
        "paging.chats-always-paged",
        "chats.LIST.complete",
        "Sessions come in pages, with `pagination`, though no page was requested.",
        _rewrite_query(lambda one, text: text if "limit" in text or one is not chats.LIST else f"{text}&limit=50"),
    ),
    Fault(
        "paging.chats-at-most-20",
        "chats.LIST.unpaged-complete",
        "The list of all sessions stops after 20.",
        wrap(
            Chats,
            "page",
            lambda original, self, *owner, limit, **options: original(self, *owner, limit=limit or 20, **options),
        ),
    ),
    Fault(
        "paging.chats-oldest-first",
        "chats.LIST.order",
        "Sessions are listed oldest first.",
        change_handler(chats.LIST, _list_newest_first),
    ),
    Fault(
        "paging.chats-search-ignored",
        "chats.LIST.filters",
        "A search of sessions finds all.",
        wrap(Chats, "page", lambda original, self, *owner, search, **options: original(self, *owner, **options)),
    ),
    Fault(
        "paging.chats-favorite-false",
        "chats.LIST.filters",
        "`favorite=false` lists favorites too.",
        wrap(
            Chats,
            "page",
            lambda original, self, *owner, favorite, **options: original(
                self, *owner, favorite=favorite or None, **options
            ),
        ),
    ),
    Fault(
        "paging.chats-total-of-all",
        "chats.LIST.filters",
        "`total` of favorites counts all sessions.",
        wrap(
            Chats,
            "page",
            lambda original, self, owner, **options: (
                original(self, owner, **options)[0],
                original(self, owner, page=1, limit=None)[1],
            ),
        ),
    ),
]
