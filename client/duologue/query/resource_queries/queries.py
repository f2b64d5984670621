"""`api.queries`: a query for each list and each thing that the services have, and for any other read operation.

    page = api.queries.users(page=1, search="doe").fetch()

The keys are the specifications': `("users", {"page": 1, "limit": 10})`, `("users", "1")`,
`("users", "infinite", None)`; and likewise `("chats", {…})`, `("chats", id)`,
`("messages", session_id, {"page": 1, "limit": 50})`, `("messages", session_id, "infinite")`, `("me",)`,
`("health", "platform")`, `("health", "chats")`, `("notifications",)`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, TypeVar

from duologue.contract import Model, Operation, messages, users
from duologue.contract.chats import ChatSession
from duologue.contract.health import Health
from duologue.contract.messages import MessagePage, MessageQuery
from duologue.contract.notifications import Notification
from duologue.contract.users import User, UserPage, UserQuery
from duologue.query.bound_query import BoundInfiniteQuery, BoundQuery
from duologue.query.client import QueryClient
from duologue.query.keys import Key
from duologue.query.options import QuerySpec, Settings
from duologue.query.retry import RetryOptions
from duologue.resources.client_resources import ClientResources

T = TypeVar("T")

USERS_STALE_TIME: Final = 120.0
"""Seconds for which users are fresh: two minutes (`useUsers` of the Platform API specification)."""

INFINITE_USERS_LIMIT: Final = 20
"""Users in a page of the infinite query (`useInfiniteUsers`)."""

NO_RETRY: Final = RetryOptions(0)
"""The resources retry themselves, and send the same idempotency key with each attempt; a retry here would not."""

_SETTINGS = Settings(retry=NO_RETRY)
_USERS = Settings(retry=NO_RETRY, stale_time=USERS_STALE_TIME, keep_previous_data=True)
_NEVER_FRESH = Settings(retry=NO_RETRY, stale_time=0.0)
_DISABLED = Settings(retry=NO_RETRY, enabled=False)


class Queries:
    """`api.queries`: one method per read operation. Each returns a query; nothing is requested until it is fetched.

    Args:
        resources: the client whose methods fetch the data.
        query_client: the cache.
    """

    def __init__(self, resources: ClientResources, query_client: QueryClient) -> None:
        self._resources = resources
        self._client = query_client
        self._users = lru_cache(maxsize=256, typed=True)(self._build_users)  # used most, and building it is slow

    def users(self, *, page: int = 1, limit: int = 10, search: str | None = None) -> BoundQuery[UserPage]:
        """Return the query for a page of users, fresh for two minutes; see `api.users.list`."""
        return self._users(page, limit, search)

    def _build_users(self, page: int, limit: int, search: str | None) -> BoundQuery[UserPage]:
        key = {"page": page, "limit": limit} | ({} if search is None else {"search": search})
        return self._build(("users", key), lambda: self._request(users.LIST, UserQuery(page, limit, search)), _USERS)

    def infinite_users(self, *, search: str | None = None) -> BoundInfiniteQuery[UserPage, int]:
        """Return the query for all users, twenty at a time."""
        return self._client.infinite(
            ("users", "infinite", search),
            lambda page: self._request(users.LIST, UserQuery(page, INFINITE_USERS_LIMIT, search)),
            initial_page_param=1,
            get_next_page_param=_get_next_users,
        )

    def user(self, id: str) -> BoundQuery[User]:
        """Return the query for one user; observers do not fetch while the id is empty, as in `useUser`."""
        return self._build(("users", id), lambda: self._resources.users.get(id), _SETTINGS if id else _DISABLED)

    def me(self) -> BoundQuery[User]:
        """Return the query for the user who is logged in."""
        return self._build(("me",), self._resources.auth.me)

    def chats(self, *, search: str | None = None, favorite: bool | None = None) -> BoundQuery[list[ChatSession]]:
        """Return the query for the chat sessions; see `api.chats.list`."""
        filters = {"search": search, "favorite": favorite}
        key = {name: value for name, value in filters.items() if value is not None}
        return self._build(("chats", key), lambda: self._resources.chats.list(search=search, favorite=favorite).items)

    def chat(self, id: str) -> BoundQuery[ChatSession]:
        """Return the query for one chat session."""
        return self._build(("chats", id), lambda: self._resources.chats.get(id), _SETTINGS if id else _DISABLED)

    def messages(self, session_id: str, *, page: int = 1, limit: int = 50) -> BoundQuery[MessagePage]:
        """Return the query for a page of a session's messages."""
        return self._build(
            ("messages", session_id, {"page": page, "limit": limit}),
            lambda: self._request(messages.LIST, MessageQuery(page, limit), id=session_id),
            _SETTINGS if session_id else _DISABLED,
        )

    def infinite_messages(self, session_id: str, *, limit: int = 50) -> BoundInfiniteQuery[MessagePage, int]:
        """Return the query for all messages of a session, a page at a time."""
        return self._client.infinite(
            ("messages", session_id, "infinite"),
            lambda page: self._request(messages.LIST, MessageQuery(page, limit), id=session_id),
            initial_page_param=1,
            get_next_page_param=_get_next_messages,
            get_previous_page_param=_get_previous_messages,
        )

    def health(self) -> BoundQuery[Health]:
        """Return the query for the health of the platform; it is never fresh."""
        return self._build(("health", "platform"), self._resources.health.platform, _NEVER_FRESH)

    def chat_health(self) -> BoundQuery[Health]:
        """Return the query for the health of the chat service; it is never fresh."""
        return self._build(("health", "chats"), self._resources.health.chats, _NEVER_FRESH)

    def error(self, *, status: int = 500) -> BoundQuery[None]:
        """Return a query that fails with a status, to see how a program shows it."""
        return self._build(("error", status), lambda: self._resources.health.error(status=status), _NEVER_FRESH)

    def notifications(self) -> BoundQuery[list[Notification]]:
        """Return the query for the notifications received during `sync`; there is no operation to fetch them."""
        return self._build(("notifications",), None)

    def read(self, operation: Operation[T], query: Model | None = None, /, **parameters: str) -> BoundQuery[T]:
        """Return the query for any read operation of the contract, such as one that has no method of its own here.

            user = api.queries.read(users.GET, id="1").fetch()  # its key is ("users", "1")

        The key is the path, and the query if there is one. So invalidating a resource, as its mutations do, invalidates
        this query too.

        Args:
            operation: the operation.
            query: the model of its query string.
            parameters: the parameters of its path.

        Raises:
            ValueError: the operation changes something.
        """
        if not operation.safe:
            raise ValueError(f"{operation.id} changes something; a query is for reading")
        path = tuple(part.format_map(parameters) for part in operation.path.strip("/").split("/"))
        filters = () if query is None or operation.query is None else (operation.query.dump(query),)
        return self._build(path + filters, lambda: self._request(operation, query, **parameters))

    def _request(self, operation: Operation[T], query: Model | None, **parameters: str) -> T:
        """Return the contract's page model: iterating over it makes no request, as over a `Page` of the client."""
        return self._resources._requestor.request(operation, query, **parameters)

    def _build(self, key: Key, function: Callable[[], T] | None, settings: Settings = _SETTINGS) -> BoundQuery[T]:
        return BoundQuery(self._client, QuerySpec(key, function, settings))


def create_query_client(resources: ClientResources) -> QueryClient:
    """Return `api.query_client`. It is cleared when another user logs in, and when the user logs out."""
    query_client = QueryClient(clock=resources._requestor.clock, retry=NO_RETRY)
    for event in ("logged_in", "logged_out"):
        resources.auth.on(event, lambda _: query_client.clear_user_data())
    return query_client


def _get_next_users(last: UserPage, _: Sequence[UserPage]) -> int | None:
    return last.next_page


def _get_next_messages(last: MessagePage, _: Sequence[MessagePage]) -> int | None:
    return last.pagination.page + 1 if last.pagination.has_next else None


def _get_previous_messages(first: MessagePage, _: Sequence[MessagePage]) -> int | None:
    return first.pagination.page - 1 if first.pagination.has_prev else None
