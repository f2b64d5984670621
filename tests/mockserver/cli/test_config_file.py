"""`duologue.toml`: every option in a file, and what beats it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from duologue_mock.cli.serve import serve
from duologue_mock.settings import SETTINGS
from tests.mockserver.cli.conftest import FakeServer, Invoke
from tests.mockserver.cli.processes import run_serve
from tests.mockserver.cli.test_setting_options import FLAGS, VALUES


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the command is started."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_toml(value: Any) -> str:
    """A value as TOML; JSON's form will do for texts, numbers and lists."""
    return '"off"' if value is None else json.dumps(list(value) if isinstance(value, tuple) else value)


@pytest.mark.parametrize("name", sorted({name for name, _ in FLAGS}))
def test_every_setting(invoke: Invoke, server: FakeServer, folder: Path, name: str) -> None:
    _, value = VALUES.get(name, ("", not SETTINGS.defaults[name]))
    assert SETTINGS[name].env
    variable = str(SETTINGS[name].env).removeprefix("DUOLOGUE_MOCK_").removeprefix("DUOLOGUE_").lower()
    (folder / "duologue.toml").write_text(f"{variable} = {write_toml(value)}\n")
    assert invoke() == (0, "")
    assert server.arguments[name] == value


def test_other_options(invoke: Invoke, server: FakeServer, folder: Path) -> None:
    (folder / "duologue.toml").write_text('port = 4001\nchat_port = 4002\nhost = "127.0.0.1"\nquiet = true\n')
    assert invoke() == (0, "")
    arguments = server.arguments
    assert (arguments["port"], arguments["chat_port"], arguments["host"]) == (4001, 4002, "127.0.0.1")


def test_precedence(invoke: Invoke, server: FakeServer, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flag beats a variable, which beats the file, which beats the default; an explicit default beats them all."""
    (folder / "duologue.toml").write_text('rate_limit = 1\nseed = 1\nread_timeout = 1\napi_keys = ["file"]')
    monkeypatch.setenv("DUOLOGUE_MOCK_RATE_LIMIT", "2")
    monkeypatch.setenv("DUOLOGUE_MOCK_SEED", "2")
    monkeypatch.setenv("DUOLOGUE_MOCK_API_KEYS", "variable")
    assert invoke("--rate-limit", "off") == (0, "")
    arguments = server.arguments
    assert (arguments["rate_limit"], arguments["seed"], arguments["read_timeout"]) == (None, 2, 1)
    assert (arguments["idle_timeout"], arguments["api_keys"]) == (75, ("variable",))


def test_named_file(invoke: Invoke, server: FakeServer, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "duologue.toml").write_text("seed = 1")
    (folder / "other.toml").write_text("seed = 2")
    assert invoke("--config", "other.toml") == (0, "")
    assert server.arguments["seed"] == 2
    monkeypatch.setenv("DUOLOGUE_MOCK_CONFIG", "other.toml")
    assert invoke() == (0, "")
    assert server.arguments["seed"] == 2


def test_paths_begin_at_the_file(invoke: Invoke, server: FakeServer, folder: Path) -> None:
    (folder / "mock").mkdir()
    (folder / "mock" / "duologue.toml").write_text(f'fixtures = "data"\nca_file = {json.dumps(str(folder))}')
    assert invoke("--config", "mock/duologue.toml") == (0, "")
    assert Path(server.arguments["fixtures"]) == Path("mock/data")
    assert Path(server.arguments["ca_file"]) == folder


INVALID = [
    ("# a comment\n\nrate_limits = 5", "line 3: there is no option 'rate_limits'; did you mean rate_limit?"),
    ("seed = 1\n[mock]\nport = 1", "line 2: there is no option 'mock'; there are access_token_lifetime, "),
    ("[[mock]]", "line 1: there is no option 'mock'"),
    ("admin.token = 1", "line 1: admin must be true or false, not {'token': 1}"),
    ("expose = true", "line 1: there is no option 'expose'"),
    ("config = 'other.toml'", "line 1: there is no option 'config'"),
    ("seed = 1\n'rate_limit' = 0", "line 2: rate_limit is 0; it must be a whole number, at least 1"),
    ("rate_limit = 1.5", "line 1: rate_limit is 1.5; it must be a whole number"),
    ("rate_limit = 'many'", "line 1: rate_limit must be a whole number, not 'many'"),
    ("rate_limit = true", "line 1: rate_limit is True; it must be a whole number"),
    ("rate_limit = [1]", "line 1: rate_limit must be one value, not [1]"),
    ("rate_limit = 2026-01-01", "line 1: rate_limit is datetime.date(2026, 1, 1)"),
    ("port = '3001'", "line 1: port must be a whole number, not '3001'"),
    ("port = 70000", "line 1: port 70000 is not in the range"),
    ("require_auth = 'yes'", "line 1: require_auth must be true or false, not 'yes'"),
    ("require_auth = 1", "line 1: require_auth must be true or false, not 1"),
    ("api_keys = 'one'", "line 1: api_keys must be a list of texts, not 'one'"),
    ("api_keys = [1]", "line 1: api_keys must be a list of texts, not [1]"),
    ("api_keys = []", "line 1: api_keys needs at least one key"),
    ("fixtures = 5", "line 1: fixtures must be a path, not 5"),
    ("secret = 'short'", "line 1: secret is too short"),
    ("seed = 1\nseed = 2", "Cannot overwrite a value (at "),
    ("seed =", "Invalid value (at end of document)"),
]


@pytest.mark.parametrize(("text", "message"), INVALID, ids=[text for text, _ in INVALID])
def test_invalid_file(invoke: Invoke, server: FakeServer, folder: Path, text: str, message: str) -> None:
    """The file, the line and the option are named, and nothing is started."""
    (folder / "duologue.toml").write_text(text)
    status, error = invoke()
    assert (status, server.arguments) == (2, {})
    assert f"Error: duologue.toml{', ' if message.startswith('line') else ': '}{message}" in error


def test_files_that_are_no_text(invoke: Invoke, folder: Path) -> None:
    (folder / "duologue.toml").write_bytes(b"\xff\xfe")
    assert "duologue.toml: 'utf-8' codec" in invoke()[1]
    status, error = invoke("--config", "missing.toml")
    assert status == 2
    assert "'missing.toml' does not exist" in error


def test_folder_of_that_name(invoke: Invoke, server: FakeServer, folder: Path) -> None:
    (folder / "duologue.toml").mkdir()
    assert invoke() == (0, "")


def test_names_are_those_of_variables() -> None:
    """Nothing that has a variable is called otherwise in the file."""
    for option in serve.params:
        if option.envvar:
            assert str(option.envvar).startswith("DUOLOGUE_MOCK_") or option.name == "reply_api_key"


def test_file_is_served(tmp_path: Path) -> None:
    path = tmp_path / "duologue.toml"
    path.write_text('api_keys = ["from-the-file"]')
    with run_serve("--config", str(path)) as mock:
        assert "API key    from-the-file " in mock.banner
