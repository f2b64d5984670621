"""What is stored of a login: when its token is refreshed, and the form of the token file."""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from duologue import FileTokenStorage, MemoryTokenStorage, StoredTokens, TokenFileError
from duologue.contract.auth import Tokens

URL = "http://localhost:3001/api"
MOMENT = datetime(2024, 1, 1, 12, tzinfo=UTC)
TOKENS = StoredTokens("token-1", "refresh-1", MOMENT, MOMENT - timedelta(seconds=30), "a login", "a key")
SECOND = timedelta(seconds=1)

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX locks")


@pytest.fixture
def storage(tmp_path: Path) -> FileTokenStorage:
    return FileTokenStorage(URL, folder=tmp_path)


@pytest.mark.parametrize(("lifetime", "leeway"), [(900, 30.0), (300, 30.0), (200, 20.0), (1, 0.1)])
def test_refresh_moment(lifetime: int, leeway: float) -> None:
    """A tenth of the lifetime before it ends, at most half a minute."""
    tokens = StoredTokens.from_response(Tokens("t", "r", lifetime), MOMENT)
    assert (tokens.token, tokens.refresh_token) == ("t", "r")
    assert tokens.expires_at == MOMENT + timedelta(seconds=lifetime)
    assert tokens.refresh_at == tokens.expires_at - timedelta(seconds=leeway)


def test_ids_of_login() -> None:
    one, other = (StoredTokens.from_response(Tokens("t", "r", 900), MOMENT) for _ in range(2))
    assert one == other
    assert re.fullmatch("[0-9a-f]{16}", one.login)
    assert one.login != other.login
    assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", one.refresh_key)
    assert one.refresh_key != other.refresh_key


@pytest.mark.parametrize(
    ("tokens", "before", "needed"),
    [
        (TOKENS, 31 * SECOND, False),
        (TOKENS, 30 * SECOND, True),
        (replace(TOKENS, refresh_at=None), 31 * SECOND, False),
        (replace(TOKENS, refresh_at=None), 30 * SECOND, True),
        (replace(TOKENS, refresh_at=None), -SECOND, True),
        (replace(TOKENS, refresh_token=None), -SECOND, False),
        (replace(TOKENS, expires_at=None), -SECOND, False),
    ],
)
def test_needs_refresh(tokens: StoredTokens, before: timedelta, needed: bool) -> None:
    assert tokens.needs_refresh(MOMENT - before) == needed


def test_memory_storage_repr() -> None:
    assert repr(MemoryTokenStorage()) == "<MemoryTokenStorage, no tokens>"
    assert repr(MemoryTokenStorage(TOKENS)) == "<MemoryTokenStorage, with tokens>"


# the file

STORED: dict[str, Any] = {
    "version": 1,
    "baseUrl": URL,
    "token": "token-1",
    "refreshToken": "refresh-1",
    "expiresAt": "2024-01-01T12:00:00+00:00",
    "refreshAt": "2024-01-01T11:59:30+00:00",
    "login": "a login",
    "refreshKey": "a key",
}


def write(storage: FileTokenStorage, text: str) -> None:
    storage.file.write_text(text)
    storage.file.chmod(0o600)


def test_file_format(storage: FileTokenStorage) -> None:
    """Another release of the client must be able to read it."""
    storage.save(TOKENS)
    assert json.loads(storage.file.read_text()) == STORED
    assert list(storage.file.parent.glob("*.json")) == [storage.file]
    assert re.fullmatch(r"tokens-localhost-3001-[0-9a-f]{12}\.json", storage.file.name)
    assert repr(storage) == f"<FileTokenStorage {storage.file}>"


def test_long_host_name(tmp_path: Path) -> None:
    storage = FileTokenStorage(f"http://{'x' * 300}/api", folder=tmp_path)
    storage.save(TOKENS)
    assert storage.file.name.startswith("tokens-" + "x" * 60 + "-")


