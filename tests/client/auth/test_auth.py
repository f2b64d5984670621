"""A login from beginning to end: renewed ahead of time, told of in events, and asked for by guards."""

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
    PermissionDeniedError,
    Request,
    Response,
    StoredTokens,
    protected,
    require_role,
)
from tests.client.fakes import TOKENS, USER, FakeClock, FakeTransport, reply

Talk = Callable[..., tuple[Client, FakeTransport]]

JANE = {**USER, "id": "2", "name": "Jane Smith", "role": "user"}
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
EVENTS = ("logged_in", "refreshed", "logged_out")


class Platform:
    """A platform that gives tokens by number, and knows the last one only."""

    def __init__(self, user: dict[str, str] = USER, lifetime: int = 900) -> None:
        self.user = user
        self.lifetime = lifetime
        self.number = 0
        self.asked: list[str] = []
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Response:
        path = request.url.partition("/api")[2]
        with self._lock:
            self.asked.append(path)
            if path in ("/auth/login", "/auth/refresh"):
                return self._tokens(path)
        if path == "/auth/logout":
            return reply(204)
        return reply(200, self.user) if self.knows(request) else reply(401, {"message": "Token expired"})

    def knows(self, request: Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer token-{self.number}"

    def _tokens(self, path: str) -> Response:
        self.number += 1
        tokens = {
            "token": f"token-{self.number}",
            "refreshToken": f"refresh-{self.number}",
            "expiresIn": self.lifetime,
        }
        return reply(200, {**tokens, "user": self.user} if path == "/auth/login" else tokens)


def log_in(api: Client) -> None:
    api.auth.login(email="john@example.com", password="password")


def heard_by(api: Client) -> list[AuthEvent]:
    heard: list[AuthEvent] = []
    for name in EVENTS:
        api.auth.on(name, heard.append)  # type: ignore[arg-type]
    return heard


def user_of(api: Client) -> str | None:
    user = api.auth.current_user
    return user.name if user else None


@pytest.fixture
def platform() -> Platform:
    return Platform()


# Ahead of time


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
    assert platform.asked == ["/auth/login", *(["/auth/refresh"] if renewed else []), "/users/1"]


def test_storage_without_refresh_at(talk: Talk, clock: FakeClock, platform: Platform) -> None:
    platform.number = 1
    kept = MemoryTokenStorage(StoredTokens("token-1", "refresh-1", BEGIN + timedelta(seconds=100)))
    api, _ = talk(platform, token_storage=kept)
    clock.time += timedelta(seconds=69)
    api.users.get("1")
    assert platform.asked == ["/users/1"]
    clock.time += timedelta(seconds=1)
    api.users.get("1")
    assert platform.asked[1:] == ["/auth/refresh", "/users/1"]


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
    got: list[str] = []

    def ask() -> None:
        together.wait(5)
        got.append(api.users.get("1").id)

    run_together([ask] * 16)
    assert got == ["1"] * 16
    assert platform.asked.count("/auth/refresh") == 1
    assert len(net.requests) == 1 + 1 + 16


def run_together(work: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=one) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)


def suppressed(call: Callable[[], object]) -> None:
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
    kept = StoredTokens("token-1", "refresh-1", BEGIN + timedelta(seconds=20))
    api, net = talk(half_broken, token_storage=MemoryTokenStorage(kept), max_retries=0)
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
    heard = heard_by(api)
    with pytest.raises(AuthenticationError, match="The login has ended"):
        api.users.get("1")
    assert [request.url.partition("/api")[2] for request in net.requests] == ["/auth/refresh"]
    assert [(event.name, event.reason) for event in heard] == [("logged_out", "refused")]
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
    assert platform.asked == ["/auth/login", f"/auth/{call}"]


@pytest.mark.parametrize("status", [400, 401, 403])
def test_refresh_token_refused(talk: Talk, status: int) -> None:
    api, _ = talk(reply(401), reply(status), token_storage=MemoryTokenStorage(StoredTokens("t", "r")))
    with pytest.raises(AuthenticationError):
        api.users.get("1")
    assert not api.auth.logged_in


# Logging out


def test_logout_sends_token(talk: Talk, platform: Platform) -> None:
    api, net = talk(platform)
    log_in(api)
    api.auth.logout()
    assert net.last.headers["Authorization"] == "Bearer token-1"
    assert not api.auth.logged_in


def test_login_during_logout(talk: Talk, platform: Platform) -> None:
    def logged_in_meanwhile(request: Request) -> Response:
        if request.url.endswith("/auth/logout"):
            log_in(api)
        return platform(request)

    api: Client
    api, net = talk(logged_in_meanwhile)
    log_in(api)
    api.auth.logout()
    assert [request.url.rpartition("/")[2] for request in net.requests] == ["login", "logout", "login"]
    assert api._requestor.tokens.token == "token-2"
    assert user_of(api) == "John Doe"


# Events


def test_events(talk: Talk, platform: Platform) -> None:
    api, _ = talk(platform)
    heard = heard_by(api)
    log_in(api)
    api.auth.refresh()
    api.auth.logout()
    assert [(event.name, event.user and event.user.name, event.reason) for event in heard] == [
        ("logged_in", "John Doe", None),
        ("refreshed", None, None),
        ("logged_out", None, "logout"),
    ]


