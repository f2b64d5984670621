"""`duologue serve --watch`: what a change of a file does, and what one that is not valid leaves alone."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from duologue_mock import MockServer
from duologue_mock.cli.file_watcher import FileWatcher
from duologue_mock.cli.reloading import Reloader
from tests.mockserver.cli.processes import run_serve
from tests.mockserver.listeners import Listener
from tests.mockserver.raw import ask, head, peer

USER = {"id": "1", "name": "Ada", "email": "ada@example.com", "role": "user"}


def write_users(folder: Path, *names: str) -> None:
    users = [{**USER, "id": str(n), "name": name, "email": f"u{n}@example.com"} for n, name in enumerate(names, 1)]
    (folder / "users.json").write_text(json.dumps(users))


# --- noticing


@pytest.fixture
def touch() -> Callable[[Path], None]:
    """Change a file's modification time, by more than any file system rounds."""
    times = iter(range(1, 1000))

    def touch(path: Path) -> None:
        os.utime(path, (next(times) * 10,) * 2)

    return touch


def test_change_is_noticed(tmp_path: Path, touch: Callable[[Path], None]) -> None:
    path = tmp_path / "deep" / "users.json"
    path.parent.mkdir()
    path.write_text("[]")
    watcher = FileWatcher([tmp_path])
    assert (watcher.poll(), watcher.poll()) == ([], [])
    touch(path)
    assert [watcher.poll(), watcher.poll(), watcher.poll()] == [[], [str(path)], []]


def test_file_is_complete(tmp_path: Path, touch: Callable[[Path], None]) -> None:
    """As long as a file changes between two polls, it may be half written."""
    path = tmp_path / "users.json"
    watcher = FileWatcher([path])
    for _ in range(3):
        path.write_text("[" * 5)
        touch(path)
        assert watcher.poll() == []
    assert watcher.poll() == [str(path)]


def test_created_and_deleted(tmp_path: Path) -> None:
    watcher = FileWatcher([tmp_path / "folder", tmp_path / "duologue.toml"])
    (tmp_path / "folder").mkdir()
    created = [tmp_path / "duologue.toml", tmp_path / "folder" / "users.json"]
    for path in created:
        path.write_text("")
    assert [watcher.poll(), watcher.poll()] == [[], [str(path) for path in created]]
    for path in created:
        path.unlink()
    assert [watcher.poll(), watcher.poll()] == [[], [str(path) for path in created]]


def test_change_that_is_undone(tmp_path: Path, touch: Callable[[Path], None]) -> None:
    path = tmp_path / "users.json"
    path.write_text("")
    os.utime(path, (5, 5))
    watcher = FileWatcher([path])
    touch(path)
    assert watcher.poll() == []
    os.utime(path, (5, 5))
    assert [watcher.poll(), watcher.poll()] == [[], []]


# --- starting over


