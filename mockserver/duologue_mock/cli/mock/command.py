"""A command that steers a mock: its common options, its control, and how it fails."""

from __future__ import annotations

import enum
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from duologue.contract.core import PLATFORM
from duologue_mock.cli.mock.terminal import Terminal, escape

if TYPE_CHECKING:
    from duologue_mock.control_client.control import MockControl

DEFAULT_URL = f"http://localhost:{PLATFORM.port}"

Function = Callable[..., None]


class ExitCode(enum.IntEnum):
    """The exit codes of these commands: those of the other commands of `duologue`."""

    FAILED = 1
    """The mock refused, or failed."""
    USAGE = 2
    """The command line is invalid; nothing was sent."""
    REFUSED = 3
    """The token is missing or wrong."""
    NOT_FOUND = 4
    """Not found."""
    NETWORK = 5
    """No response, or not in time."""


def control_command(name: str, *examples: str, group: click.Group | None = None) -> Callable[[Function], click.Command]:
    """Return a decorator: a function of a `MockControl`, a `Terminal` and its own parameters becomes a command.

    Args:
        name: the command's name.
        examples: command lines to show in its help.
        group: the group that it belongs to.
    """

    def decorate(function: Function) -> click.Command:
        @click.option(
            "--url",
            default=DEFAULT_URL,
            envvar="DUOLOGUE_MOCK_URL",
            show_envvar=True,
            show_default=True,
            help="URL of the mock; of http://w1.localhost:3001, the namespace is w1.",
        )
        @click.option(
            "--namespace",
            envvar="DUOLOGUE_MOCK_NAMESPACE",
            show_envvar=True,
            metavar="NAME",
            help="Namespace; without one, that of the URL, else `default`.",
        )
        @click.option(
            "--token",
            envvar="DUOLOGUE_MOCK_ADMIN_TOKEN",
            show_envvar=True,
            help="Token of a mock that other machines can reach, which it prints at start.",
        )
        @click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
        @wraps(function)
        def run(url: str, namespace: str | None, token: str | None, as_json: bool, **values: Any) -> None:
            from duologue_mock.control_client.control import MockControl

            try:
                control = MockControl(url, namespace, token=token)
            except ValueError as error:
                raise click.UsageError(str(error)) from None
            _run(function, control, Terminal(as_json=as_json), values)

        add = click.command if group is None else group.command
        return add(name, epilog=_format_examples(examples))(run)

    return decorate  # fmt: skip


def _run(function: Function, control: MockControl, terminal: Terminal, values: dict[str, Any]) -> None:
    from duologue_mock.control_client.errors import ControlAPIError

    try:
        function(control, terminal, **values)
    except ControlAPIError as error:
        click.echo(f"duologue: {escape(str(error).rstrip('.'))}.", err=True)
        raise SystemExit(int(_get_exit_code(error.status))) from None
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _get_exit_code(status: int | None) -> ExitCode:
    codes = {None: ExitCode.NETWORK, 401: ExitCode.REFUSED, 403: ExitCode.REFUSED, 404: ExitCode.NOT_FOUND}
    return codes.get(status, ExitCode.FAILED)


def _format_examples(lines: tuple[str, ...]) -> str | None:
    if not lines:
        return None
    return "\b\n" + "\n".join(["Examples:" if len(lines) > 1 else "Example:", *(f"  {line}" for line in lines)])
