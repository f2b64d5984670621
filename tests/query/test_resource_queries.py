"""`api.queries` and `api.mutations` against the mock: every operation of the contract, and its effect on the cache."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from duologue import Client, NotFoundError, PermissionDeniedError, Request, Response, ServerError, Transport, User
from duologue.contract import Operation, auth, chats, health, messages, operations, smart_chat, users
from duologue.http.transport import HTTPTransport
from duologue.query import QueryResult
from duologue.query.resource_queries.queries import Queries
from duologue_mock import MockServer
from tests.query.fakes import TIMEOUT, Thread, wait_until


class RecordingTransport:
    """Records requests and sends them, unless `before_request` returns a response."""

    def __init__(self) -> None:
        self.real: Transport = HTTPTransport()
        self.requests: list[str] = []
        self.before_request: Callable[[Request], Response | None] = lambda request: None

    def send(self, request: Request, /) -> Response:
        self.requests.append(f"{request.method} {request.url.split('?')[0].partition('//')[2].partition('/')[2]}")
        return self.before_request(request) or self.real.send(request)


@pytest.fixture(scope="module")
def mock() -> Iterator[MockServer]:
    with MockServer(rate_limit=None, reply_function=lambda request: "Hello") as server:
        yield server


@pytest.fixture
def network() -> RecordingTransport:
    return RecordingTransport()


@pytest.fixture
def api(mock: MockServer, network: RecordingTransport, tmp_path: Path) -> Iterator[Client]:
    with Client(
        base_url=mock.base_url,
        chat_base_url=mock.chat_base_url,
        api_key=mock.api_key,
        user_id=tmp_path.name,
        transport=network,
        retry_delay=0.001,
    ) as client:
        yield client


@pytest.fixture
def user(api: Client, tmp_path: Path) -> User:
    return api.users.create(name="Ada", email=f"{tmp_path.name}@example.com", password="password")


def wait_idle(api: Client) -> None:
    assert api.query_client.wait_idle(timeout=TIMEOUT)


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


def test_every_change_has_a_mutation() -> None:
    assert {operation.id for operation in operations() if not operation.safe} == {o.id for o in MUTATIONS.values()}


def test_queries_has_only_queries() -> None:
    assert {name for name in dir(Queries) if not name.startswith("_")} == {*QUERIES, "notifications", "read"}


ARGUMENTS: dict[str, Callable[[User, str], tuple[tuple[Any, ...], dict[str, Any]]]] = {
    "user": lambda user, chat: ((user.id,), {}),
    "chat": lambda user, chat: ((chat,), {}),
    "messages": lambda user, chat: ((chat,), {}),
    "infinite_messages": lambda user, chat: ((chat,), {}),
    "login": lambda user, chat: ((), {"email": user.email, "password": "password"}),
    "create_user": lambda user, chat: ((), {"name": "New", "email": f"new-{user.email}"}),
    "update_user": lambda user, chat: ((user.id,), {"name": "Other"}),
    "delete_user": lambda user, chat: ((), {"id": user.id}),
    "create_chat": lambda user, chat: ((), {"title": "New"}),
    "rename_chat": lambda user, chat: ((chat,), {"title": "Other"}),
    "delete_chat": lambda user, chat: ((chat,), {}),
    "set_favorite": lambda user, chat: ((chat,), {"favorite": True}),
    "toggle_favorite": lambda user, chat: ((chat,), {}),
    "send_message": lambda user, chat: ((), {"session_id": chat, "content": "Hello"}),
    "ask": lambda user, chat: ((chat,), {"message": "Hello"}),
}


@pytest.mark.parametrize("name", [*QUERIES, *MUTATIONS])
def test_operation_is_called(name: str, api: Client, network: RecordingTransport, user: User) -> None:
    chat = api.chats.create(title="Test").id
    operation = {**QUERIES, **MUTATIONS}[name]
    if name in ("me", "refresh", "logout"):
        api.auth.login(email=user.email, password="password")
    if name == "delete_user":
        api.queries.user(user.id).fetch()
    network.requests.clear()
    args, kwargs = ARGUMENTS[name](user, chat) if name in ARGUMENTS else ((), {})
    if name == "error":
        with pytest.raises(ServerError):
            api.queries.error().fetch()
    elif name in QUERIES:
        getattr(api.queries, name)(*args, **kwargs).fetch()
    else:
        getattr(api.mutations, name)(*args, **kwargs)
    wait_idle(api)
    path = operation.route.replace("{id}", chat if "chats" in operation.route else user.id).lstrip("/")
    assert f"{operation.method} {path}" in network.requests


@pytest.mark.parametrize(
    ("query", "key"),
    [
        (lambda q: q.users(), ("users", {"page": 1, "limit": 10})),
        (lambda q: q.users(page=2, search="doe"), ("users", {"page": 2, "limit": 10, "search": "doe"})),
        (lambda q: q.user("1"), ("users", "1")),
        (lambda q: q.infinite_users(search="doe"), ("users", "infinite", "doe")),
        (lambda q: q.chats(favorite=True), ("chats", {"favorite": True})),
        (lambda q: q.messages("s"), ("messages", "s", {"page": 1, "limit": 50})),
    ],
)
def test_keys(query: Callable[[Any], Any], key: Any, api: Client) -> None:
    bound = query(api.queries)
    assert bound.key == key
    assert bound.spec.query_hash == api.query_client.query(key, None).spec.query_hash


READS = [operation for operation in operations() if operation.safe and operation is not health.ERROR]


@pytest.mark.parametrize("operation", READS, ids=lambda operation: operation.id)
def test_read(operation: Operation[Any], api: Client, network: RecordingTransport, user: User) -> None:
    api.auth.login(email=user.email, password="password")
    id = api.chats.create(title="Test").id if "chats" in operation.route else user.id
    query = operation.query.load({}) if operation.query else None
    bound = api.queries.read(operation, query, **dict.fromkeys(operation.parameters, id))
    assert bound.key[: len(operation.path.split("/")) - 1] == tuple(operation.path.format(id=id).split("/")[1:])
    network.requests.clear()
    assert bound.fetch() is bound.fetch()
    assert network.requests == [f"GET {operation.route.format(id=id)[1:]}"]


def test_read_is_invalidated_with_its_resource(api: Client, network: RecordingTransport, user: User) -> None:
    bound = api.queries.read(users.GET, id=user.id)
    assert bound.fetch().name == "Ada"
    api.mutations.update_user(user.id, name="Ada Lovelace")
    assert bound.fetch().name == "Ada Lovelace"


def test_read_of_a_change(api: Client) -> None:
    with pytest.raises(ValueError, match=r"users\.CREATE changes something"):
        api.queries.read(users.CREATE)


def test_users_are_cached(api: Client, network: RecordingTransport) -> None:
    one, two = api.queries.users().fetch(), api.queries.users(page=1, limit=10).fetch()
    assert one is two
    assert network.requests == ["GET api/users"]


def test_infinite_users(api: Client, user: User) -> None:
    for number in range(22):
        api.users.create(name=f"{user.id} {number}", email=f"{number}-{user.email}")
    every = api.queries.infinite_users(search=f"-{user.email}")
    every.fetch()
    assert every.has_next_page
    pages = every.fetch_next_page().pages
    assert [len(page.users) for page in pages] == [20, 2]
    assert not every.has_next_page


def test_create_refreshes_lists(api: Client, user: User) -> None:
    mine = api.queries.users(search=user.email)
    with mine.observe() as observer:
        wait_idle(api)
        assert observer.data is not None
        assert observer.data.total == 1
        created = api.mutations.create_user(name="Grace", email=f"grace-{user.email}")
        wait_idle(api)
        assert observer.data.total == 2
    assert api.query_client.get_data(("users", created.id)) == created


def test_optimistic_rollback(api: Client, network: RecordingTransport, user: User) -> None:
    mine = api.queries.users(search=user.email)
    mine.fetch()
    api.queries.user(user.id).fetch()
    visible: list[Any] = []

    def refuse(request: Request) -> Response | None:
        if request.method != "PUT":
            return None
        page = mine.get_data()
        assert page is not None
        visible.append((api.query_client.get_data(("users", user.id)).name, page.users[0].name))
        return Response(403, {}, b"{}")

    network.before_request = refuse
    with pytest.raises(PermissionDeniedError):
        api.mutations.update_user(user.id, name="Grace")
    page = mine.get_data()
    assert visible == [("Grace", "Grace")]
    assert page is not None
    assert (api.query_client.get_data(("users", user.id)).name, page.users[0].name) == ("Ada", "Ada")
    network.before_request = lambda request: None
    assert api.mutations.update_user(user.id, name="Grace").name == "Grace"
    assert api.query_client.get_data(("users", user.id)).name == "Grace"


def test_overlapping_updates(api: Client, network: RecordingTransport, user: User) -> None:
    query = api.queries.user(user.id)
    query.fetch()
    blocked, release = threading.Event(), threading.Event()

    def refuse_slowly(request: Request) -> Response | None:
        if b"First" not in (request.body or b""):
            return None
        blocked.set()
        assert release.wait(TIMEOUT)
        return Response(403, {}, b"{}")

    network.before_request = refuse_slowly
    first = Thread(lambda: api.mutations.update_user(user.id, name="First"))
    assert blocked.wait(TIMEOUT)
    api.mutations.update_user(user.id, email=f"second-{user.email}")
    data = query.get_data()
    assert data is not None
    assert (data.name, data.email) == ("First", f"second-{user.email}")
    release.set()
    with pytest.raises(PermissionDeniedError):
        _ = first.result
    data = query.get_data()
    assert data is not None
    assert (data.name, data.email) == ("Ada", f"second-{user.email}")


def test_toggle_favorite(api: Client, network: RecordingTransport) -> None:
    chat = api.mutations.create_chat(title="Test")
    api.queries.chats().fetch()
    favorites: list[bool] = []

    def record(request: Request) -> Response | None:
        if request.url.endswith("/favorite"):
            sessions = api.queries.chats().get_data()
            assert sessions is not None
            favorites.append(sessions[0].is_favorite)
        return None

    network.before_request = record
    assert api.mutations.toggle_favorite(chat.id).is_favorite
    assert not api.mutations.toggle_favorite(chat.id).is_favorite
    assert favorites == [True, False]


def test_deleted_user(api: Client, user: User) -> None:
    results: list[QueryResult[User]] = []
    with api.queries.user(user.id).observe(results.append):
        wait_idle(api)
        api.mutations.delete_user(user.id)
        wait_until(lambda: results[-1].is_error)
    assert isinstance(results[-1].error, NotFoundError)
    api.query_client.remove_inactive(("users", user.id))
    with pytest.raises(NotFoundError):
        api.queries.user(user.id).fetch()


def test_message_refreshes_session(api: Client) -> None:
    chat = api.chats.create(title="Test")
    api.queries.messages(chat.id).fetch()
    api.mutations.send_message(chat.id, content="Hello")
    api.mutations.ask(chat.id, message="Hello?")
    assert [message.content for message in api.queries.messages(chat.id).fetch().data] == ["Hello", "Hello?", "Hello"]


@pytest.mark.parametrize("how", ["mutation", "auth", "other"])
def test_logout_clears_data(how: str, api: Client, user: User) -> None:
    api.mutations.login(email=user.email, password="password")
    results: list[QueryResult[User]] = []
    with api.queries.me().observe(results.append) as observer:
        api.queries.user(user.id).fetch()
        assert observer.current.data == user
        if how == "mutation":
            api.mutations.logout()
        elif how == "auth":
            api.auth.logout()
        else:
            api.auth.login(email="jane@example.com", password="password")
        assert api.queries.me().get_data() is None
        assert api.query_client.get_data(("users", user.id)) is None
        wait_until(lambda: bool(results) and results[-1].data is None)


def test_login_then_observed(api: Client, user: User, mock: MockServer) -> None:
    """The user that a login returns is fetched again when it is observed and has changed."""
    api.mutations.login(email=user.email, password="password")
    with api.queries.me().observe() as observer:
        assert observer.data == user
        with Client(base_url=mock.base_url) as elsewhere:
            elsewhere.users.update(user.id, name="Changed elsewhere")
        api.query_client.invalidate(("me",))
        wait_idle(api)
        assert observer.data == replace(user, name="Changed elsewhere")


def test_refresh_keeps_data(api: Client, user: User) -> None:
    api.mutations.login(email=user.email, password="password")
    api.queries.user(user.id).fetch()
    api.mutations.refresh()
    assert api.query_client.get_data(("users", user.id)) == user
    assert api.queries.me().get_data() == user


def test_client_close(mock: MockServer) -> None:
    api = Client(base_url=mock.base_url, chat_base_url=mock.chat_base_url)
    api.queries.users().prefetch()
    api.close()
    assert api.query_client.closed
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("duologue-query")]
    unused = Client()
    unused.close()
    assert unused.query_client.closed


def test_views_share_cache(api: Client) -> None:
    assert api.with_options(timeout=1).query_client is api.query_client
    assert api.with_options(timeout=1).queries is api.queries
    assert api.with_options(timeout=1).mutations is api.mutations
