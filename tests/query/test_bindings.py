"""`api.queries` and `api.mutations` against the mock: every call of the contract, and what it does to the cache."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from duologue import Client, NotFoundError, PermissionDeniedError, Request, Response, ServerError, Transport, User
from duologue.contract import operations
from duologue.http.transport import HTTPTransport
from duologue.query import QueryResult
from duologue.query.resource_queries.queries import MUTATIONS, QUERIES
from duologue_mock import MockServer
from tests.query.fakes import PATIENCE, Thread, until


class Recorded:
    """The real network; remembers what was asked, and can be told to hold or fail a request."""

    def __init__(self) -> None:
        self.real: Transport = HTTPTransport()
        self.asked: list[str] = []
        self.before: Callable[[Request], Response | None] = lambda request: None

    def send(self, request: Request, /) -> Response:
        self.asked.append(f"{request.method} {request.url.split('?')[0].partition('//')[2].partition('/')[2]}")
        return self.before(request) or self.real.send(request)


@pytest.fixture(scope="module")
def mock() -> Iterator[MockServer]:
    with MockServer(rate_limit=None, reply_function=lambda request: "Hello") as server:
        yield server


@pytest.fixture
def network() -> Recorded:
    return Recorded()


@pytest.fixture
def api(mock: MockServer, network: Recorded, tmp_path: Path) -> Iterator[Client]:
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


def done(api: Client) -> None:
    assert api.queries.wait_idle(timeout=PATIENCE)


def test_every_call_of_the_contract_has_a_query_or_a_mutation() -> None:
    safe = {operation.id for operation in operations() if operation.safe}
    assert safe - {operation.id for operation in QUERIES.values()} == set()
    assert {operation.id for operation in operations()} - safe - {o.id for o in MUTATIONS.values()} == set()


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
def test_each_makes_the_call_it_says(name: str, api: Client, network: Recorded, user: User) -> None:
    chat = api.chats.create(title="Test").id
    operation = {**QUERIES, **MUTATIONS}[name]
    if name in ("me", "refresh", "logout"):
        api.auth.login(email=user.email, password="password")
    if name == "delete_user":
        api.queries.user(user.id).fetch()
    network.asked.clear()
    args, kwargs = ARGUMENTS[name](user, chat) if name in ARGUMENTS else ((), {})
    if name == "error":
        with pytest.raises(ServerError):
            api.queries.error().fetch()
    elif name in QUERIES:
        getattr(api.queries, name)(*args, **kwargs).fetch()
    else:
        api.mutations[name](*args, **kwargs)
    done(api)
    path = operation.route.replace("{id}", chat if "chats" in operation.route else user.id).lstrip("/")
    assert f"{operation.method} {path}" in network.asked


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
def test_keys_are_the_documents(query: Callable[[Any], Any], key: Any, api: Client) -> None:
    found = query(api.queries)
    assert found.key == key
    assert found.query.frozen == api.queries.query(key, None).query.frozen


def test_a_page_of_users_is_asked_for_once(api: Client, network: Recorded) -> None:
    one, two = api.queries.users().fetch(), api.queries.users(page=1, limit=10).fetch()
    assert one is two
    assert network.asked == ["GET api/users"]


def test_all_users_page_by_page(api: Client, user: User) -> None:
    for number in range(22):
        api.users.create(name=f"{user.id} {number}", email=f"{number}-{user.email}")
    every = api.queries.infinite_users(search=f"-{user.email}")
    every.fetch()
    assert every.has_next_page
    pages = every.fetch_next_page().pages
    assert [len(page.users) for page in pages] == [20, 2]
    assert not every.has_next_page


def test_a_creation_refreshes_the_lists(api: Client, user: User) -> None:
    mine = api.queries.users(search=user.email)
    with mine.observe() as observer:
        done(api)
        assert observer.data is not None
        assert observer.data.total == 1
        made = api.mutations.create_user(name="Grace", email=f"grace-{user.email}")
        done(api)
        assert observer.data.total == 2
    assert api.queries.get_data(("users", made.id)) == made


def test_an_update_is_seen_at_once_everywhere_and_taken_back_when_refused(
    api: Client, network: Recorded, user: User
) -> None:
    mine = api.queries.users(search=user.email)
    mine.fetch()
    api.queries.user(user.id).fetch()
    seen: list[Any] = []

    def refuse(request: Request) -> Response | None:
        if request.method != "PUT":
            return None
        page = mine.get_data()
        assert page is not None
        seen.append((api.queries.get_data(("users", user.id)).name, page.users[0].name))
        return Response(403, {}, b"{}")

    network.before = refuse
    with pytest.raises(PermissionDeniedError):
        api.mutations.update_user(user.id, name="Grace")
    page = mine.get_data()
    assert seen == [("Grace", "Grace")]
    assert page is not None
    assert (api.queries.get_data(("users", user.id)).name, page.users[0].name) == ("Ada", "Ada")
    network.before = lambda request: None
    assert api.mutations.update_user(user.id, name="Grace").name == "Grace"
    assert api.queries.get_data(("users", user.id)).name == "Grace"


def test_of_two_overlapping_updates_the_second_stays_when_the_first_fails(
    api: Client, network: Recorded, user: User
) -> None:
    query = api.queries.user(user.id)
    query.fetch()
    held, release = threading.Event(), threading.Event()

    def slow_then_refused(request: Request) -> Response | None:
        if b"First" not in (request.body or b""):
            return None
        held.set()
        assert release.wait(PATIENCE)
        return Response(403, {}, b"{}")

    network.before = slow_then_refused
    first = Thread(lambda: api.mutations.update_user(user.id, name="First"))
    assert held.wait(PATIENCE)
    api.mutations.update_user(user.id, email=f"second-{user.email}")
    seen = query.get_data()
    assert seen is not None
    assert (seen.name, seen.email) == ("First", f"second-{user.email}")
    release.set()
    with pytest.raises(PermissionDeniedError):
        _ = first.result
    seen = query.get_data()
    assert seen is not None
    assert (seen.name, seen.email) == ("Ada", f"second-{user.email}")


def test_a_favourite_is_toggled_at_once_in_the_list_too(api: Client, network: Recorded) -> None:
    chat = api.mutations.create_chat(title="Test")
    api.queries.chats().fetch()
    shown: list[bool] = []

    def look(request: Request) -> Response | None:
        if request.url.endswith("/favorite"):
            listed = api.queries.chats().get_data()
            assert listed is not None
            shown.append(listed[0].is_favorite)
        return None

    network.before = look
    assert api.mutations.toggle_favorite(chat.id).is_favorite
    assert not api.mutations.toggle_favorite(chat.id).is_favorite
    assert shown == [True, False]


def test_what_was_deleted_is_not_found(api: Client, user: User) -> None:
    seen: list[QueryResult[User]] = []
    with api.queries.user(user.id).observe(seen.append):
        done(api)
        api.mutations.delete_user(user.id)
        until(lambda: seen[-1].is_error)
    assert isinstance(seen[-1].error, NotFoundError)
    api.queries.remove_inactive(("users", user.id))
    with pytest.raises(NotFoundError):
        api.queries.user(user.id).fetch()


def test_a_message_refreshes_its_session(api: Client) -> None:
    chat = api.chats.create(title="Test")
    api.queries.messages(chat.id).fetch()
    api.mutations.send_message(chat.id, content="Hello")
    api.mutations.ask(chat.id, message="Hello?")
    assert [message.content for message in api.queries.messages(chat.id).fetch().data] == ["Hello", "Hello?", "Hello"]


@pytest.mark.parametrize("leave", ["mutation", "auth", "other"])
def test_who_leaves_takes_the_data_along(leave: str, api: Client, user: User) -> None:
    api.mutations.login(email=user.email, password="password")
    seen: list[QueryResult[User]] = []
    with api.queries.me().observe(seen.append) as observer:
        api.queries.user(user.id).fetch()
        assert observer.current.data == user
        if leave == "mutation":
            api.mutations.logout()
        elif leave == "auth":
            api.auth.logout()
        else:
            api.auth.login(email="jane@example.com", password="password")
        assert api.queries.me().get_data() is None
        assert api.queries.get_data(("users", user.id)) is None
        until(lambda: bool(seen) and seen[-1].data is None)


def test_renewing_the_tokens_of_a_login_keeps_the_data(api: Client, user: User) -> None:
    api.mutations.login(email=user.email, password="password")
    api.queries.user(user.id).fetch()
    api.mutations.refresh()
    assert api.queries.get_data(("users", user.id)) == user
    assert api.queries.me().get_data() == user


def test_closing_the_client_ends_its_queries(mock: MockServer) -> None:
    api = Client(base_url=mock.base_url, chat_base_url=mock.chat_base_url)
    api.queries.users().prefetch()
    api.close()
    assert api.queries.closed
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("duologue-query")]
    unused = Client()
    unused.close()
    assert unused.queries.closed


def test_views_of_a_client_share_its_cache(api: Client) -> None:
    assert api.with_options(timeout=1).queries is api.queries
    assert api.with_options(timeout=1).mutations is api.mutations