def test_file_of_older_release(storage: FileTokenStorage) -> None:
    older = {name: value for name, value in STORED.items() if name != "refreshKey"}
    write(storage, json.dumps(older))
    tokens = storage.load()
    assert tokens == TOKENS
    assert tokens.refresh_key == ""


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": 2}, "of version 2"),
        ({"baseUrl": "http://localhost:3002"}, "of another server"),
        ({"token": None}, "a token that cannot be sent"),
        ({"refreshToken": "a b"}, "a token that cannot be sent"),
        ({"expiresAt": "2024-01-01T12:00:00"}, "a time without a time zone"),
        ({"refreshAt": 7}, "not a string"),
        ({"login": 7}, "not a string"),
        ({"refreshKey": "a\nkey"}, "refreshKey must be printable ASCII"),
    ],
)
def test_reason_of_damage(
    storage: FileTokenStorage, change: dict[str, object], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(storage, json.dumps({**STORED, **change}))
    with caplog.at_level(logging.WARNING, logger="duologue"):
        assert storage.load() is None
    assert f"{storage.file} is damaged ({reason}" in caplog.text
    assert "log in again to replace it" in caplog.text


@pytest.mark.parametrize("text", ['{"token": "token-1', " " * 70_000 + json.dumps(STORED)], ids=["cut", "too large"])
def test_file_not_json(storage: FileTokenStorage, text: str, caplog: pytest.LogCaptureFixture) -> None:
    write(storage, text)
    with caplog.at_level(logging.WARNING, logger="duologue"):
        assert storage.load() is None
    assert "is damaged (JSONDecodeError)" in caplog.text


def test_file_is_read_once(storage: FileTokenStorage) -> None:
    storage.save(TOKENS)
    tokens = storage.load()
    assert storage.load() is tokens
    FileTokenStorage(URL, folder=storage.file.parent).save(replace(TOKENS, token="token-2"))
    again = storage.load()
    assert again is not None
    assert again.token == "token-2"


@posix
def test_swap_while_locked(storage: FileTokenStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program that changes the file: the swap fails when its time is over, at once if it has none."""
    monkeypatch.setattr("duologue.auth.token_file.time.sleep", lambda _: pytest.fail("it waited"))
    storage.save(TOKENS)
    other = FileTokenStorage(URL, folder=storage.file.parent)
    with other._hold_lock("changing", None), pytest.raises(TokenFileError) as caught:
        storage.compare_and_swap(TOKENS, None, timeout=0)
    assert caught.value.details == {"reason": "another process has locked it"}
    assert f"{storage.file} cannot be used" in str(caught.value)
    assert storage.load() == TOKENS
    with other.refresh_lock():  # refreshing is not changing
        assert storage.compare_and_swap(TOKENS, None, timeout=0)


@pytest.mark.parametrize(
    "change",
    [lambda one: one.save(replace(TOKENS, token="t")), lambda one: one.compare_and_swap(TOKENS, StoredTokens("t"))],
    ids=["save", "swap"],
)
def test_file_not_written(
    storage: FileTokenStorage, monkeypatch: pytest.MonkeyPatch, change: Callable[[FileTokenStorage], object]
) -> None:
    """The old tokens stay, and nothing else; the new ones were beside them. The error names the file."""

    def fail(_: int) -> None:
        assert len(list(storage.file.parent.iterdir())) == len(files) + 1
        raise OSError(errno.EIO, "Input/output error")

    storage.save(TOKENS)
    files = {file.name for file in storage.file.parent.iterdir()}
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(TokenFileError) as caught:
        change(storage)
    assert f"{storage.file} cannot be used" in str(caught.value)
    assert caught.value.details == {"reason": "Input/output error"}
    assert {file.name for file in storage.file.parent.iterdir()} == files
    assert storage.load() == TOKENS


@posix
def test_file_system_without_locks(storage: FileTokenStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", fail)
    storage.save(TOKENS)
    with storage.refresh_lock(timeout=0):
        assert storage.load() == TOKENS


@pytest.mark.parametrize(
    ("number", "accepted"), [(errno.ENOSPC, True), (errno.EDQUOT, True), (errno.EROFS, True), (errno.EACCES, False)]
)
def test_lock_file_not_created(
    storage: FileTokenStorage, monkeypatch: pytest.MonkeyPatch, number: int, accepted: bool
) -> None:
    """Where there is no room for a lock file, it is done without."""

    def fail(*_: object) -> None:
        raise OSError(number, "It failed")

    def lock() -> bool:
        with storage.refresh_lock(timeout=0):
            return True

    monkeypatch.setattr(os, "open", fail)
    if accepted:
        assert lock()
        return
    with pytest.raises(TokenFileError) as caught:
        lock()
    assert caught.value.details == {"reason": "It failed"}


@pytest.mark.parametrize("work", [lambda one: one.save(TOKENS), lambda one: one.refresh_lock().__enter__()])
def test_folder_is_created(tmp_path: Path, work: Callable[[FileTokenStorage], None]) -> None:
    storage = FileTokenStorage(URL, folder=tmp_path / "a" / "b")
    work(storage)
    assert storage.file.parent.is_dir()
