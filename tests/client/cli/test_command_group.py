"""The command line: it finds its commands, explains them, and costs nothing until one is run."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata

import click
import pytest
from click.testing import CliRunner

from duologue import __version__
from duologue.cli.command_group import CommandGroup, commands


def run(*arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
    script = f"{before}\nimport sys; sys.argv = ['duologue', *{arguments!r}]\nfrom duologue.cli import main; main()"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)


def group_of(*points: metadata.EntryPoint) -> click.Group:
    class Group(CommandGroup):
        _found = {point.name: point for point in points}  # noqa: RUF012

    return Group("duologue")


@click.command()
def greet() -> None:
    """Say hello."""
    click.echo("hello")


HERE = metadata.EntryPoint("greet", f"{__name__}:greet", "duologue.commands")
NOWHERE = metadata.EntryPoint("absent", "no_such_package.at_all:command [mock]", "duologue.commands")


def test_help_has_a_sentence_for_each_command() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert done.stderr == ""
    names = {point.name for point in metadata.distribution("duologue").entry_points.select(group="duologue.commands")}
    assert "serve" in names
    for name in names:
        line = next(line for line in done.stdout.splitlines() if line.split()[:1] == [name])
        assert len(line.split()) > 3


def test_the_version() -> None:
    done = run("--version")
    assert done.stdout == f"duologue, version {__version__}\n"


def test_the_module_can_be_run() -> None:
    done = subprocess.run([sys.executable, "-m", "duologue", "--version"], capture_output=True, text=True, check=True)
    assert __version__ in done.stdout


def test_an_unknown_command_is_an_error() -> None:
    done = run("dance")
    assert done.returncode == 2
    assert "No such command 'dance'" in done.stderr


def test_without_click_it_says_what_to_install() -> None:
    done = run("--help", before="import sys; sys.modules['click'] = None")
    assert done.returncode == 2
    assert done.stderr == "The duologue command needs click: pip install 'duologue[cli]'\n"
    assert done.stdout == ""


def test_starting_the_mock_does_not_load_the_client() -> None:
    before = "import atexit, sys; atexit.register(lambda: print('\\nLOADED', *sys.modules))"
    loaded = run("serve", "--help", before=before).stdout.partition("\nLOADED")[2].split()
    assert "duologue_mock.cli.serve" in loaded
    assert not {"requests", "urllib3", "duologue.client", "duologue.http.transport"} & set(loaded)


def test_a_command_is_found_through_its_entry_point() -> None:
    done = CliRunner().invoke(group_of(HERE, NOWHERE), ["greet"])
    assert (done.exit_code, done.output) == (0, "hello\n")


def test_a_command_whose_extra_is_missing_is_listed_and_explains_itself() -> None:
    group = group_of(HERE, NOWHERE)
    listed = CliRunner().invoke(group, ["--help"])
    assert "Say hello." in listed.output
    assert "Not available: it needs no_such_package" in listed.output
    done = CliRunner().invoke(group, ["absent", "--port", "1"])
    assert done.exit_code == 2
    assert done.output == (
        "duologue absent is not available: it needs no_such_package. Install it with: pip install 'duologue[mock]'\n"
    )


def test_the_real_group_knows_commands_that_were_added_to_it() -> None:
    assert isinstance(commands, CommandGroup)
    assert commands.list_commands(click.Context(commands)) == sorted(commands.list_commands(click.Context(commands)))


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_by_either_name(flag: str) -> None:
    assert CliRunner().invoke(group_of(HERE), ["greet", "--help"]).exit_code == 0
    assert CliRunner().invoke(commands, [flag]).exit_code == 0
