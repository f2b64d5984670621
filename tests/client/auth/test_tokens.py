"""Logging in, and staying logged in: one refresh for any number of refused calls."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from duologue import (
    AuthenticationError,
    Client,
    ConnectError,
    MemoryTokenStorage,
    Request,
    Response,
    StoredTokens,
)
from tests.client.fakes import SESSION, TOKENS, USER, FakeTransport, enveloped, reply

Talk = Callable[..., tuple[Client, FakeTransport]]

OLD = StoredTokens("token-1", "refresh-1")


class OneTokenPlatform:
    """A platform that accepts one token, by default the one that a refresh returns."""

    def __init__(self, good: str = "token-2") -> None:
        self.good = good
        self.refreshes = 0

    def __call__(self, request: Request) -> Response:
        if request.url.endswith("/auth/refresh"):
            self.refreshes += 1
            return reply(200, TOKENS)
        token = request.headers.get("Authorization")
        return reply(200, USER) if token == f"Bearer {self.good}" else reply(401, {"message": "Token expired"})


def test_login(talk: Talk) -> None:
    api, net = talk(reply(200, {"user": USER, "token": "t", "refreshToken": "r", "expiresIn": 900}), reply(200, USER))
    assert api._requestor.tokens.token is None
    login = api.auth.login(email="john@example.com", password="password")
    assert login.user.name == "John Doe"
    assert api.auth.logged_in
    assert api.auth.me().id == "1"
    assert "Authorization" not in net.requests[0].headers
    assert net.last.headers["Authorization"] == "Bearer t"


def test_expires_at(talk: Talk) -> None:
    storage = MemoryTokenStorage()
    api, _ = talk(
        reply(200, {"user": USER, "token": "t", "refreshToken": "r", "expiresIn": 900}), token_storage=storage
    )
    api.auth.login(email="john@example.com", password="password")
    assert storage.load() == StoredTokens("t", "r", datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=900))


@pytest.mark.parametrize("outcome", [reply(204), reply(401), ConnectError()])
def test_logout_that_fails(talk: Talk, outcome: Response) -> None:
    api, net = talk(outcome, access_token="t", max_retries=0)
    with suppress(AuthenticationError, ConnectError):
        api.auth.logout()

    assert net.last.headers["Authorization"] == "Bearer t"
    assert not api.auth.logged_in


def test_refresh_after_401(talk: Talk) -> None:
    platform = OneTokenPlatform()
    api, net = talk(platform, token_storage=MemoryTokenStorage(OLD))
    assert api.users.create(name="a", email="a@example.com").id == "1"
    refused, refresh, again = net.requests
    assert refresh.body == b'{"refreshToken":"refresh-1"}'
    assert "Authorization" not in refresh.headers
    assert again.headers["Authorization"] == "Bearer token-2"
    for same in ("Unique-Reference-Code", "Idempotency-Key"):
        assert refused.headers[same] == again.headers[same]
    assert (refused.headers["X-Attempt"], again.headers["X-Attempt"]) == ("1", "2")


def test_second_401(talk: Talk) -> None:
    platform = OneTokenPlatform(good="none")
    api, net = talk(platform, token_storage=MemoryTokenStorage(OLD))
    with pytest.raises(AuthenticationError, match="Token expired") as caught:
        api.users.get("1")
    assert platform.refreshes == 1
    assert len(net.requests) == 3
    assert [attempt.outcome for attempt in caught.value.attempts] == ["401", "401"]


def test_refresh_refused(talk: Talk) -> None:
    api, net = talk(
        reply(401, {"message": "Token expired"}),
        reply(401, {"message": "Spent"}),
        token_storage=MemoryTokenStorage(OLD),
    )
    with pytest.raises(AuthenticationError, match="Token expired"):
        api.users.get("1")
    assert len(net.requests) == 2
    assert not api.auth.logged_in


def test_refresh_fails_on_the_way(talk: Talk) -> None:
    api, _ = talk(reply(401), ConnectError(), token_storage=MemoryTokenStorage(OLD), max_retries=0)
    with pytest.raises(ConnectError) as caught:
        api.users.get("1")
    assert api.auth.logged_in
    assert caught.value.path == "/auth/refresh"
    assert [attempt.outcome for attempt in caught.value.attempts] == ["ConnectError"]


def test_401_without_refresh_token(talk: Talk) -> None:
    api, net = talk(reply(401, {"message": "Bad token"}), access_token="t")
    with pytest.raises(AuthenticationError, match="Bad token"):
        api.users.get("1")
    assert len(net.requests) == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda api: api.auth.login(email="a@example.com", password="wrong"),
        lambda api: api.auth.me(),
        lambda api: api.auth.logout(),
        lambda api: api.chats.get("1"),
    ],
    ids=["login", "me", "logout", "chats"],
)
def test_401_without_refresh(talk: Talk, call: Callable[[Client], object]) -> None:
    """Neither calls to `/auth/*` nor to the chat service cause a refresh."""
    api, net = talk(reply(401), token_storage=MemoryTokenStorage(OLD))
    with pytest.raises(AuthenticationError):
        call(api)
    assert len(net.requests) == 1


def test_explicit_refresh(talk: Talk) -> None:
    api, net = talk(reply(200, TOKENS), token_storage=MemoryTokenStorage(OLD))
    fresh = api.auth.refresh()
    assert (fresh.token, fresh.refresh_token) == ("token-2", "refresh-2")
    api.auth.refresh()
    assert net.last.body == b'{"refreshToken":"refresh-2"}'


def test_refresh_without_login(talk: Talk) -> None:
    api, net = talk(reply(200, TOKENS))
    with pytest.raises(AuthenticationError, match="Not logged in"):
        api.auth.refresh()
    assert net.requests == []


def test_one_refresh_for_threads(talk: Talk) -> None:
    platform = OneTokenPlatform()
    together = threading.Barrier(16)

    def all_refused_first(request: Request) -> Response:
        if request.headers.get("Authorization") == "Bearer token-1":
            together.wait(5)
        return platform(request)

    api, net = talk(all_refused_first, token_storage=MemoryTokenStorage(OLD))
    user_ids: list[str] = []
    threads = [threading.Thread(target=lambda: user_ids.append(api.users.get("1").id)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert user_ids == ["1"] * 16
    assert platform.refreshes == 1
    assert len(net.requests) == 16 + 1 + 16


def test_repr() -> None:
    assert "token-1" not in repr(OLD)
    assert "refresh-1" not in repr(OLD)
    assert "token-1" not in repr(MemoryTokenStorage(OLD))
    assert repr(enveloped(SESSION)) == "<Response 200>"


@pytest.mark.parametrize("refreshed", [reply(200, TOKENS), reply(401)])
def test_logout_during_refresh(talk: Talk, refreshed: Response) -> None:
    def log_out_meanwhile(request: Request) -> Response:
        if not request.url.endswith("/auth/refresh"):
            return reply(401, {"message": "Token expired"})
        api._requestor.tokens.clear()
        return refreshed

    api: Client
    api, net = talk(log_out_meanwhile, token_storage=MemoryTokenStorage(OLD))
    with pytest.raises(AuthenticationError, match="Token expired"):
        api.users.get("1")
    assert not api.auth.logged_in
    assert len(net.requests) == 2


@pytest.mark.parametrize("refreshed", [reply(200, TOKENS), reply(401)])
def test_login_during_refresh(talk: Talk, refreshed: Response) -> None:
    def log_in_meanwhile(request: Request) -> Response:
        if request.url.endswith("/auth/refresh"):
            api._requestor.tokens.set(StoredTokens("token-9", "refresh-9"))
            return refreshed
        return reply(200, USER) if request.headers["Authorization"] == "Bearer token-9" else reply(401)

    api: Client
    api, _ = talk(log_in_meanwhile, token_storage=MemoryTokenStorage(OLD))
    assert api.users.get("1").id == "1"
    assert api._requestor.tokens.current == StoredTokens("token-9", "refresh-9")
