"""`duologue exec -- COMMAND`: a command with a mock of its own, as a front end's tests are run."""

from __future__ import annotations

import os
import re
import signal
import string
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any, Unpack

import click

from duologue_mock.cli.config_file import add_config_option
from duologue_mock.cli.setting_options import add_setting_options
from duologue_mock.cli.strict import EXIT_STATUS, StrictLog, add_strict_option
from duologue_mock.settings import MockSettings

if TYPE_CHECKING:
    from duologue_mock.server import MockServer

_NAMES = ("base_url", "chat_base_url", "ws_url", "api_key", "origin", "chat_origin", "port", "chat_port")
"""What a template may name."""
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126
"""The exit statuses of a shell for a command that cannot be run."""
_KILLED = 128
"""What a shell adds to the number of the signal that ended a command."""


def _check_variables(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    variables = {}
    for value in values:
        name, separator, template = value.partition("=")
        if not separator or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise click.BadParameter(f"{value!r} is not like VITE_API_URL={{base_url}}.", ctx, param)
        try:
            fill_template(template, dict.fromkeys(_NAMES, ""))
        except (KeyError, ValueError, IndexError):
            known = ", ".join(f"{{{each}}}" for each in _NAMES)
            raise click.BadParameter(f"{template!r} names something else than {known}.", ctx, param) from None
        variables[name] = template
    return variables


_CA_VARIABLES = ("DUOLOGUE_VERIFY", "NODE_EXTRA_CA_CERTS")
"""Variables by which this client and Node trust a further certificate authority."""


@click.command(
    "exec",
    context_settings={"show_default": True, "ignore_unknown_options": False, "allow_interspersed_args": False},
    epilog="\b\nExamples:\n  duologue exec -- npm test\n"
    "  duologue exec --env VITE_API_URL={base_url} --env VITE_WS_URL={ws_url} -- npx playwright test\n"
    "  duologue exec --require-auth -- pytest",
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND…")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of the platform; 0 picks a free one.")
@click.option(
    "--chat-port", type=click.IntRange(0, 65535), default=0, help="Port of the chat service; 0 picks a free one."
)
@click.option(
    "--env",
    "variables",
    multiple=True,
    metavar="NAME=TEMPLATE",
    callback=_check_variables,
    help=f"Set a variable for the command; a template may have {', '.join(f'{{{name}}}' for name in _NAMES)}. "
    "Repeat it for more.",
)
@add_strict_option
@add_config_option
@add_setting_options
def run_command(
    command: tuple[str, ...],
    port: int,
    chat_port: int,
    variables: dict[str, str],
    strict: bool,
    **settings: Unpack[MockSettings],
) -> None:
    """Run a command with a mock server of its own, and end with the command's exit status.

    The mock listens on free ports, and is ready when the command starts. DUOLOGUE_BASE_URL, DUOLOGUE_CHAT_BASE_URL,
    DUOLOGUE_WS_URL and DUOLOGUE_API_KEY say where it is. When it has ended, coverage and violations of the contract are
    summed up; if it fails, requests that broke the contract and those that matched nothing are listed.
    """
    from duologue_mock.http.listening import PortInUseError
    from duologue_mock.server import MockServer
    from duologue_mock.store.seed import FixtureError

    strict_log = StrictLog()
    hooks = (strict_log,) if strict else ()
    try:
        mock = MockServer(port=port, chat_port=chat_port, request_hooks=hooks, **settings).start()
    except PortInUseError as error:
        _fail(f"{error} Stop the process using it, or leave the port out for a free one.")
    except (FixtureError, ValueError, OSError, ImportError) as error:
        _fail(str(error))
    try:
        status = _run(command, build_environment(mock, variables))
        if mock.settings.values["admin"]:
            _report(mock, failed=status != 0)
    finally:
        mock.stop()
    strict_log.report_total()
    raise SystemExit(status or (EXIT_STATUS if strict_log.count else 0))


def build_environment(mock: MockServer, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the command.

    Args:
        mock: the running server.
        variables: templates of further variables by name.
    """
    values = {
        "base_url": mock.base_url,
        "chat_base_url": mock.chat_base_url,
        "ws_url": mock.origin.replace("http", "ws", 1),
        "api_key": mock.api_key,
        "origin": mock.origin,
        "chat_origin": mock.chat_origin,
        "port": str(mock.port),
        "chat_port": str(mock.chat_port),
    }
    return {
        **os.environ,
        "DUOLOGUE_BASE_URL": values["base_url"],
        "DUOLOGUE_CHAT_BASE_URL": values["chat_base_url"],
        "DUOLOGUE_WS_URL": values["ws_url"],
        "DUOLOGUE_API_KEY": values["api_key"],
        "DUOLOGUE_MOCK_URL": values["origin"],
        **({} if mock.ca_file is None else dict.fromkeys(_CA_VARIABLES, str(mock.ca_file.absolute()))),
        **{name: fill_template(template, values) for name, template in variables.items()},
    }


def fill_template(template: str, values: Mapping[str, str]) -> str:
    """Return a template with its names in braces replaced: `{base_url}/users`.

    Raises:
        KeyError: it has another name.
        ValueError: a brace is not closed, or has more than a name in it.
    """
    for _, name, form, conversion in string.Formatter().parse(template):
        if name is not None and (form or conversion or name not in values):
            raise KeyError(name)
    return template.format_map(values)


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command to its end, and return its exit status as a shell has it."""
    with SignalForwarder() as forwarder:
        try:
            process = subprocess.Popen(command, env=environment)  # noqa: S603  # it is what the user asks for
        except FileNotFoundError:
            click.echo(f"duologue: There is no command {command[0]!r}.", err=True)
            return _NOT_FOUND
        except OSError as error:
            click.echo(f"duologue: {command[0]!r} cannot be run: {error.strerror}.", err=True)
            return _NOT_EXECUTABLE
        forwarder.forward_to(process)
        status = process.wait()
    return status if status >= 0 else _KILLED - status


class SignalForwarder:
    """Sends the signals that this process gets to a command, meanwhile: what to make of them is the command's."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> SignalForwarder:
        names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
        numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
        self._previous = {number: signal.signal(number, self._handle) for number in numbers}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def forward_to(self, process: subprocess.Popen[bytes]) -> None:
        """Send the signals to a command, those included that came before it was there."""
        self._process = process
        for number in self._early:
            process.send_signal(number)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._process is None:
            self._early.append(number)
        elif not (number == signal.SIGINT and _is_foreground()):  # then the terminal has sent it to the command too
            self._process.send_signal(number)


def _is_foreground() -> bool:
    """Return whether a terminal sends Ctrl-C to this process, and so to the command in the same group."""
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError, AttributeError):
        return False


def _report(mock: MockServer, *, failed: bool) -> None:
    from duologue_mock.cli.report import describe_failures, describe_run
    from duologue_mock.control_client.errors import ControlAPIError

    try:
        lines = [*(describe_failures(mock.control) if failed else ()), *describe_run(mock.control)]
    except ControlAPIError as error:
        lines = [f"The mock does not say what it was asked: {error}"]
    for line in lines:
        click.echo(line, err=True)


def _fail(message: str) -> Any:
    click.echo(f"duologue: {message}", err=True)
    raise SystemExit(2)
