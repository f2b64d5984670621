"""Client and mock together: every method over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from duologue import (
    AuthenticationError,
    BadRequestError,
    Client,
    ConflictError,
    ConnectionLostError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
)
from duologue.http.request_ids import create_idempotency_key
from duologue_mock import MockServer
from tests.client.fakes import FakeClock

Connect = Callable[..., Client]


@pytest.fixture(scope="module")
def mock() -> Iterator[MockServer]:
    with MockServer(rate_limit=None) as running:
        yield running


@pytest.fixture
def connect(clients: Callable[..., Client], mock: MockServer) -> Connect:
    """Creates clients of the mock, or of another one, each with a user id of its own."""

    def create(mock: MockServer = mock, **options: Any) -> Client:
        urls = {"base_url": mock.base_url, "chat_base_url": mock.chat_base_url, "api_key": mock.api_key}
        return clients(**{**urls, "user_id": create_idempotency_key(), "timeout": 10, **options})

    return create


def new_email() -> str:
    return f"{create_idempotency_key()}@example.com"


def test_users(connect: Connect) -> None:
    api, email = connect(), new_email()
    user = api.users.create(name="Zoë Ünal", email=email, role="admin", password="password")
    assert (user.name, user.email, user.role) == ("Zoë Ünal", email, "admin")
    assert api.users.get(user.id) == user
    changed = api.users.update(user.id, name="Zoë", role="user")
    assert (changed.name, changed.email, changed.role) == ("Zoë", email, "user")
    assert api.users.list(search=email.upper()).items == [changed]
    assert list(api.users.list(search=email)) == [changed]
    api.users.delete(user.id)
    with pytest.raises(NotFoundError) as caught:
        api.users.get(user.id)
    assert caught.value.request_id is not None
    assert caught.value.request_id.startswith("urc-")
    assert api.users.list(search=email).total == 0


def test_fixture_users(connect: Connect) -> None:
    page = connect().users.list(page=1, limit=1)
    assert page.items[0].name == "John Doe"
    assert page.has_next_page()
    assert page.next_page == 2


def test_pages_of_users(connect: Connect) -> None:
    api, mark = connect(), create_idempotency_key()
    ids = [api.users.create(name=f"{mark} {n}", email=new_email()).id for n in range(5)]
    assert [user.id for user in api.users.list(search=mark, limit=2)] == ids


def test_refused_users(connect: Connect) -> None:
    api, email = connect(), new_email()
    api.users.create(name="First", email=email)
    with pytest.raises(ConflictError):
        api.users.create(name="Second", email=email.upper())
    with pytest.raises(BadRequestError) as caught:
        api.users.create(name="x", email="no address")
    assert "email" in caught.value.details["fields"]
    assert caught.value.user_message == caught.value.errors[0]
    with pytest.raises(BadRequestError):
        api.users.list(limit=101)
    with pytest.raises(NotFoundError):
        api.users.get("../health")


def test_login(connect: Connect) -> None:
    api, email = connect(), new_email()
    user = api.users.create(name="Log In", email=email, password="secret")
    with pytest.raises(AuthenticationError):
        api.auth.login(email=email, password="wrong")
    login = api.auth.login(email=email, password="secret")
    assert login.user == user
    assert api.auth.me() == user
    before = login.token
    assert api.auth.refresh().token != before
    assert api.auth.me() == user
    with pytest.raises(PermissionDeniedError):
        api.users.delete("1")
    api.auth.logout()
    assert not api.auth.logged_in
    with pytest.raises(AuthenticationError):
        api.auth.me()


def test_refresh_on_401(connect: Connect) -> None:
    api = connect()
    login = api.auth.login(email="john@example.com", password="password")
    tokens = api._requestor.tokens.current
    assert tokens is not None
    api._requestor.tokens.set(type(tokens)("expired", tokens.refresh_token))
    assert api.users.get("1").name == "John Doe"
    assert api._requestor.tokens.token not in (None, "expired", login.token)


def test_chat(connect: Connect) -> None:
    """The Smart Chat API specification's integration test, and the operations that it leaves out."""
    api = connect()
    session = api.chats.create(title="Integration Test")
    assert session.title == "Integration Test"
    message = api.messages.send(session.id, content="Test message", sender="user", context={"a": [1, {"b": None}]})
    assert message.content == "Test message"
    assert message.context == {"a": [1, {"b": None}]}
    page = api.messages.list(session.id)
    assert [message.id for message in page.items] == [message.id]
    assert (page.total, page.has_next_page()) == (1, False)
    assert api.chats.rename(session.id, title="Renamed Session").title == "Renamed Session"
    assert api.chats.get(session.id).last_message_at >= session.last_message_at
    assert api.chats.toggle_favorite(session.id).is_favorite
    assert api.chats.set_favorite(session.id, favorite=True).is_favorite
    assert [session.id for session in api.chats.list(favorite=True)] == [session.id]
    assert api.chats.list(favorite=False).items == []
    assert [session.id for session in api.chats.list(page=1, search="renamed").items] == [session.id]
    assert not api.chats.toggle_favorite(session.id).is_favorite
    api.chats.delete(session.id)
    with pytest.raises(NotFoundError):
        api.messages.list(session.id)


