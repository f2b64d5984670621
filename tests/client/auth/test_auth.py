"""A login from start to end: refreshed before it expires, its events, its user, and roles."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from duologue import (
    AuthenticationError,
    AuthEvent,
    Client,
    ClientClosedError,
    ConnectError,
    MemoryTokenStorage,
    Request,
    Response,
    StoredTokens,
)
from tests.client.auth.fake_platform import JANE, Platform, log_in, run_together
from tests.client.fakes import TOKENS, USER, FakeClock, FakeTransport, reply

Talk = Callable[..., tuple[Client, FakeTransport]]

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
EVENTS = ("logged_in", "refreshed", "logged_out")


def record_events(api: Client) -> list[AuthEvent]:
    events: list[AuthEvent] = []
    for name in EVENTS:
        api.auth.on(name, events.append)  # type: ignore[arg-type]
    return events


def get_user_name(api: Client) -> str | None:
    user = api.auth.current_user
    return user.name if user else None


# refresh before expiry


@pytest.mark.parametrize(
    ("lifetime", "after", "renewed"),
    [(900, 869, False), (900, 870, True), (900, 5000, True), (60, 53, False), (60, 54, True), (10, 8, False)],
)
def test_refresh_before_expiry(talk: Talk, clock: FakeClock, lifetime: int, after: int, renewed: bool) -> None:
    platform = Platform(lifetime=lifetime)
    api, _ = talk(platform)
    log_in(api)
    clock.time += timedelta(seconds=after)
    api.users.get("1")
    assert platform.paths == ["/auth/login", *(["/auth/refresh"] if renewed else []), "/users/1"]


def test_storage_without_refresh_at(talk: Talk, clock: FakeClock, platform: Platform) -> None:
    platform.number = 1
    storage = MemoryTokenStorage(StoredTokens("token-1", "refresh-1", BEGIN + timedelta(seconds=100)))
    api, _ = talk(platform, token_storage=storage)
    clock.time += timedelta(seconds=69)
    api.users.get("1")
    assert platform.paths == ["/users/1"]
    clock.time += timedelta(seconds=1)
    api.users.get("1")
    assert platform.paths[1:] == ["/auth/refresh", "/users/1"]


def test_no_refresh_token(talk: Talk, clock: FakeClock) -> None:
    """An expired token without a refresh token is sent; the platform decides."""
    api, net = talk(reply(200, USER), token_storage=MemoryTokenStorage(StoredTokens("t", None, BEGIN)))
    clock.time += timedelta(days=1)
    api.users.get("1")
    assert net.last.headers["Authorization"] == "Bearer t"


def test_one_refresh_for_threads(talk: Talk, clock: FakeClock, platform: Platform) -> None:
    api, net = talk(platform)
    log_in(api)
    clock.time += timedelta(hours=1)
    together = threading.Barrier(16)
    user_ids: list[str] = []

    def ask() -> None:
        together.wait(5)
        user_ids.append(api.users.get("1").id)

    run_together([ask] * 16)
    assert user_ids == ["1"] * 16
    assert platform.paths.count("/auth/refresh") == 1
    assert len(net.requests) == 1 + 1 + 16


def suppress_errors(call: Callable[[], object]) -> None:
    with suppress(AuthenticationError):
        call()


def test_refresh_backoff(talk: Talk, clock: FakeClock) -> None:
    """After a refresh that failed on the way, the old token is sent for a while."""

    def half_broken(request: Request) -> Response:
        if request.url.endswith("/auth/refresh"):
            tries.append(clock.time)
            raise ConnectError
        return reply(200, USER)

    tries: list[datetime] = []
    tokens = StoredTokens("token-1", "refresh-1", BEGIN + timedelta(seconds=20))
    api, net = talk(half_broken, token_storage=MemoryTokenStorage(tokens), max_retries=0)
    for _ in range(3):
        assert api.users.get("1").id == "1"
    assert len(tries) == 1
    assert net.last.headers["Authorization"] == "Bearer token-1"
    clock.time += timedelta(seconds=10)
    api.users.get("1")
    assert len(tries) == 2


def test_login_ends_before_call(talk: Talk) -> None:
    """A call that started logged in is not sent anonymously."""
    api, net = talk(reply(401, {"message": "Spent"}), token_storage=MemoryTokenStorage(StoredTokens("t", "r", BEGIN)))
    events = record_events(api)
    with pytest.raises(AuthenticationError, match="The login has ended"):
        api.users.get("1")
    assert [request.url.partition("/api")[2] for request in net.requests] == ["/auth/refresh"]
    assert [(event.name, event.reason) for event in events] == [("logged_out", "refused")]
    assert api.auth.current_user is None


def test_closed_client(talk: Talk) -> None:
    api, net = talk(reply(200, TOKENS), token_storage=MemoryTokenStorage(StoredTokens("t", "r", BEGIN)))
    api.close()
    with pytest.raises(ClientClosedError):
        api.users.get("1")
    assert net.requests == []


@pytest.mark.parametrize("call", ["me", "logout"])
def test_auth_calls_never_refresh(talk: Talk, clock: FakeClock, call: str) -> None:
    platform = Platform()
    api, _ = talk(platform)
    log_in(api)
    clock.time += timedelta(hours=1)
    getattr(api.auth, call)()
    assert platform.paths == ["/auth/login", f"/auth/{call}"]


@pytest.mark.parametrize("status", [400, 401, 403])
def test_refresh_token_refused(talk: Talk, status: int) -> None:
    api, _ = talk(reply(401), reply(status), token_storage=MemoryTokenStorage(StoredTokens("t", "r")))
    with pytest.raises(AuthenticationError):
        api.users.get("1")
    assert not api.auth.logged_in


# logout


def test_logout_sends_token(talk: Talk, platform: Platform) -> None:
    api, net = talk(platform)
    log_in(api)
    api.auth.logout()
    assert net.last.headers["Authorization"] == "Bearer token-1"
    assert not api.auth.logged_in


def test_login_during_logout(talk: Talk, platform: Platform) -> None:
    def log_in_meanwhile(request: Request) -> Response:
        if request.url.endswith("/auth/logout"):
            log_in(api)
        return platform(request)

    api: Client
    api, net = talk(log_in_meanwhile)
    log_in(api)
    api.auth.logout()
    assert [request.url.rpartition("/")[2] for request in net.requests] == ["login", "logout", "login"]
    assert api._requestor.tokens.token == "token-2"
    assert get_user_name(api) == "John Doe"


# events


def test_events(talk: Talk, platform: Platform) -> None:
    api, _ = talk(platform)
    events = record_events(api)
    log_in(api)
    api.auth.refresh()
    api.auth.logout()
    assert [(event.name, event.user and event.user.name, event.reason) for event in events] == [
        ("logged_in", "John Doe", None),
        ("refreshed", None, None),
        ("logged_out", None, "logout"),
    ]


def test_logout_without_login(talk: Talk) -> None:
    api, _ = talk(reply(401))
    events = record_events(api)
    with suppress(AuthenticationError):
        api.auth.logout()
    assert events == []


def test_off(talk: Talk, platform: Platform) -> None:
    api, _ = talk(platform)
    events: list[AuthEvent] = []
    api.auth.on("logged_in", events.append)
    api.auth.off("logged_in", events.append)
    api.auth.off("logged_in", events.append)
    log_in(api)
    assert events == []


def test_unknown_event(talk: Talk) -> None:
    api, _ = talk(reply())
    with pytest.raises(ValueError, match="no event 'login'; there are logged_in, refreshed, logged_out"):
        api.auth.on("login", print)  # type: ignore[arg-type]


def test_failing_callback(talk: Talk, platform: Platform, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: AuthEvent) -> None:
        raise RuntimeError("my own mistake")

    api, _ = talk(platform)
    events: list[AuthEvent] = []
    api.auth.on("logged_in", fail)
    api.auth.on("logged_in", events.append)
    with caplog.at_level(logging.ERROR, logger="duologue"):
        log_in(api)
    assert [event.name for event in events] == ["logged_in"]
    assert "my own mistake" in caplog.text


def test_callback_calls_client(talk: Talk, platform: Platform) -> None:
    """It would hang if a lock were held: the refresh that it starts takes them all."""
    api, _ = talk(platform)
    log_in(api)
    done = threading.Event()

    def again(_: AuthEvent) -> None:
        api.auth.off("refreshed", again)
        api.auth.refresh()
        api.auth.logout()
        done.set()

    api.auth.on("refreshed", again)
    run_together([lambda: suppress_errors(api.auth.refresh)])
    assert done.is_set()
    assert platform.paths == ["/auth/login", "/auth/refresh", "/auth/refresh", "/auth/logout"]


# the current user


def test_user_of_login(talk: Talk, platform: Platform) -> None:
    api, _ = talk(platform)
    assert get_user_name(api) is None
    log_in(api)
    assert get_user_name(api) == "John Doe"
    assert platform.paths == ["/auth/login"]
    api.auth.logout()
    assert get_user_name(api) is None


def test_user_is_fetched_once(talk: Talk, platform: Platform) -> None:
    platform.number = 1
    api, _ = talk(platform, token_storage=MemoryTokenStorage(StoredTokens("token-1", "refresh-1", login="a login")))
    for _ in range(2):
        assert get_user_name(api) == "John Doe"
        api.auth.refresh()
    assert platform.paths.count("/auth/me") == 1


def test_login_in_shared_storage(talk: Talk, platform: Platform) -> None:
    storage = MemoryTokenStorage()
    api, _ = talk(platform, token_storage=storage)
    other, _ = talk(platform, token_storage=storage)
    log_in(api)
    platform.user = JANE
    log_in(other)
    assert get_user_name(api) == "Jane Smith"


def test_me_updates_user(talk: Talk, platform: Platform) -> None:
    api, _ = talk(platform)
    log_in(api)
    platform.user = JANE
    assert api.auth.me().name == "Jane Smith"
    assert get_user_name(api) == "Jane Smith"


@pytest.mark.parametrize("ended", [BEGIN, None], ids=["expired", "refused"])
def test_user_with_stale_token(talk: Talk, platform: Platform, ended: datetime | None) -> None:
    api, _ = talk(platform, token_storage=MemoryTokenStorage(StoredTokens("stale", "refresh-0", ended)))
    assert get_user_name(api) == "John Doe"
    assert platform.paths[-2:] == ["/auth/refresh", "/auth/me"]


def test_user_with_invalid_token(talk: Talk) -> None:
    api, net = talk(reply(401, {"message": "Bad token"}), access_token="t")
    with pytest.raises(AuthenticationError, match="Bad token"):
        _ = api.auth.current_user
    assert len(net.requests) == 1
