"""Every code block of the documentation runs; of the few that do not, the commands and options exist."""

from __future__ import annotations

import configparser
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from duologue import Client
from duologue.cli.command_group import commands
from duologue.conformance.running.baseline import read_baseline
from duologue_mock import MockServer
from tests.docs.pages import (
    BLOCKS,
    ILLUSTRATIONS,
    PAGES,
    REACT_QUERY,
    ROOT,
    Block,
    localize,
    select_blocks,
    select_pages,
    write_files,
)

pytestmark = pytest.mark.slow

WITH_CLIENT = {REACT_QUERY}
"""Pages that say of their Python blocks that `api` is a client."""

LANGUAGES = {"python", "sh", "js", "ts", "json", "ini", "toml", "yaml"}


@pytest.mark.parametrize("page", PAGES)
def test_no_block_is_overlooked(page: str) -> None:
    """Every fence is one that the tests below read, in a language that they run."""
    blocks = [block for block in BLOCKS if block.page == page]
    assert len(re.findall(r"^\s*(?:```|~~~)", PAGES[page], re.MULTILINE)) == 2 * len(blocks)
    for block in blocks:
        assert block.language in LANGUAGES or (block.language, page) in ILLUSTRATIONS, block


@pytest.fixture
def environ(mock: MockServer, tmp_path: Path) -> dict[str, str]:
    """The environment of a user whose mock server is this one."""
    return {
        "DUOLOGUE_BASE_URL": mock.base_url,
        "DUOLOGUE_CHAT_BASE_URL": mock.chat_base_url,
        "DUOLOGUE_MOCK_URL": mock.origin,
        "DUOLOGUE_DATA_DIR": str(tmp_path / "data"),
    }


@pytest.mark.parametrize("block", select_blocks("python", files=False), ids=str)
def test_python_block(block: Block, mock: MockServer, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    code = compile("\n" * block.line + block.code, str(ROOT / block.page), "exec")
    if block.page not in WITH_CLIENT:
        exec(code, {})
        return
    with Client(user_id="me") as api:
        exec(code, {"api": api})


@pytest.mark.parametrize("page", select_pages(select_blocks("python", files=True)))
def test_python_files(page: str, tmp_path: Path) -> None:
    """The files of a page are tests, which pass."""
    files = [block for block in select_blocks("python", files=True) if block.page == page]
    folder = tmp_path / "project"
    write_files(folder, files)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-W",
        "error",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        str(folder),
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{sum(file.code.count('def test_') for file in files)} passed" in done.stdout


def test_python_is_typed(tmp_path: Path) -> None:
    """A strict type checker accepts every block, except those that are given a client."""
    write_files(tmp_path, select_blocks("python", files=True))
    for block in select_blocks("python", files=False):
        if block.page not in WITH_CLIENT:
            (tmp_path / f"{Path(block.page).stem.replace('-', '_')}_{block.line}.py").write_text(block.code, "utf-8")
    command = [sys.executable, "-m", "mypy", "--config-file", "setup.cfg", "--cache-dir", str(tmp_path / "cache")]
    files = [str(path) for path in sorted(tmp_path.glob("*.py"))]
    done = subprocess.run([*command, *files], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(sys.platform == "win32" or shutil.which("curl") is None, reason="a POSIX shell with curl")
@pytest.mark.parametrize("page", select_pages(select_blocks("sh")))
def test_shell_blocks(page: str, mock: MockServer, environ: dict[str, str], tmp_path: Path) -> None:
    """The blocks of a page run one after the other, in one shell."""
    script = [f'duologue() {{ "{sys.executable}" -m duologue "$@"; }}']
    script += [localize(block.code, mock) for block in select_blocks("sh") if block.page == page]
    done = subprocess.run(
        ["sh", "-e", "-c", "\n".join(script)],
        cwd=tmp_path,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"VALIDATION_ERROR"' not in done.stdout


GENERATE_TYPES = "npx openapi-typescript "
"""The start of a command that `tests/frontend/test_types.py` runs."""

COMMANDS_NOT_RUN = [
    (block, line)
    for block in select_blocks("sh", run=False)
    for line in block.code.splitlines()
    if not line.startswith(("export ", GENERATE_TYPES))
]


@pytest.mark.parametrize(
    ("block", "line"), COMMANDS_NOT_RUN, ids=[f"{block}-{line}" for block, line in COMMANDS_NOT_RUN]
)
def test_command_that_is_not_run(block: Block, line: str) -> None:
    """Its program, subcommand and options exist."""
    program, *words = shlex.split(line, comments=True)
    if program == "duologue":
        command = commands.get_command(click.Context(commands), words[0])
        assert command is not None, line
        command.make_parser(click.Context(command)).parse_args(words[1:])
    elif program == "python" and words[:2] == ["-m", "pytest"]:
        _check_pytest_arguments(words[2:])
    elif program == "make":
        makefile = (ROOT / "Makefile").read_text("utf-8")
        for word in words:
            name, is_variable, _ = word.partition("=")
            assert re.search(rf"\$\((or \$\()?{name}\)" if is_variable else rf"^{name}: ", makefile, re.MULTILINE), line
    elif program == "pytest":
        _check_pytest_arguments(words)
    else:
        assert program == "pip", f"{block}: nothing checks {line!r}"
        (extras,) = re.findall(r"\[([a-z,]+)\]", line)
        assert set(extras.split(",")) <= set(read_extras())


def _check_pytest_arguments(words: list[str]) -> None:
    package = words[words.index("--pyargs") + 1]
    assert importlib.util.find_spec(package)
    done = subprocess.run([sys.executable, "-m", "pytest", "--help"], capture_output=True, text=True, check=True)
    for option in (word.partition("=")[0] for word in words if word.startswith("--")):
        assert f"{option}=" in done.stdout or f"{option} " in done.stdout, option


def read_extras() -> list[str]:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", "utf-8")
    return list(setup["options.extras_require"])


@pytest.mark.parametrize("block", select_blocks("json"), ids=str)
def test_json_block(block: Block) -> None:
    assert json.loads(block.code)


@pytest.mark.parametrize("block", select_blocks("toml"), ids=str)
def test_toml_block(block: Block, tmp_path: Path) -> None:
    """A configuration file of the mock server is one that `duologue serve` accepts; a baseline can be read."""
    write_files(tmp_path, [block])
    if block.title == "known.toml":
        assert read_baseline(tmp_path / "known.toml")
        return
    with commands.get_command(click.Context(commands), "serve").make_context(  # type: ignore[union-attr]  # it exists
        "serve", ["--config", str(tmp_path / "duologue.toml")]
    ) as context:
        assert set(context.default_map or ()) == {line.partition(" ")[0] for line in block.code.splitlines()}


def test_fixture_files(tmp_path: Path) -> None:
    """The fixture files that a page shows are a folder that the mock server accepts."""
    write_files(tmp_path, [block for block in select_blocks("json", files=True) if block.page == "docs/mock-server.md"])
    with MockServer(fixtures=tmp_path) as mock:
        options = {"base_url": mock.base_url, "chat_base_url": mock.chat_base_url, "user_id": "ada"}
        with Client(**options) as api:  # type: ignore[arg-type]  # a dictionary of texts, for brevity
            assert api.auth.login(email="ada@example.com", password="secret").user.role == "admin"
            (session,) = api.chats.list().items
            assert api.messages.list(session.id).total == 1
            assert api.smart_chat.ask(session.id, message="My name is Ada").content == "Nice to meet you, Ada!"
