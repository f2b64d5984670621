"""`api.queries` and `api.mutations`: a query or a mutation for every call of the contract.

    page = api.queries.users(page=1, search="doe").fetch()
    api.mutations.update_user("1", name="Ada Lovelace")

The keys are the documents': `("users", {"page": 1, "limit": 10})`, `("users", "1")`, `("users", "infinite", None)`, and
in their manner `("chats", {…})`, `("chats", id)`, `("messages", session_id, {"page": 1})`, `("messages", session_id,
"infinite")`, `("me",)`, `("health", "platform")`, `("health", "chats")`, `("notifications",)`.

What the client below does about failures is not done twice: it has tried again by the time we hear of an error, with
the same idempotency key on each attempt, which a repetition from up here would not have.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from duologue.contract import Model, Operation, auth, chats, health, messages, smart_chat, users
from duologue.contract.auth import Login
from duologue.contract.chats import ChatSession
from duologue.contract.health import Health
from duologue.contract.messages import MessagePage, MessageQuery
from duologue.contract.notifications import Notification
from duologue.contract.users import User, UserPage, UserQuery
from duologue.query import defaults
from duologue.query.client import BoundInfiniteQuery, BoundQuery, QueryClient
from duologue.query.keys import Key
from duologue.query.mutation import Mutation, Variables
from duologue.query.options import QuerySpec, Settings
from duologue.query.resource_queries.entity_updates import edited, find
from duologue.query.resource_queries.realtime_sync import Events, RealtimeSync
from duologue.query.retry import RetryOptions

if TYPE_CHECKING:
    from duologue.client import Client

T = TypeVar("T")

QUERIES: dict[str, Operation[Any]] = {
    "users": users.LIST,
    "user": users.GET,
    "infinite_users": users.LIST,
    "me": auth.ME,
    "chats": chats.LIST,
    "chat": chats.GET,
    "messages": messages.LIST,
    "infinite_messages": messages.LIST,
    "health": health.PLATFORM,
    "chat_health": health.CHATS,
    "error": health.ERROR,
}
"""Which call each query makes."""

MUTATIONS: dict[str, Operation[Any]] = {
    "login": auth.LOGIN,
    "refresh": auth.REFRESH,
    "logout": auth.LOGOUT,
    "create_user": users.CREATE,
    "update_user": users.UPDATE,
    "delete_user": users.DELETE,
    "create_chat": chats.CREATE,
    "rename_chat": chats.RENAME,
    "delete_chat": chats.DELETE,
    "set_favorite": chats.FAVORITE,
    "toggle_favorite": chats.FAVORITE,
    "send_message": messages.SEND,
    "ask": smart_chat.ASK,
}
"""Which call each mutation makes."""

_ONCE = RetryOptions(0)

_SETTINGS = Settings(retry=_ONCE)
_USERS = Settings(retry=_ONCE, stale_time=defaults.USERS_STALE_TIME, keep_previous_data=True)
_NOW = Settings(retry=_ONCE, stale_time=0.0)
_DISABLED = Settings(retry=_ONCE, enabled=False)


class Queries(QueryClient):
    """`api.queries`: what the services know, cached. Each method returns a query; nothing is asked until you fetch.

    Everything is forgotten when somebody else logs in, or nobody is logged in any more.

    Args:
        api: the client that makes the calls.
    """

    def __init__(self, api: Client) -> None:
        super().__init__(clock=api.clock, retry=_ONCE)
        self._api = api
        self._users = lru_cache(maxsize=256, typed=True)(self._page_of_users)  # asked for most, and made slowly
        api.auth.on("logged_in", lambda _: self.forget_user())
        api.auth.on("logged_out", lambda _: self.forget_user())

    def users(self, *, page: int = 1, limit: int = 10, search: str | None = None) -> BoundQuery[UserPage]:
        """Return the query for a page of users: fresh for two minutes; see `api.users.list`."""
        return self._users(page, limit, search)

    def _page_of_users(self, page: int, limit: int, search: str | None) -> BoundQuery[UserPage]:
        key = {"page": page, "limit": limit} | ({} if search is None else {"search": search})
        return self._of(("users", key), lambda: self._fetch(users.LIST, UserQuery(page, limit, search)), _USERS)

    def infinite_users(self, *, search: str | None = None) -> BoundInfiniteQuery[UserPage, int]:
        """Return the query for all users, twenty at a time."""
        return self.infinite(
            ("users", "infinite", search),
            lambda page: self._fetch(users.LIST, UserQuery(page, defaults.PAGE_LIMIT, search)),
            initial_page_param=1,
            get_next_page_param=_next_users,
        )

    def user(self, id: str) -> BoundQuery[User]:
        """Return the query for one user; observers do not fetch while the id is empty, as in `useUser`."""
        return self._of(("users", id), lambda: self._api.users.get(id), _SETTINGS if id else _DISABLED)

    def me(self) -> BoundQuery[User]:
        """Return the query for the user who is logged in."""
        return self._of(("me",), self._api.auth.me)

    def chats(self, *, search: str | None = None, favorite: bool | None = None) -> BoundQuery[list[ChatSession]]:
        """Return the query for the sessions; see `api.chats.list`."""
        narrowed = {"search": search, "favorite": favorite}
        key = {name: value for name, value in narrowed.items() if value is not None}
        return self._of(("chats", key), lambda: self._api.chats.list(search=search, favorite=favorite).items)

    def chat(self, id: str) -> BoundQuery[ChatSession]:
        """Return the query for one session."""
        return self._of(("chats", id), lambda: self._api.chats.get(id), _SETTINGS if id else _DISABLED)

    def messages(self, session_id: str, *, page: int = 1, limit: int = 50) -> BoundQuery[MessagePage]:
        """Return the query for a page of a session's messages."""
        return self._of(
            ("messages", session_id, {"page": page, "limit": limit}),
            lambda: self._fetch(messages.LIST, MessageQuery(page, limit), id=session_id),
            _SETTINGS if session_id else _DISABLED,
        )

    def infinite_messages(self, session_id: str, *, limit: int = 50) -> BoundInfiniteQuery[MessagePage, int]:
        """Return the query for all messages of a session, a page at a time."""
        return self.infinite(
            ("messages", session_id, "infinite"),
            lambda page: self._fetch(messages.LIST, MessageQuery(page, limit), id=session_id),
            initial_page_param=1,
            get_next_page_param=_next_messages,
            get_previous_page_param=_previous_messages,
        )

    def health(self) -> BoundQuery[Health]:
        """Return the query for how the platform is; never fresh, since it is asked to know how it is now."""
        return self._of(("health", "platform"), self._api.health.platform, _NOW)

    def chat_health(self) -> BoundQuery[Health]:
        """Return the query for how the chat service is."""
        return self._of(("health", "chats"), self._api.health.chats, _NOW)

    def error(self, *, status: int = 500) -> BoundQuery[None]:
        """Return a query that fails with a status, to see how a program shows it."""
        return self._of(("error", status), lambda: self._api.health.error(status=status), _NOW)

    def notifications(self) -> BoundQuery[list[Notification]]:
        """Return the query for the notifications that came while we followed; there is nothing to fetch them from."""
        return BoundQuery(self, QuerySpec(("notifications",), None, _SETTINGS))

    def sync(self, events: Events) -> RealtimeSync:
        """Keep the cache up to date with real-time events: `api.queries.sync(api.realtime)`; see `RealtimeSync`."""
        return RealtimeSync(self, events)

    def _fetch(self, operation: Operation[T], query: Model, **parameters: str) -> T:
        """Return the contract's page model: iterating over it makes no request, as over a `Page` of the client."""
        return self._api._requestor.call(operation, query, **parameters)

    def _of(self, key: Key, function: Callable[[], T], settings: Settings = _SETTINGS) -> BoundQuery[T]:
        return BoundQuery(self, QuerySpec(key, function, settings))