def test_sessions_of_a_user(connect: Connect) -> None:
    mine, other = connect(), connect()
    session = mine.chats.create(title="Mine")
    with pytest.raises(NotFoundError):
        other.chats.get(session.id)
    assert other.chats.list().items == []


def test_pages_of_sessions_and_messages(connect: Connect) -> None:
    api = connect()
    ids = [api.chats.create(title=f"Session {n}").id for n in range(5)]
    assert {session.id for session in api.chats.list(limit=2)} == set(ids)
    sent = [api.messages.send(ids[0], content=f"Message {n}").id for n in range(5)]
    assert [message.id for message in api.messages.list(ids[0], limit=2)] == sent


def test_smart_chat(connect: Connect) -> None:
    api = connect()
    session = api.chats.create(title="Smart")
    reply = api.smart_chat.ask(session.id, message="Hello there", context="Be brief")
    assert (reply.sender, reply.session_id) == ("assistant", session.id)
    with api.smart_chat.stream(session.id, message="And now in pieces, Ünïcode 🎉 too") as stream:
        text = "".join(stream)
    assert text == stream.message.content
    assert [message.sender for message in api.messages.list(session.id)] == ["user", "assistant"] * 2
    with pytest.raises(NotFoundError):
        api.smart_chat.stream("no-such-session", message="Hello")


def test_stream_fails(connect: Connect) -> None:
    def failing(_: object) -> Iterator[str]:
        yield "Well, "
        raise RuntimeError("out of words")

    with MockServer(reply_function=failing) as mock:
        api = connect(mock, max_retries=0)
        session = api.chats.create(title="Smart")
        reply = api.smart_chat.stream(session.id, message="Go on")
        assert next(reply) == "Well, "
        with pytest.raises(ServerError) as caught:
            reply.read()
        assert caught.value.path == f"/chats/{session.id}/smart-chat"


def test_stream_left_early(connect: Connect) -> None:
    api = connect()
    session = api.chats.create(title="Smart")
    with api.smart_chat.stream(session.id, message="A long story, please") as reply:
        next(reply)
    assert api.chats.get(session.id).title == "Smart"


def test_health_and_api_keys(connect: Connect) -> None:
    api = connect()
    assert api.health.platform().status == "ok"
    assert api.health.chats().status == "ok"
    assert api.validate_api_key()
    wrong = connect(api_key="wrong-key")
    assert not wrong.validate_api_key()
    with pytest.raises(AuthenticationError):
        wrong.chats.list()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 418, 429, 500, 503, 599])
def test_error_on_request(connect: Connect, status: int) -> None:
    clock = FakeClock()
    with pytest.raises(Exception, match=str(status)) as caught:
        connect(clock=clock, max_retries=1).health.error(status=status)
    assert getattr(caught.value, "status", None) == status


def test_rate_limit(connect: Connect) -> None:
    with MockServer(rate_limit=2) as mock:
        api = connect(mock, max_retries=0)
        api.chats.list()
        api.chats.list()
        with pytest.raises(RateLimitError) as caught:
            api.chats.list()
    assert caught.value.retry_after is not None
    assert 0 < caught.value.retry_after <= 60


def test_replay_of_lost_response(connect: Connect) -> None:
    """A request whose response was lost is repeated; the mock replays the first response."""
    from duologue import HTTPTransport, Request, Response

    class LosesFirstResponse:
        def __init__(self) -> None:
            self.real = HTTPTransport()
            self.lost = 0

        def send(self, request: Request, /) -> Response:
            response = self.real.send(request)
            if request.method == "POST" and not self.lost:
                self.lost += 1
                response.read()
                raise ConnectionLostError
            return response

    transport = LosesFirstResponse()
    api = connect(transport=transport, clock=FakeClock())
    session = api.chats.create(title="Once")
    assert transport.lost == 1
    assert [session.id for session in api.chats.list()] == [session.id]
    transport.real.close()


def test_refresh_in_threads(connect: Connect) -> None:
    from duologue import MemoryTokenStorage, PerformanceMonitor, StoredTokens

    login = connect().auth.login(email="john@example.com", password="password")
    api = connect(token_storage=MemoryTokenStorage(StoredTokens("stale", login.refresh_token)), pool_size=16)
    monitor = PerformanceMonitor().attach(api)
    together = threading.Barrier(16)
    names: list[str] = []

    def get_user() -> None:
        together.wait(10)
        names.append(api.users.get("1").name)

    threads = [threading.Thread(target=get_user) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert names == ["John Doe"] * 16
    assert monitor.report()["auth.REFRESH"].count == 1
    assert api.auth.require_role("admin").name == "John Doe"
