"""The anonymous user id: created once, in memory, or in a file that only its owner can read."""

from __future__ import annotations

import os
import re
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from duologue import Client, FileUserIdStorage
from duologue.auth.data_folder import data_folder
from duologue.auth.user_id import AnonymousUserId
from tests.client.fakes import SESSION, FakeTransport, enveloped

FORM = re.compile(r"anon-[0-9]{13}-[0-9a-z]{9}")

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX file modes")


def create_generator() -> Callable[[], str]:
    numbers = iter(range(1000))
    return lambda: f"anon-1704067200000-{next(numbers):09d}"


def create_id(folder: Path, generate: Callable[[], str] | None = None) -> AnonymousUserId:
    return AnonymousUserId(generate or create_generator(), FileUserIdStorage(folder=folder))


# Where a client keeps it


def test_memory_by_default(talk: Callable[..., tuple[Client, FakeTransport]], tmp_path: Path) -> None:
    one, net = talk(enveloped(SESSION))
    other, _ = talk(enveloped(SESSION))
    one.chats.get("1")
    assert FORM.fullmatch(net.last.headers["x-user-id"])
    assert one.user_id == net.last.headers["x-user-id"] != other.user_id
    assert not (tmp_path / "data").exists()


def test_file_by_option(talk: Callable[..., tuple[Client, FakeTransport]], tmp_path: Path) -> None:
    one, net = talk(enveloped(SESSION), user_id_storage=FileUserIdStorage())
    other, _ = talk(enveloped(SESSION), user_id_storage=FileUserIdStorage())
    assert not (tmp_path / "data").exists()  # before it is needed
    one.chats.get("1")
    assert other.user_id == one.user_id == net.last.headers["x-user-id"]
    assert (tmp_path / "data" / "user-id").read_text() == f"{one.user_id}\n"


def test_option_user_id(talk: Callable[..., tuple[Client, FakeTransport]], tmp_path: Path) -> None:
    api, net = talk(enveloped(SESSION), user_id="ada", user_id_storage=FileUserIdStorage())
    api.chats.get("1")
    assert (api.user_id, net.last.headers["x-user-id"]) == ("ada", "ada")
    assert not (tmp_path / "data").exists()


def test_created_once() -> None:
    user_id = AnonymousUserId(create_generator())
    assert user_id() == user_id() == "anon-1704067200000-000000000"


# The file


def test_stored_once(tmp_path: Path) -> None:
    generate = create_generator()
    first = create_id(tmp_path / "new", generate)
    assert first() == first() == "anon-1704067200000-000000000"
    assert create_id(tmp_path / "new", generate)() == first()


@posix
def test_file_is_private(tmp_path: Path) -> None:
    create_id(tmp_path / "new")()
    assert stat.S_IMODE((tmp_path / "new" / "user-id").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["user-id"]


@pytest.mark.parametrize("damage", [b"", b"anon-1", b"\xff\xfe", b"anon-1-aaaaaaaaa\nanon-2-bbbbbbbbb", b"x" * 10_000])
def test_damaged_file(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "user-id").write_bytes(damage)
    user_id = create_id(tmp_path)()
    assert FORM.fullmatch(user_id)
    assert (tmp_path / "user-id").read_text() == user_id + "\n"


def test_folder_not_writable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    user_id = create_id(tmp_path / "file" / "folder")
    assert user_id() == user_id()


def test_no_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duologue.auth.user_id.data_folder", lambda _: None)
    user_id = AnonymousUserId(create_generator(), FileUserIdStorage())
    assert user_id() == user_id()


def test_simultaneous_first_use(tmp_path: Path) -> None:
    generate = create_generator()
    users = [create_id(tmp_path, generate) for _ in range(8)]
    start = threading.Barrier(8)
    ids: list[str] = []

    def load(user_id: AnonymousUserId) -> None:
        start.wait()
        ids.append(user_id())

    threads = [threading.Thread(target=load, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8
    assert len(set(ids)) == 1


def test_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    user_id = create_id(tmp_path)()
    assert (tmp_path / "user-id").read_text().strip() == user_id


# The data folder


@pytest.mark.parametrize(
    ("platform", "environ", "folder"),
    [
        ("linux", {"DUOLOGUE_DATA_DIR": "/chosen"}, "/chosen"),
        ("linux", {"XDG_DATA_HOME": "/xdg"}, "/xdg/duologue"),
        ("linux", {}, "/home/me/.local/share/duologue"),
        ("darwin", {}, "/home/me/Library/Application Support/duologue"),
        ("win32", {"APPDATA": "/appdata"}, "/appdata/duologue"),
        ("win32", {}, "/home/me/AppData/Roaming/duologue"),
    ],
)
def test_data_folder(monkeypatch: pytest.MonkeyPatch, platform: str, environ: dict[str, str], folder: str) -> None:
    monkeypatch.setattr("duologue.auth.data_folder.sys.platform", platform)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/me"))
    assert data_folder(environ) == Path(folder)


def test_user_without_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", fail)
    monkeypatch.setattr("duologue.auth.data_folder.sys.platform", "linux")
    assert data_folder({}) is None
