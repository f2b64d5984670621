"""The command line: it finds its commands, lists them in groups, and loads one when it is run."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata

import click
import pytest
from click.testing import CliRunner

from duologue import __version__
from duologue.cli.command_group import CommandGroup, commands
from tests.client.cli.commands import MOCK_COMMANDS


def run(*arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
    script = f"{before}\nimport sys; sys.argv = ['duologue', *{arguments!r}]\nfrom duologue.cli import main; main()"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)


def create_group(*points: metadata.EntryPoint) -> click.Group:
    class Group(CommandGroup):
        _entry_points = {point.name: point for point in points}  # noqa: RUF012

    return Group("duologue")


@click.command()
def greet() -> None:
    """Say hello."""
    click.echo("hello")


GREET = metadata.EntryPoint("greet", f"{__name__}:greet", "duologue.commands")
ABSENT = metadata.EntryPoint("absent", "no_such_package.at_all:command [mock]", "duologue.commands")


def test_help() -> None:
    result = run("--help")
    assert result.returncode == 0
    assert result.stderr == ""
    names = {point.name for point in metadata.distribution("duologue").entry_points.select(group="duologue.commands")}
    assert "serve" in names
    for name in names:
        line = next(line for line in result.stdout.splitlines() if line.split()[:1] == [name])
        assert len(line.split()) > 3


def test_help_groups() -> None:
    """Commands of the client, and those of the mock server, each under a heading."""
    client, _, mock = run("--help").stdout.partition("Client commands:\n")[2].partition("\nMock server commands:\n")
    listed = [[line.split()[0] for line in lines.splitlines() if line.strip()] for lines in (client, mock)]
    assert listed == [
        ["chat", "chats", "check", "health", "login", "logout", "me", "messages", "users"],
        sorted(MOCK_COMMANDS),
    ]


def test_option_before_command() -> None:
    result = CliRunner().invoke(commands, ["--base-url", "http://localhost:3001", "health"])
    assert result.exit_code == 2
    assert "Options follow the command: duologue COMMAND --base-url …" in result.output


def test_version() -> None:
    result = run("--version")
    assert result.stdout == f"duologue, version {__version__}\n"


def test_run_as_module() -> None:
    result = subprocess.run([sys.executable, "-m", "duologue", "--version"], capture_output=True, text=True, check=True)
    assert __version__ in result.stdout


def test_unknown_command() -> None:
    result = run("dance")
    assert result.returncode == 2
    assert "No such command 'dance'" in result.stderr


def test_click_missing() -> None:
    result = run("--help", before="import sys; sys.modules['click'] = None")
    assert result.returncode == 2
    assert result.stderr == "The duologue command needs click: pip install 'duologue[cli]'\n"
    assert result.stdout == ""


def test_serve_is_light() -> None:
    before = "import atexit, sys; atexit.register(lambda: print('\\nLOADED', *sys.modules))"
    loaded = run("serve", "--help", before=before).stdout.partition("\nLOADED")[2].split()
    assert "duologue_mock.cli.serve" in loaded
    assert not {"requests", "urllib3", "duologue.client", "duologue.http.transport"} & set(loaded)


def test_entry_point() -> None:
    result = CliRunner().invoke(create_group(GREET, ABSENT), ["greet"])
    assert (result.exit_code, result.output) == (0, "hello\n")


def test_extra_missing() -> None:
    group = create_group(GREET, ABSENT)
    listed = CliRunner().invoke(group, ["--help"])
    assert "Say hello." in listed.output
    assert "Not available: it needs no_such_package" in listed.output
    result = CliRunner().invoke(group, ["absent", "--port", "1"])
    assert result.exit_code == 2
    assert result.output == (
        "duologue absent is not available: it needs no_such_package. Install it with: pip install 'duologue[mock]'\n"
    )


def test_extra_missing_at_run_time() -> None:
    """Flask is imported only when the server is started."""
    result = run("serve", "--port", "0", "--chat-port", "0", before="import sys; sys.modules['flask'] = None")
    assert result.returncode == 2
    assert result.stderr == "duologue: This command needs flask. Install it with: pip install 'duologue[mock]'\n"


def test_commands_in_order() -> None:
    assert isinstance(commands, CommandGroup)
    assert commands.list_commands(click.Context(commands)) == sorted(commands.list_commands(click.Context(commands)))


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_flags(flag: str) -> None:
    assert CliRunner().invoke(create_group(GREET), ["greet", "--help"]).exit_code == 0
    assert CliRunner().invoke(commands, [flag]).exit_code == 0
