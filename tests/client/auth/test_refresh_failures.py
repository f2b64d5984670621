"""A refresh that fails: for all who wait for it, and without the end of the login unless the platform refuses."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from duologue import (
    APIError,
    Client,
    ConnectionLostError,
    DeadlineExceeded,
    DecodingError,
    FileTokenStorage,
    HTTPTransport,
    MemoryTokenStorage,
    Request,
    Response,
    ResponseValidationError,
    ServerError,
    StoredTokens,
)
from duologue_mock import MockServer
from tests.client.auth.fake_platform import Platform, log_in, run_together
from tests.client.fakes import TOKENS, USER, FakeClock, FakeTransport, reply

Talk = Callable[..., tuple[Client, FakeTransport]]

URL = "http://localhost:3001/api"
OLD = StoredTokens("token-1", "refresh-1")


class CountingLock:
    """A lock that knows how many threads have asked for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.callers = threading.Semaphore(0)
        self.release = self._lock.release

    def acquire(self, timeout: float) -> bool:
        self.callers.release()
        return self._lock.acquire(timeout=timeout)

    def wait_for(self, callers: int) -> None:
        for _ in range(callers):
            assert self.callers.acquire(timeout=20)


def test_failure_is_shared(talk: Talk) -> None:
    """Sixteen calls wait for one refresh; when it fails, none of them attempts another."""
    refreshes: list[str] = []
    lock = CountingLock()

    def platform(request: Request) -> Response:
        if not request.url.endswith("/auth/refresh"):
            return reply(401, {"message": "expired"})
        if not refreshes:
            lock.wait_for(16)
        refreshes.append(request.headers["Idempotency-Key"])
        return reply(503, {"message": "Down"})

    api, _ = talk(platform, token_storage=MemoryTokenStorage(OLD), max_retries=2)
    api._requestor.tokens._refreshing = lock  # type: ignore[assignment]  # it has what is used of a lock
    errors: list[APIError] = []

    def call() -> None:
        with pytest.raises(ServerError) as caught:
            api.users.get("1")
        errors.append(caught.value)

    run_together([call] * 16)
    assert len(refreshes) == 3
    assert len(set(map(id, errors))) == 16
    assert {(error.path, error.message, len(error.attempts)) for error in errors} == {("/auth/refresh", "Down", 3)}
    call()
    assert len(refreshes) == 6
    assert len(set(refreshes)) == 1
    assert api.auth.logged_in


def test_deadline_is_not_shared(talk: Talk) -> None:
    """A call that had no time left says nothing about the platform: the next one refreshes."""
    lock = CountingLock()
    refreshes: list[Request] = []

    def platform(request: Request) -> Response:
        if request.url.endswith("/auth/refresh"):
            refreshes.append(request)
            if len(refreshes) > 1:
                return reply(200, TOKENS)
            lock.wait_for(2)
            raise DeadlineExceeded
        good = request.headers["Authorization"] == "Bearer token-2"
        return reply(200, USER) if good else reply(401, {"message": "expired"})

    api, _ = talk(platform, token_storage=MemoryTokenStorage(OLD), max_retries=0)
    api._requestor.tokens._refreshing = lock  # type: ignore[assignment]  # it has what is used of a lock
    outcomes: list[str] = []

    def call() -> None:
        try:
            outcomes.append(api.users.get("1").id)
        except DeadlineExceeded:
            outcomes.append("late")

    run_together([call] * 2)
    assert sorted(outcomes) == ["1", "late"]


# the response is lost


class LossyTransport(HTTPTransport):
    """Loses the responses to the first refreshes: the platform has sent them."""

    def __init__(self, lost: int) -> None:
        super().__init__()
        self.lost = lost
        self.keys: list[str] = []

    def send(self, request: Request, /) -> Response:
        response = super().send(request)
        if request.url.endswith("/auth/refresh"):
            self.keys.append(request.headers["Idempotency-Key"])
            if len(self.keys) <= self.lost:
                response.read()
                raise ConnectionLostError
        return response


@pytest.fixture(scope="module")
def mock() -> Iterator[MockServer]:
    with MockServer() as running:
        yield running


@contextmanager
def client_of(mock: MockServer, transport: HTTPTransport, **options: object) -> Iterator[Client]:
    settings = {"base_url": mock.base_url, "transport": transport, "clock": FakeClock(), "timeout": 10, **options}
    with Client(**settings) as api:  # type: ignore[arg-type]
        yield api
    transport.close()


@pytest.mark.parametrize("max_retries", [0, 1])
def test_lost_response(mock: MockServer, max_retries: int) -> None:
    """It is asked for again under the same key, in the same call or the next: the refresh token was spent once."""
    transport = LossyTransport(lost=2)
    with client_of(mock, transport, max_retries=max_retries) as api:
        api.auth.login(email="john@example.com", password="password")
        for _ in range(2 - max_retries):
            with pytest.raises(ConnectionLostError):
                api.auth.refresh()
        assert api.auth.refresh().token
        assert len(set(transport.keys)) == 1
        assert api.auth.me().id == "1"
        api.auth.refresh()
        assert len(set(transport.keys)) == 2
        assert api.auth.me().id == "1"


def test_lost_to_another_program(mock: MockServer, tmp_path: Path) -> None:
    """The key is stored with the tokens: another program, or the same one later, asks under it too."""
    with (
        client_of(
            mock,
            LossyTransport(lost=1),
            token_storage=FileTokenStorage(mock.base_url, folder=tmp_path),
            max_retries=0,
        ) as first,
        client_of(
            mock, LossyTransport(lost=0), token_storage=FileTokenStorage(mock.base_url, folder=tmp_path)
        ) as second,
    ):
        first.auth.login(email="john@example.com", password="password")
        with pytest.raises(ConnectionLostError):
            first.auth.refresh()
        second.auth.refresh()
        assert first.auth.me() == second.auth.me()


