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

from duologue import Client, DeadlineExceeded, FileTokenStorage, StoredTokens, TokenFileError
from duologue.auth.token_storage import SharedTokenStorage
from tests.client.auth.fake_platform import Platform, log_in, run_together
from tests.client.fakes import FakeClock, FakeTransport, reply

Talk = Callable[..., tuple[Client, FakeTransport]]

URL = "http://localhost:3001/api"
MOMENT = datetime(2024, 1, 1, 12, tzinfo=UTC)
TOKENS = StoredTokens("token-1", "refresh-1", MOMENT, MOMENT, "a login", "a key")

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX file modes and locks")


@pytest.fixture
def storage(tmp_path: Path) -> FileTokenStorage:
    return FileTokenStorage(URL, folder=tmp_path / "data")


@pytest.mark.parametrize("tokens", [TOKENS, StoredTokens("t"), replace(TOKENS, refresh_at=None)])
def test_round_trip(storage: FileTokenStorage, tokens: StoredTokens) -> None:
    assert storage.load() is None
    storage.save(tokens)
    again = FileTokenStorage(URL, folder=storage.file.parent).load()
    assert again is not None
    assert (again, again.refresh_at, again.login) == (tokens, tokens.refresh_at, tokens.login)
    assert again.refresh_key == tokens.refresh_key
    storage.save(None)
    assert not storage.file.exists()
    assert storage.load() is None
    storage.save(None)


def test_protocol(storage: FileTokenStorage) -> None:
    assert isinstance(storage, SharedTokenStorage)
    assert "token-1" not in repr(storage)


@posix
def test_file_modes(storage: FileTokenStorage) -> None:
    before = os.umask(0)
    try:
        storage.save(TOKENS)
        storage.compare_and_swap(TOKENS, TOKENS)
        with storage.refresh_lock():
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE(storage.file.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in storage.file.parent.iterdir()} == {0o600}


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_file_others_can_read(storage: FileTokenStorage, mode: int) -> None:
    storage.save(TOKENS)
    assert storage.load() is not None
    storage.file.chmod(mode)
    with pytest.raises(TokenFileError) as caught:
        storage.load()
    assert f"Others can read {storage.file} (mode 0{mode:o})" in str(caught.value)
    assert "token-1" not in str(caught.value)


@posix
def test_file_of_another_kind(storage: FileTokenStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    storage.save(TOKENS)
    target = storage.file.rename(storage.file.with_name("elsewhere"))
    storage.file.symlink_to(target)
    with pytest.raises(TokenFileError, match="cannot be used"):
        storage.load()
    storage.file.unlink()
    storage.file.mkdir(mode=0o700)
    with pytest.raises(TokenFileError):
        storage.load()
    storage.file.rmdir()
    target.rename(storage.file)
    monkeypatch.setattr(os, "geteuid", lambda: -1)
    with pytest.raises(TokenFileError, match="another user"):
        storage.load()


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
        lambda good: good.replace(b'"token-1"', b'"token-1\\r\\n"'),
        lambda good: good.replace(b'"token-1"', b'""'),
        lambda good: good.replace(b'"refresh-1"', b'"r\\u00e4"'),
        lambda good: good.replace(b'"refreshToken"', b'"refresh"'),
        lambda good: good.replace(b"+00:00", b""),
        lambda good: good.replace(b"2024-", b"soon-"),
        lambda good: b"null",
    ],
)
def test_damaged_file(
    storage: FileTokenStorage, change: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    storage.save(TOKENS)
    storage.file.write_bytes(change(storage.file.read_bytes()))
    with caplog.at_level(logging.WARNING, logger="duologue"):
        assert storage.load() is None
        assert storage.load() is None
    assert len(caplog.records) == 1
    assert "log in again" in caplog.text
    assert "token-1" not in caplog.text
    storage.save(TOKENS)
    assert storage.load() == TOKENS


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        (URL, "HTTP://LOCALHOST:3001/api/", True),
        (URL, "http://localhost:3001/api/v2", False),
        (URL, "http://localhost:3001/apiX", False),
        (URL, "http://localhost:3002/api", False),
        (URL, "https://localhost:3001/api", False),
        (URL, "http://localhost-3001/api", False),
    ],
)
def test_file_per_server(tmp_path: Path, one: str, other: str, shared: bool) -> None:
    FileTokenStorage(one, folder=tmp_path).save(TOKENS)
    assert FileTokenStorage(other, folder=tmp_path).load() == (TOKENS if shared else None)


def test_file_name(tmp_path: Path) -> None:
    storage = FileTokenStorage("http://../../../../etc/" + "x" * 5000, folder=tmp_path)
    storage.save(TOKENS)
    assert storage.file.parent == tmp_path
    assert storage.load() == TOKENS


def test_compare_and_swap(storage: FileTokenStorage) -> None:
    new = replace(TOKENS, token="token-2")
    storage.save(TOKENS)
    assert storage.compare_and_swap(TOKENS, new)
    assert not storage.compare_and_swap(TOKENS, None)
    assert storage.load() == new
    assert storage.compare_and_swap(new, None)
    assert not storage.compare_and_swap(new, TOKENS)
    assert storage.load() is None


def test_failed_write(storage: FileTokenStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    storage.save(TOKENS)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TokenFileError, match="No space left on device"):
        storage.save(replace(TOKENS, token="token-2"))
    assert storage.load() == TOKENS
    assert not list(storage.file.parent.glob(".tokens-*"))