class Mutations:
    """`api.mutations`: what changes something. Call one like the method of the client that it is named after.

    Each invalidates what it touches, so that what is observed is fetched again and what is not is when next asked for.
    Changes of a user or a session are seen at once, and taken back if the service refuses them.

    Args:
        api: the client that makes the calls.
        queries: whose data they change.
    """

    def __init__(self, api: Client, queries: Queries) -> None:
        self._api = api
        self._queries = queries

        def first_of(prefix: str) -> Callable[[Any, Variables], list[tuple[Key, Any]]]:
            return lambda made, _: [((prefix, made.id), made)]

        self.login = queries.mutation(api.auth.login, retry=0, on_success=self._remember)
        self.refresh = queries.mutation(api.auth.refresh, retry=0)
        self.logout = queries.mutation(api.auth.logout, retry=0)

        self.create_user = queries.mutation(
            api.users.create, retry=0, stores=first_of("users"), invalidates=_always(("users",))
        )
        self.update_user = queries.mutation(
            api.users.update,
            retry=0,
            optimistic=lambda call: self._everywhere("users", _id(call), _given(call.kwargs)),
            stores=first_of("users"),
            invalidates=_always(("users",), ("me",)),
        )
        self.delete_user = queries.mutation(
            api.users.delete,
            retry=0,
            on_success=lambda _, call, __: self._drop(("users", _id(call))),
            invalidates=_always(("users",)),
        )

        self.create_chat = queries.mutation(
            api.chats.create, retry=0, stores=first_of("chats"), invalidates=_always(("chats",))
        )
        self.rename_chat = queries.mutation(
            api.chats.rename,
            retry=0,
            optimistic=lambda call: self._everywhere("chats", _id(call), _given(call.kwargs)),
            stores=first_of("chats"),
            invalidates=_always(("chats",)),
        )
        self.delete_chat = queries.mutation(
            api.chats.delete,
            retry=0,
            on_success=lambda _, call, __: self._drop(("chats", _id(call)), ("messages", _id(call))),
            invalidates=_always(("chats",)),
        )
        self.set_favorite = queries.mutation(
            api.chats.set_favorite,
            retry=0,
            optimistic=lambda call: self._everywhere("chats", _id(call), _marked(_favorite(call))),
            stores=first_of("chats"),
            invalidates=_always(("chats",)),
        )
        self.toggle_favorite = queries.mutation(
            self._toggle,
            retry=0,
            optimistic=lambda call: self._everywhere("chats", _id(call), _toggled),
            stores=first_of("chats"),
            invalidates=_always(("chats",)),
        )

        self.send_message = queries.mutation(api.messages.send, retry=0, invalidates=_conversation)
        self.ask = queries.mutation(api.smart_chat.ask, retry=0, invalidates=_conversation)

    def _toggle(self, id: str, /) -> ChatSession:
        """Send the value that is now to be seen: the optimistic update has already turned it round."""
        for _, data in self._queries.get_queries_data(("chats",)):
            shown = find(data, id)
            if shown is not None:
                return self._api.chats.set_favorite(id, favorite=shown.is_favorite)
        return self._api.chats.toggle_favorite(id)

    def _everywhere(self, noun: str, id: str, change: Callable[[Any], Any]) -> list[tuple[Key, Callable[[Any], Any]]]:
        """Return, for each query that shows a thing, how it looks when that has changed."""

        def update(shown: Any) -> Any:
            return edited(shown, id, change)

        queries = self._queries
        places = [*queries.get_queries_data((noun,)), *(queries.get_queries_data(("me",)) if noun == "users" else [])]
        return [(key, update) for key, data in places if find(data, id) is not None]

    def _remember(self, login: Login, *_: object) -> None:
        self._queries.set_data(("me",), login.user)

    def _drop(self, *prefixes: Key) -> None:
        """Forget what is gone; what somebody still looks at is left to the refetch, which tells them so."""
        for prefix in prefixes:
            self._queries.remove_inactive(prefix)

    def __getitem__(self, name: str) -> Mutation[..., Any]:
        if name not in MUTATIONS:
            raise KeyError(name)
        found: Mutation[..., Any] = getattr(self, name)
        return found