def test_storage_without_key(mock: MockServer) -> None:
    """The key is remembered as long as the client."""
    storage = MemoryTokenStorage()
    with client_of(mock, LossyTransport(lost=1), token_storage=storage, max_retries=0) as api:
        api.auth.login(email="john@example.com", password="password")
        tokens = storage.load()
        assert tokens is not None
        storage.save(replace(tokens, refresh_key=""))
        with pytest.raises(ConnectionLostError):
            api.auth.refresh()
        assert api.auth.refresh().token
        assert api.auth.me().id == "1"


# tokens that cannot be used

GOOD = {"user": USER, "token": "t", "refreshToken": "r", "expiresIn": 900}
BAD = [
    *(
        {name: text}
        for name in ("token", "refreshToken")
        for text in ("", "a\r\nX-Evil: 1", "a\n", "\n", "tök", "a b", " a", "\0", "\x7f", "a" * 20_000, None, 7)
    ),
    *({"expiresIn": value} for value in (-1, 0, 0.5, 1e30, 10**12, 10**30, 10**300, True, "900", None)),
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: json.dumps(bad)[:40])
def test_unusable_tokens(talk: Talk, bad: dict[str, object]) -> None:
    """They are refused when they arrive, and what was stored stays."""
    storage = MemoryTokenStorage(OLD)
    api, _ = talk(reply(200, {**GOOD, **bad}), token_storage=storage, max_retries=0)
    for call in (lambda: api.auth.login(email="john@example.com", password="password"), api.auth.refresh):
        with pytest.raises(ResponseValidationError):
            call()
        assert storage.load() == OLD


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_lifetime_that_is_no_json(talk: Talk, value: str) -> None:
    body = json.dumps(GOOD).replace("900", value).encode()
    api, _ = talk(Response(200, {"Content-Type": "application/json"}, body))
    with pytest.raises(DecodingError):
        api.auth.login(email="john@example.com", password="password")


@pytest.mark.parametrize("lifetime", [1, 2**31, 10**10])
def test_unusual_lifetimes(talk: Talk, lifetime: int) -> None:
    api, net = talk(reply(200, {**GOOD, "expiresIn": lifetime}), reply(200, USER))
    log_in(api)
    assert api.users.get("1").id == "1"
    assert net.last.headers["Authorization"] == "Bearer t"


# tokens that cannot be stored


class FullStorage(MemoryTokenStorage):
    """Stores nothing while it is full."""

    full = False

    def save(self, tokens: StoredTokens | None) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        super().save(tokens)


@pytest.fixture(params=["a file", "a storage of the caller's"])
def full_disk(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> tuple[MemoryTokenStorage | FileTokenStorage, Callable[[bool], None]]:
    """A storage, and a function that fills the disk, or makes room on it."""
    if request.param != "a file":
        storage = FullStorage()
        return storage, lambda full: setattr(storage, "full", full)
    full_now = False
    sync = os.fsync

    def fail_when_full(descriptor: int) -> None:
        if full_now:
            raise OSError(28, "No space left on device")
        sync(descriptor)

    def fill(full: bool) -> None:
        nonlocal full_now
        full_now = full

    monkeypatch.setattr(os, "fsync", fail_when_full)
    return FileTokenStorage(URL, folder=tmp_path), fill


FullDisk = tuple[MemoryTokenStorage | FileTokenStorage, Callable[[bool], None]]


def test_full_disk(talk: Talk, platform: Platform, full_disk: FullDisk, caplog: pytest.LogCaptureFixture) -> None:
    """The new tokens stay in memory, since the old ones are spent; when there is room, the next ones are stored."""
    storage, fill = full_disk
    api, _ = talk(platform, token_storage=storage)
    log_in(api)
    fill(True)
    events: list[object] = []
    api.auth.on("refreshed", events.append)
    for number in (2, 3):
        with caplog.at_level(logging.WARNING, logger="duologue"):
            assert api.auth.refresh().token == f"token-{number}"
        assert api.users.get("1").id == "1"
    assert len(events) == 2
    stored = storage.load()
    assert stored is not None
    assert stored.token == "token-1"
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
    reason = "TokenFileError: No space left on device" if isinstance(storage, FileTokenStorage) else "OSError"
    assert f"could not be stored ({reason})" in caplog.text
    assert "log in again" in caplog.text
    assert "token-" not in caplog.text
    fill(False)
    api.auth.refresh()
    stored = storage.load()
    assert stored is not None
    assert stored.token == "token-4"


def test_refused_on_full_disk(talk: Talk, platform: Platform, full_disk: FullDisk) -> None:
    storage, fill = full_disk
    api, net = talk(platform, token_storage=storage)
    log_in(api)
    fill(True)
    net.outcomes[:] = [reply(401, {"message": "Spent"})]
    if isinstance(storage, FileTokenStorage):  # removing a file needs no room
        with pytest.raises(APIError):
            api.auth.refresh()
        assert storage.load() is None
    else:
        with pytest.raises(APIError):
            api.auth.refresh()
    assert not api.auth.logged_in


def test_login_after_full_disk(talk: Talk, platform: Platform, full_disk: FullDisk) -> None:
    """What another login stores takes precedence over what is in memory."""
    storage, fill = full_disk
    api, _ = talk(platform, token_storage=storage)
    log_in(api)
    fill(True)
    api.auth.refresh()
    fill(False)
    storage.save(StoredTokens("token-9", "refresh-9"))
    assert api._requestor.tokens.token == "token-9"
    api.auth.logout()
    assert not api.auth.logged_in