def test_folder_cannot_be_created(tmp_path: Path) -> None:
    (tmp_path / "in the way").touch()
    storage = FileTokenStorage(URL, folder=tmp_path / "in the way" / "data")
    for attempt in (lambda: storage.save(TOKENS), storage.load, lambda: storage.refresh_lock().__enter__()):
        with pytest.raises(TokenFileError) as caught:
            attempt()
        assert f"{storage.file} cannot be used" in str(caught.value)


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
    user_ids: list[str] = []

    def ask(api: Client) -> Callable[[], None]:
        def work() -> None:
            together.wait(5)
            user_ids.append(api.users.get("1").id)

        return work

    run_together([ask(api) for api in apis])
    assert user_ids == ["1"] * 8
    assert platform.paths.count("/auth/refresh") == 1


@posix
def test_refresh_lock(storage: FileTokenStorage) -> None:
    """It would print the first token if it did not wait: the second is stored before the lock is released."""
    script = (
        "import sys; from pathlib import Path; from duologue import FileTokenStorage\n"
        "storage = FileTokenStorage(sys.argv[1], folder=Path(sys.argv[2]))\n"
        "print('ready', flush=True)\n"
        "with storage.refresh_lock(): print(storage.load().token, flush=True)\n"
    )
    arguments = [sys.executable, "-c", script, URL, str(storage.file.parent)]
    with storage.refresh_lock():
        storage.save(TOKENS)
        other = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(0.2)
        storage.save(replace(TOKENS, token="token-2"))
    output, _ = other.communicate(timeout=10)
    assert output == "token-2\n"


@posix
def test_lock_timeout(storage: FileTokenStorage) -> None:
    """Another storage stands for another program; the lock is its until it lets go."""
    other = FileTokenStorage(URL, folder=storage.file.parent)
    with other.refresh_lock():
        with pytest.raises(DeadlineExceeded), storage.refresh_lock(timeout=0.05):
            pytest.fail("the lock was free")
        with pytest.raises(DeadlineExceeded), storage.refresh_lock(timeout=0):
            pytest.fail("the lock was free")
    with storage.refresh_lock(timeout=0):
        pass


@posix
def test_deadline_of_lock(clients: Callable[..., Client], storage: FileTokenStorage) -> None:
    """A call does not wait past its deadline for a program that refreshes, or that was stopped while it did."""
    storage.save(StoredTokens("token-1", "refresh-1"))
    transport = FakeTransport(reply(401, {"message": "expired"}))
    api = clients(base_url=URL, token_storage=storage, transport=transport, deadline=0.2)
    with FileTokenStorage(URL, folder=storage.file.parent).refresh_lock(), pytest.raises(DeadlineExceeded) as caught:
        api.users.get("1")
    assert (caught.value.path, caught.value.status) == ("/users/1", 408)
    assert len(transport.requests) == 1


@posix
def test_stuck_change(clients: Callable[..., Client], storage: FileTokenStorage) -> None:
    """A program that was stopped while it changed the file: the new tokens are used, though not stored."""
    platform = Platform()
    api = clients(base_url=URL, token_storage=storage, transport=FakeTransport(platform))
    log_in(api)
    view = api.with_options(deadline=0.3)
    platform.number = 7  # the first token is not valid any more
    with FileTokenStorage(URL, folder=storage.file.parent)._hold_lock("changing", None) as locked:
        assert locked
        with pytest.raises(DeadlineExceeded):
            view.users.get("1")
        assert api.users.get("1").id == "1"
        assert api._requestor.tokens.token == "token-8"
    stored = storage.load()
    assert stored is not None
    assert stored.token == "token-1"


@posix
def test_full_disk_has_no_lock(storage: FileTokenStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = os.open

    def fail_to_create(path: object, flags: int, *rest: int) -> int:
        if flags & os.O_CREAT:
            raise OSError(28, "No space left on device")
        return opened(path, flags, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", fail_to_create)
    with storage.refresh_lock(timeout=1):
        pass


@posix
def test_fork_during_refresh(storage: FileTokenStorage) -> None:
    """A child that was forked meanwhile does not hold its parent's lock."""
    reading, writing = os.pipe()
    with storage.refresh_lock():
        child = os.fork()
        if child == 0:
            os.close(writing)
            os.read(reading, 1)  # until the parent is done
            os._exit(0)
        with (
            pytest.raises(DeadlineExceeded),
            FileTokenStorage(URL, folder=storage.file.parent).refresh_lock(timeout=0),
        ):
            pytest.fail("the fork released the parent's lock")
    try:
        with FileTokenStorage(URL, folder=storage.file.parent).refresh_lock(timeout=5):
            pass
    finally:
        os.close(writing)
        os.close(reading)
        os.waitpid(child, 0)


@posix
def test_pipe_in_the_way(storage: FileTokenStorage) -> None:
    storage.file.parent.mkdir(parents=True)
    os.mkfifo(storage.file, 0o600)
    with pytest.raises(TokenFileError, match="not a regular file"):
        storage.load()


def test_error_of_call(talk: Talk) -> None:
    api, net = talk(Platform(), token_storage=FileTokenStorage(URL))
    log_in(api)
    FileTokenStorage(URL).file.chmod(0o644)
    with pytest.raises(TokenFileError):
        api.users.get("1")
    assert len(net.requests) == 1