def _always(*prefixes: Key) -> Callable[[Variables], Iterable[Key]]:
    return lambda _: prefixes


def _conversation(call: Variables) -> Iterable[Key]:
    """A message moves its session to the head of the list."""
    return (("messages", _id(call)), ("chats",))


def _id(call: Variables) -> str:
    """Return what a mutation is about: its first argument, however it was given."""
    named = call.kwargs
    return str(call.args[0] if call.args else named["id"] if "id" in named else named["session_id"])


def _favorite(call: Variables) -> bool:
    return bool(call.kwargs["favorite"])


def _given(changes: dict[str, Any]) -> Callable[[Any], Any]:
    given = {name: value for name, value in changes.items() if value is not None and name != "id"}
    return lambda thing: dataclasses.replace(thing, **given)


def _marked(favorite: bool) -> Callable[[ChatSession], ChatSession]:
    return lambda session: dataclasses.replace(session, is_favorite=favorite)


def _toggled(session: ChatSession) -> ChatSession:
    return dataclasses.replace(session, is_favorite=not session.is_favorite)


def _next_users(last: UserPage, _: Sequence[UserPage]) -> int | None:
    return last.next_page


def _next_messages(last: MessagePage, _: Sequence[MessagePage]) -> int | None:
    return last.pagination.page + 1 if last.pagination.has_next else None


def _previous_messages(first: MessagePage, _: Sequence[MessagePage]) -> int | None:
    return first.pagination.page - 1 if first.pagination.has_prev else None
