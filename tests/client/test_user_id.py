"""The anonymous user id: made once, kept, private, and never in the way."""

from __future__ import annotations

import os
import re
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from duologue import Client
from duologue.auth.api_keys import AnonymousUser, data_folder
from tests.client.fakes import SESSION, FakeTransport, enveloped

FORM = re.compile(r"anon-[0-9]{13}-[0-9a-z]{9}")

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX file modes")


def numbered() -> Callable[[], str]:
    made = iter(range(1000))
    return lambda: f"anon-1704067200000-{next(made):09d}"


def test_an_id_is_made_once_and_kept(tmp_path: Path) -> None:
    generate = numbered()
    first = AnonymousUser(tmp_path / "new", generate)
    assert first() == first() == "anon-1704067200000-000000000"
    assert AnonymousUser(tmp_path / "new", generate)() == first()


def test_two_clients_on_one_machine_are_one_user(talk: Callable[..., tuple[Client, FakeTransport]]) -> None:
    one, net = talk(enveloped(SESSION))
    other, _ = talk(enveloped(SESSION))
    one.chats.get("1")
    assert FORM.fullmatch(net.last.headers["x-user-id"])
    assert other.user_id == net.last.headers["x-user-id"]


def test_no_file_is_touched_before_a_chat_call(tmp_path: Path) -> None:
    with Client():
        pass
    assert not (tmp_path / "data").exists()


@posix
def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    AnonymousUser(tmp_path / "new", numbered())()
    assert stat.S_IMODE((tmp_path / "new" / "user-id").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["user-id"]


@pytest.mark.parametrize("damage", [b"", b"anon-1", b"\xff\xfe", b"anon-1-aaaaaaaaa\nanon-2-bbbbbbbbb", b"x" * 10_000])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "user-id").write_bytes(damage)
    made = AnonymousUser(tmp_path, numbered())()
    assert FORM.fullmatch(made)
    assert (tmp_path / "user-id").read_text() == made + "\n"


def test_a_folder_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    user = AnonymousUser(tmp_path / "file" / "folder", numbered())
    assert user() == user()


def test_without_a_folder_it_lives_in_memory() -> None:
    user = AnonymousUser(None, numbered())
    assert user() == user()


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    generate = numbered()
    users = [AnonymousUser(tmp_path, generate) for _ in range(8)]
    start = threading.Barrier(8)
    ids: list[str] = []

    def ask(user: AnonymousUser) -> None:
        start.wait()
        ids.append(user())

    threads = [threading.Thread(target=ask, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8
    assert len(set(ids)) == 1


def test_a_file_system_without_links_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    made = AnonymousUser(tmp_path, numbered())()
    assert (tmp_path / "user-id").read_text().strip() == made


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
def test_the_folder_is_the_systems_own(
    monkeypatch: pytest.MonkeyPatch, platform: str, environ: dict[str, str], folder: str
) -> None:
    monkeypatch.setattr("duologue.auth.api_keys.sys.platform", platform)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/me"))
    assert data_folder(environ) == Path(folder)


def test_a_user_without_a_home_has_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.setattr("duologue.auth.api_keys.sys.platform", "linux")
    assert data_folder({}) is None
