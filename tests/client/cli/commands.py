"""The commands of the client, how to run them, and how they end."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator

import click
from click.testing import Result

from duologue.cli.command_group import commands

Run = Callable[..., Result]


def check_success(result: Result) -> str:
    """Assert that a command succeeded and printed nothing on standard error; return what it printed."""
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return result.stdout


def check_failure(result: Result, code: int) -> str:
    """Assert that a command failed with one line, on standard error alone; return it."""
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert re.fullmatch(r"duologue: [^\n]+\n", result.stderr), result.stderr
    return result.stderr


Names = tuple[str, ...]
"""Of a command, from the group down: `("users", "list")`."""


def find_commands(group: click.Group = commands, path: Names = ()) -> Iterator[tuple[Names, click.Command]]:
    """Yield all commands that are not groups, with their names."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from find_commands(command, (*path, name))
        else:
            yield (*path, name), command


def get_examples(command: click.Command) -> list[str]:
    """Return the command lines that a command shows in its help."""
    return [line.strip() for line in (command.epilog or "").splitlines()[2:]]


MOCK_COMMANDS = frozenset({"exec", "generate", "mock", "serve"})
"""The commands that serve or steer a mock: `tests/mockserver/cli` has their tests."""
CONTRACT_COMMANDS = frozenset({"check"})
"""The commands that judge a server: `tests/conformance` has their tests."""
CLIENT_COMMANDS = {
    path: command for path, command in find_commands() if path[0] not in MOCK_COMMANDS | CONTRACT_COMMANDS
}
EXAMPLES = [example for command in CLIENT_COMMANDS.values() for example in get_examples(command)]


def run_example(run: Run, example: str) -> Result:
    """Run a command line from a help text, with its standard input."""
    before, _, line = example.rpartition("| ")
    stdin = "password\n" if "login" in line else before.removeprefix("echo ").strip(" '") + "\n"
    return run(*shlex.split(line)[1:], stdin=stdin)
