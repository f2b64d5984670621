"""`TokenManager`: what it sends, stores and waits for, without a client."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from duologue import (
    AuthenticationError,
    BadRequestError,
    ConnectError,
    DeadlineExceeded,
    MemoryTokenStorage,
    StoredTokens,
)
from duologue.auth.tokens import AuthEvent, TokenManager

NOW = datetime(2024, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
OLD = StoredTokens("token-1", "refresh-1", NOW, login="a login", refresh_key="a key")
NEW = StoredTokens("token-2", "refresh-2", NOW + 900 * SECOND, login="ignored", refresh_key="another key")


class FakePlatform:
    """Exchanges refresh tokens; returns or raises what it was given, the last one again and again."""

    def __init__(self, *outcomes: StoredTokens | Exception) -> None:
        self.outcomes = list(outcomes)
        self.seen: list[StoredTokens] = []

    def __call__(self, tokens: StoredTokens) -> StoredTokens:
        self.seen.append(tokens)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class SharedStorage(MemoryTokenStorage):
    """A storage that processes share, with the timeouts that it was given."""

    def __init__(self, tokens: StoredTokens) -> None:
        super().__init__(tokens)
        self.timeouts: list[float | None] = []

    @contextmanager
    def refresh_lock(self, *, timeout: float | None = None) -> Iterator[None]:
        self.timeouts.append(timeout)
        yield

    def compare_and_swap(self, old: StoredTokens, new: StoredTokens | None, *, timeout: float | None = None) -> bool:
        self.timeouts.append(timeout)
        self.save(new)
        return True


def create_manager(tokens: StoredTokens | None = OLD) -> tuple[TokenManager, list[AuthEvent]]:
    manager = TokenManager(MemoryTokenStorage(tokens))
    events: list[AuthEvent] = []
    for name in ("logged_in", "refreshed", "logged_out"):
        manager.events.on(name, events.append)
    return manager, events


@pytest.mark.parametrize("tokens", [None, StoredTokens("token-1"), replace(OLD, expires_at=NOW + 31 * SECOND)])
def test_valid_without_refresh(tokens: StoredTokens | None) -> None:
    manager, _ = create_manager(tokens)
    assert manager.get_valid(NOW, FakePlatform(ConnectError())) == (tokens and tokens.token)
    assert manager.token == (tokens and "token-1")


def test_valid_after_refresh() -> None:
    manager, events = create_manager()
    platform = FakePlatform(NEW)
    assert manager.get_valid(NOW, platform) == "token-2"
    assert platform.seen == [OLD]
    assert (manager.current, manager.token) == (NEW, "token-2")
    assert manager.current is not None
    assert (manager.current.login, manager.current.refresh_key) == ("a login", "another key")
    assert [(event.name, event.reason, event.user) for event in events] == [("refreshed", None, None)]


def test_valid_after_failure() -> None:
    """The old token is sent, and ten seconds pass before the next refresh."""
    manager, events = create_manager()
    platform = FakePlatform(ConnectError(), NEW)
    assert manager.get_valid(NOW, platform) == "token-1"
    assert manager.get_valid(NOW + 9.9 * SECOND, platform) == "token-1"
    assert len(platform.seen) == 1
    assert events == []
    assert manager.get_valid(NOW + 10 * SECOND, platform) == "token-2"


def test_valid_after_end() -> None:
    manager, events = create_manager()
    with pytest.raises(AuthenticationError, match="Log in again"):
        manager.get_valid(NOW, FakePlatform(BadRequestError()))
    assert manager.token is None
    assert [(event.name, event.reason) for event in events] == [("logged_out", "refused")]


def test_refresh_of_other_token() -> None:
    """Another thread or process has replaced it already."""
    manager, _ = create_manager()
    platform = FakePlatform(NEW)
    assert manager.refresh("token-0", platform) is manager.current
    assert create_manager(None)[0].refresh("token-0", platform) is None
    assert create_manager(StoredTokens("token-1"))[0].refresh(None, platform) is None
    assert platform.seen == []
    assert manager.refresh("token-1", platform) == NEW


def test_key_of_refresh() -> None:
    """A refresh token is exchanged under one key, however often that is attempted."""
    manager, _ = create_manager(replace(OLD, refresh_key=""))
    platform = FakePlatform(ConnectError(), ConnectError(), replace(NEW, refresh_key=""))
    for _ in range(2):
        with pytest.raises(ConnectError):
            manager.refresh(None, platform)
    for _ in range(2):
        manager.refresh(None, platform)
    keys = [tokens.refresh_key for tokens in platform.seen]
    assert keys[0] == keys[1] == keys[2] != keys[3]
    assert all(len(key) == 36 for key in keys)


@pytest.mark.parametrize("timeout", [None, 100.0])
def test_timeouts_of_storage(timeout: float | None) -> None:
    """What is left of a call is how long a storage may wait for other processes."""
    storage = SharedStorage(OLD)
    assert TokenManager(storage).refresh(None, FakePlatform(NEW), timeout=timeout) == NEW
    assert len(storage.timeouts) == 2
    if timeout is None:
        assert storage.timeouts == [None, None]
    else:
        assert all(left is not None and 0 < left <= timeout for left in storage.timeouts)


@pytest.mark.parametrize("timeout", [0.0, -1.0, 0.01])
def test_timeout_of_refresh(timeout: float) -> None:
    """A thread does not wait longer than its call may take; a timeout too large for a lock is none."""
    manager, _ = create_manager()
    release, entered = threading.Event(), threading.Event()

    def wait(_: StoredTokens) -> StoredTokens:
        entered.set()
        assert release.wait(20)
        return NEW

    thread = threading.Thread(target=manager.refresh, args=[None, wait], kwargs={"timeout": 1e12})
    thread.start()
    assert entered.wait(20)
    try:
        with pytest.raises(DeadlineExceeded):
            manager.refresh("token-1", FakePlatform(NEW), timeout=timeout)
        assert manager.get_valid(NOW, FakePlatform(NEW), timeout=timeout) == "token-1"
    finally:
        release.set()
        thread.join(20)
    assert manager.token == "token-2"


def test_log_in_and_out() -> None:
    manager, events = create_manager(None)
    manager.set(OLD)
    assert manager.clear() == OLD
    assert manager.clear() is None
    assert [(event.name, event.reason) for event in events] == [("logged_in", None), ("logged_out", "logout")]