def test_logout_without_login(talk: Talk) -> None:
    api, _ = talk(reply(401))
    heard = heard_by(api)
    with suppress(AuthenticationError):
        api.auth.logout()
    assert heard == []


def test_off(talk: Talk, platform: Platform) -> None:
    api, _ = talk(platform)
    heard: list[AuthEvent] = []
    api.auth.on("logged_in", heard.append)
    api.auth.off("logged_in", heard.append)
    api.auth.off("logged_in", heard.append)
    log_in(api)
    assert heard == []


def test_unknown_event(talk: Talk) -> None:
    api, _ = talk(reply())
    with pytest.raises(ValueError, match=r"no event 'login'. The events are logged_in, refreshed, logged_out"):
        api.auth.on("login", print)  # type: ignore[arg-type]


def test_failing_callback(talk: Talk, platform: Platform, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: AuthEvent) -> None:
        raise RuntimeError("my own mistake")

    api, _ = talk(platform)
    heard: list[AuthEvent] = []
    api.auth.on("logged_in", fail)
    api.auth.on("logged_in", heard.append)
    with caplog.at_level(logging.ERROR, logger="duologue"):
        log_in(api)
    assert [event.name for event in heard] == ["logged_in"]
    assert "my own mistake" in caplog.text


def test_callback_calls_client(talk: Talk, platform: Platform) -> None:
    """It would hang if a lock were held: the renewal that it asks for takes them all."""
    api, _ = talk(platform)
    log_in(api)
    done = threading.Event()

    def again(_: AuthEvent) -> None:
        api.auth.off("refreshed", again)
        api.auth.refresh()
        api.auth.logout()
        done.set()

    api.auth.on("refreshed", again)
    run_together([lambda: suppressed(api.auth.refresh)])
    assert done.is_set()
    assert platform.asked == ["/auth/login", "/auth/refresh", "/auth/refresh", "/auth/logout"]


# Who is it?


def test_user_of_login(talk: Talk, platform: Platform) -> None:
    api, _ = talk(platform)
    assert user_of(api) is None
    log_in(api)
    assert user_of(api) == "John Doe"
    assert platform.asked == ["/auth/login"]
    api.auth.logout()
    assert user_of(api) is None


def test_user_is_fetched_once(talk: Talk, platform: Platform) -> None:
    platform.number = 1
    api, _ = talk(platform, token_storage=MemoryTokenStorage(StoredTokens("token-1", "refresh-1", login="a login")))
    for _ in range(2):
        assert user_of(api) == "John Doe"
        api.auth.refresh()
    assert platform.asked.count("/auth/me") == 1


def test_login_in_shared_storage(talk: Talk, platform: Platform) -> None:
    kept = MemoryTokenStorage()
    api, _ = talk(platform, token_storage=kept)
    other, _ = talk(platform, token_storage=kept)
    log_in(api)
    platform.user = JANE
    log_in(other)
    assert user_of(api) == "Jane Smith"


def test_me_updates_user(talk: Talk, platform: Platform) -> None:
    api, _ = talk(platform)
    log_in(api)
    platform.user = JANE
    assert api.auth.me().name == "Jane Smith"
    assert user_of(api) == "Jane Smith"


@pytest.mark.parametrize("ended", [BEGIN, None], ids=["known to have ended", "refused"])
def test_user_with_stale_token(talk: Talk, platform: Platform, ended: datetime | None) -> None:
    api, _ = talk(platform, token_storage=MemoryTokenStorage(StoredTokens("stale", "refresh-0", ended)))
    assert user_of(api) == "John Doe"
    assert platform.asked[-2:] == ["/auth/refresh", "/auth/me"]


def test_user_with_invalid_token(talk: Talk) -> None:
    api, net = talk(reply(401, {"message": "Bad token"}), access_token="t")
    with pytest.raises(AuthenticationError, match="Bad token"):
        _ = api.auth.current_user
    assert len(net.requests) == 1


# Guards


def test_require_role(talk: Talk, platform: Platform) -> None:
    api, _ = talk(platform)
    log_in(api)
    assert api.auth.require_role("admin").name == "John Doe"
    assert require_role(api.auth).name == "John Doe"


@pytest.mark.parametrize("role", ["admin", None])
def test_require_login(talk: Talk, role: None) -> None:
    api, net = talk(reply())
    with pytest.raises(AuthenticationError, match="Not logged in") as caught:
        api.auth.require_role(role)
    assert caught.value.status == 401
    assert caught.value.user_message == "Please log in to continue."
    assert net.requests == []


def test_require_other_role(talk: Talk) -> None:
    api, _ = talk(Platform(JANE))
    log_in(api)
    with pytest.raises(PermissionDeniedError, match="The role 'admin' is required") as caught:
        api.auth.require_role("admin")
    assert caught.value.status == 403
    assert caught.value.user_message == "You do not have permission to perform this action."


def test_protected(talk: Talk, platform: Platform) -> None:
    api, _ = talk(platform)
    done: list[int] = []

    @protected(api.auth, "admin")
    def double(number: int) -> int:
        """Double it."""
        done.append(number)
        return number * 2

    with pytest.raises(AuthenticationError):
        double(2)
    assert done == []
    log_in(api)
    assert double(2) == 4
    assert double.__doc__ == "Double it."