class Setup:
    """A mock with a folder of fixtures, and its reloader, whose reports are recorded."""

    def __init__(self, mock: MockServer, folder: Path) -> None:
        self.mock = mock
        self.folder = folder
        self.reports: list[str] = []
        self.options: dict[str, Any] = {"fixtures": folder, "port": mock.port, "rate_limit": None}
        config = folder.parent / "duologue.toml"
        self.reloader = Reloader(
            mock, self.options, config=config, read_options=self.read_options, report=self.reports.append
        )
        self.config = config
        self.error: click.ClickException | None = None

    def read_options(self) -> dict[str, Any]:
        if self.error is not None:
            raise self.error
        return self.options

    def check(self) -> list[str]:
        """Look at the files twice, as a change takes; return what was reported."""
        self.reports.clear()
        self.reloader.check()
        self.reloader.check()
        return list(self.reports)

    def list_names(self, **headers: str) -> list[str]:
        response = ask(self.mock.port, "GET /api/users HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items()))
        return [user["name"] for user in response.json["users"]]


@pytest.fixture
def setup(tmp_path: Path) -> Iterator[Setup]:
    folder = tmp_path / "fixtures"
    folder.mkdir()
    write_users(folder, "Ada")
    with MockServer(fixtures=folder) as mock:
        yield Setup(mock, folder)


def test_new_data(setup: Setup) -> None:
    """Of every namespace, those that exist included."""
    named = {"X-Mock-Namespace": "w1"}
    assert (setup.list_names(), setup.list_names(**named)) == (["Ada"], ["Ada"])
    write_users(setup.folder, "Ada", "Grace")
    assert setup.check() == ["Started over: users.json changed."]
    assert (setup.list_names(), setup.list_names(**named)) == (["Ada", "Grace"],) * 2
    assert setup.check() == []


def test_broken_file_keeps_data(setup: Setup) -> None:
    (setup.folder / "users.json").write_text('[{"id": "1"}]')
    (report,) = setup.check()
    assert "users.json: [0].name: Missing data" in report
    assert report.endswith("The mock stays as it was.")
    assert setup.list_names() == ["Ada"]
    assert setup.check() == [], "it is reported once"
    write_users(setup.folder, "Alan")
    assert setup.check() == ["Started over: users.json changed."]
    assert setup.list_names() == ["Alan"]


def test_connections_stay(setup: Setup) -> None:
    with peer(setup.mock.port) as one:
        for names in (["Ada", "Grace"], ["Ada", "Grace", "Alan"]):
            write_users(setup.folder, *names)
            assert setup.check() == ["Started over: users.json changed."]
            one.send(head("GET /api/users HTTP/1.1"))
            assert one.read_response().json["total"] == len(names)


def test_sockets_are_disconnected(setup: Setup) -> None:
    """So that their clients connect again, and fetch again what they show; new ones hear the new data's events."""
    one = Listener(setup.mock.port)
    write_users(setup.folder, "Ada", "Grace")
    setup.check()
    assert one.wait_for_disconnect()
    one.close()
    other = Listener(setup.mock.port)
    body = b'{"name": "Alan", "email": "alan@example.com"}'
    framed = ("Content-Type: application/json", f"Content-Length: {len(body)}")
    assert ask(setup.mock.port, "POST /api/users HTTP/1.1", *framed, body=body).status == 201
    assert other.event()[0] == "user:created"
    other.close()


def test_new_settings(setup: Setup) -> None:
    setup.options = {**setup.options, "rate_limit": 5}
    setup.config.write_text("rate_limit = 5")
    assert setup.check() == ["Started over: duologue.toml changed."]
    assert ask(setup.mock.port, "GET /api/users HTTP/1.1").headers["ratelimit-limit"] == "5"


def test_other_folder(setup: Setup, tmp_path: Path) -> None:
    """It is watched from then on, in place of the first."""
    other = tmp_path / "other"
    other.mkdir()
    write_users(other, "Alan")
    setup.options = {**setup.options, "fixtures": other}
    setup.config.write_text("fixtures = 'other'")
    assert setup.check() == ["Started over: duologue.toml changed."]
    assert setup.list_names() == ["Alan"]
    write_users(other, "Alan", "Grace")
    assert setup.check() == ["Started over: users.json changed."]


def test_port_cannot_change(setup: Setup) -> None:
    setup.options = {**setup.options, "port": 1}
    setup.config.write_text("port = 1")
    assert setup.check()[0] == "port has changed. Restart the mock to apply it."
    assert setup.list_names() == ["Ada"]


def test_broken_config(setup: Setup) -> None:
    setup.error = click.UsageError("duologue.toml, line 1: there is no option 'x'.")
    setup.config.write_text("x = 1")
    assert setup.check() == ["duologue.toml, line 1: there is no option 'x'. The mock stays as it was."]
    assert setup.list_names() == ["Ada"]


def test_token_stays(tmp_path: Path) -> None:
    """Other machines need the token that was printed at start, also after the data has changed."""
    with MockServer(host="127.0.0.2", fixtures=tmp_path) as mock:
        token = mock.settings.values["admin_token"]
        assert token
        mock.reload(admin_token=None)
        assert mock.settings.values["admin_token"] == token


@pytest.mark.slow
def test_process(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write_users(tmp_path / "data", "Ada")
    config = tmp_path / "duologue.toml"
    config.write_text('watch = true\nfixtures = "data"\nrate_limit = 1000\n')
    with run_serve("--config", str(config)) as mock:
        assert mock.process.stderr is not None
        write_users(tmp_path / "data", "Ada", "Grace")
        assert mock.process.stderr.readline() == "duologue: Started over: users.json changed.\n"
        assert ask(mock.ports[0], "GET /api/users HTTP/1.1").json["total"] == 2
        config.write_text("rate_limits = 5")
        assert "line 1: there is no option 'rate_limits'" in mock.process.stderr.readline()
        config.write_text("rate_limit = 5\nwatch = true")
        assert mock.process.stderr.readline() == "duologue: Started over: duologue.toml changed.\n"
        assert ask(mock.ports[0], "GET /api/users HTTP/1.1").headers["ratelimit-limit"] == "5"
