"""Tokens in a file: private, whole, of one server, and renewed once by all programs that share it."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from duologue import Client, FileTokenStorage, StoredTokens, TokenFileError
from duologue.auth.token_storage import SharedTokenStorage
from tests.client.auth.test_auth import Platform, log_in, run_together
from tests.client.fakes import FakeClock, FakeTransport

Talk = Callable[..., tuple[Client, FakeTransport]]

URL = "http://localhost:3001/api"
MOMENT = datetime(2024, 1, 1, 12, tzinfo=UTC)
TOKENS = StoredTokens("token-1", "refresh-1", MOMENT, MOMENT, "a login")

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX file modes and locks")


@pytest.fixture
def kept(tmp_path: Path) -> FileTokenStorage:
    return FileTokenStorage(URL, folder=tmp_path / "data")


@pytest.mark.parametrize("tokens", [TOKENS, StoredTokens("t"), replace(TOKENS, refresh_at=None)])
def test_round_trip(kept: FileTokenStorage, tokens: StoredTokens) -> None:
    assert kept.load() is None
    kept.save(tokens)
    again = FileTokenStorage(URL, folder=kept.file.parent).load()
    assert again is not None
    assert (again, again.refresh_at, again.login) == (tokens, tokens.refresh_at, tokens.login)
    kept.save(None)
    assert not kept.file.exists()
    assert kept.load() is None
    kept.save(None)


def test_protocol(kept: FileTokenStorage) -> None:
    assert isinstance(kept, SharedTokenStorage)
    assert "token-1" not in repr(kept)


@posix
def test_file_modes(kept: FileTokenStorage) -> None:
    before = os.umask(0)
    try:
        kept.save(TOKENS)
        kept.compare_and_swap(TOKENS, TOKENS)
        with kept.refresh_lock():
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE(kept.file.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in kept.file.parent.iterdir()} == {0o600}


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_file_others_can_read(kept: FileTokenStorage, mode: int) -> None:
    kept.save(TOKENS)
    assert kept.load() is not None
    kept.file.chmod(mode)
    with pytest.raises(TokenFileError, match=rf"Others can read .*mode 0{mode:o}") as caught:
        kept.load()
    assert "token-1" not in str(caught.value)


@posix
def test_file_of_another_kind(kept: FileTokenStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.save(TOKENS)
    target = kept.file.rename(kept.file.with_name("elsewhere"))
    kept.file.symlink_to(target)
    with pytest.raises(TokenFileError, match="cannot be used"):
        kept.load()
    kept.file.unlink()
    kept.file.mkdir(mode=0o700)
    with pytest.raises(TokenFileError):
        kept.load()
    kept.file.rmdir()
    target.rename(kept.file)
    monkeypatch.setattr(os, "geteuid", lambda: -1)
    with pytest.raises(TokenFileError, match="another user"):
        kept.load()


@pytest.mark.parametrize(
    "change",
    [
        lambda good: b"",
        lambda good: good[:-10],
        lambda good: b"\xff\xfe\x00",
        lambda good: b"[" * 60_000,
        lambda good: good.replace(b'"version": 1', b'"version": 2'),
        lambda good: good.replace(b"localhost:3001", b"localhost:3009"),
        lambda good: good.replace(b'"token-1"', b"7"),
        lambda good: good.replace(b'"refreshToken"', b'"refresh"'),
        lambda good: good.replace(b"+00:00", b""),
        lambda good: good.replace(b"2024-", b"soon-"),
        lambda good: b"null",
    ],
)
def test_damaged_file(
    kept: FileTokenStorage, change: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    kept.save(TOKENS)
    kept.file.write_bytes(change(kept.file.read_bytes()))
    with caplog.at_level(logging.WARNING, logger="duologue"):
        assert kept.load() is None
        assert kept.load() is None
    assert len(caplog.records) == 1
    assert "log in again" in caplog.text
    assert "token-1" not in caplog.text
    kept.save(TOKENS)
    assert kept.load() == TOKENS


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        (URL, "HTTP://LOCALHOST:3001/api/", True),
        (URL, "http://localhost:3001/api/v2", False),
        (URL, "http://localhost:3002/api", False),
        (URL, "https://localhost:3001/api", False),
        (URL, "http://localhost-3001/api", False),
    ],
)
def test_file_per_server(tmp_path: Path, one: str, other: str, shared: bool) -> None:
    FileTokenStorage(one, folder=tmp_path).save(TOKENS)
    assert FileTokenStorage(other, folder=tmp_path).load() == (TOKENS if shared else None)


def test_file_name(tmp_path: Path) -> None:
    kept = FileTokenStorage("http://../../../../etc/" + "x" * 5000, folder=tmp_path)
    kept.save(TOKENS)
    assert kept.file.parent == tmp_path
    assert kept.load() == TOKENS


def test_compare_and_swap(kept: FileTokenStorage) -> None:
    new = replace(TOKENS, token="token-2")
    kept.save(TOKENS)
    assert kept.compare_and_swap(TOKENS, new)
    assert not kept.compare_and_swap(TOKENS, None)
    assert kept.load() == new
    assert kept.compare_and_swap(new, None)
    assert not kept.compare_and_swap(new, TOKENS)
    assert kept.load() is None


def test_failed_write(kept: FileTokenStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    kept.save(TOKENS)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TokenFileError, match="No space left on device"):
        kept.save(replace(TOKENS, token="token-2"))
    assert kept.load() == TOKENS
    assert not list(kept.file.parent.glob(".tokens-*"))


def test_folder_cannot_be_created(tmp_path: Path) -> None:
    (tmp_path / "in the way").touch()
    kept = FileTokenStorage(URL, folder=tmp_path / "in the way" / "data")
    for attempt in (lambda: kept.save(TOKENS), kept.load, lambda: kept.refresh_lock().__enter__()):
        with pytest.raises(TokenFileError, match="cannot be used"):
            attempt()


def test_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duologue.auth.token_file.data_folder", lambda _: None)
    with pytest.raises(TokenFileError, match="DUOLOGUE_DATA_DIR"):
        FileTokenStorage(URL)


def test_default_folder(tmp_path: Path) -> None:
    assert FileTokenStorage(URL).file.parent == tmp_path / "data"


def test_login_outlives_client(talk: Talk) -> None:
    platform = Platform()
    first, _ = talk(platform, token_storage=FileTokenStorage(URL))
    log_in(first)
    second, _ = talk(platform, token_storage=FileTokenStorage(URL))
    assert second.users.get("1").id == "1"
    second.auth.logout()
    assert not first.auth.logged_in
    assert first.auth.current_user is None


@posix
def test_one_refresh_for_clients(talk: Talk, clock: FakeClock) -> None:
    """Each client stands for a program: they share nothing but the file."""
    platform = Platform()
    apis = [talk(platform, token_storage=FileTokenStorage(URL))[0] for _ in range(8)]
    log_in(apis[0])
    clock.time = datetime(2024, 2, 1, tzinfo=UTC)
    together = threading.Barrier(8)
    got: list[str] = []

    def ask(api: Client) -> Callable[[], None]:
        def work() -> None:
            together.wait(5)
            got.append(api.users.get("1").id)

        return work

    run_together([ask(api) for api in apis])
    assert got == ["1"] * 8
    assert platform.asked.count("/auth/refresh") == 1


@posix
def test_refresh_lock(kept: FileTokenStorage) -> None:
    """It would print the first token if it did not wait: the second is kept before we let it in."""
    script = (
        "import sys; from pathlib import Path; from duologue import FileTokenStorage\n"
        "kept = FileTokenStorage(sys.argv[1], folder=Path(sys.argv[2]))\n"
        "print('ready', flush=True)\n"
        "with kept.refresh_lock(): print(kept.load().token, flush=True)\n"
    )
    arguments = [sys.executable, "-c", script, URL, str(kept.file.parent)]
    with kept.refresh_lock():
        kept.save(TOKENS)
        other = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(0.2)
        kept.save(replace(TOKENS, token="token-2"))
    said, _ = other.communicate(timeout=10)
    assert said == "token-2\n"


def test_error_of_call(talk: Talk) -> None:
    api, net = talk(Platform(), token_storage=FileTokenStorage(URL))
    log_in(api)
    FileTokenStorage(URL).file.chmod(0o644)
    with pytest.raises(TokenFileError):
        api.users.get("1")
    assert len(net.requests) == 1
