"""A command that calls the services: its common flags, its client, and where it prints."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Protocol

import click

from duologue.cli.exit_codes import error_handler
from duologue.cli.terminal import Terminal, interactive, print_retry
from duologue.config import OPTIONS, Config
from duologue.observability.logging_setup import VARIABLE, log

if TYPE_CHECKING:
    from duologue.client import Client
    from duologue.contract.options import DeclaredOption
    from duologue.observability.hooks import HookEvent

Function = Callable[..., None]

HELP = {"help_option_names": ["-h", "--help"]}


def _build_flag(declared: DeclaredOption) -> click.Option:
    def parse(text: str) -> Any:  # as an environment variable is
        try:
            return declared.parse(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return click.Option(
        [*declared.flags, declared.name],
        type=click.Choice(declared.choices) if declared.choices else parse,
        metavar=declared.option.metavar,
        help=f"{declared.summary}  [env: {declared.env}]",
    )


_FLAGS = {name: _build_flag(declared) for name, declared in OPTIONS.items() if declared.flags}
_AS_JSON = click.Option(["--json", "as_json"], is_flag=True, help="Print the JSON of the response, for scripts.")


class HasJSON(Protocol):
    """The result of a call: a model or a page."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        ...


@dataclass(frozen=True, slots=True)
class CommandContext:
    """What a command works with.

    Args:
        api: the client, logged in as this user is on this server.
        terminal: where to print.
    """

    api: Client
    terminal: Terminal

    def show(self, result: HasJSON | None, print_result: Callable[[], None]) -> None:
        """Print the result of a call: its JSON for scripts, else as `print_result` does."""
        if self.terminal.as_json:
            self.terminal.print_json(None if result is None else result.to_dict())
        else:
            print_result()


def api_command(name: str, *examples: str) -> Callable[[Function], click.Command]:
    """Return a decorator: a function of a `CommandContext` and the values of its own parameters becomes a command.

    Args:
        name: the command's name.
        examples: command lines to show in its help.
    """

    def decorate(function: Function) -> click.Command:
        @wraps(function)
        def run(as_json: bool, **values: Any) -> None:
            flags = {name: values.pop(name) for name in _FLAGS}
            options = {name: value for name, value in flags.items() if _is_given(name)}
            with _open_context(options, as_json=as_json) as ctx:
                function(ctx, **values)

        command = click.command(name, epilog=format_examples(*examples), context_settings=HELP)(run)
        command.params += [*_FLAGS.values(), _AS_JSON]
        return command

    return decorate


def _is_given(flag: str) -> bool:
    """Whether a flag is on the command line: its value may be None, as that of `--timeout off` is."""
    return click.get_current_context().get_parameter_source(flag) is click.core.ParameterSource.COMMANDLINE


def format_examples(*lines: str) -> str:
    """Return the end of a help text: command lines to try, not to be wrapped."""
    return "\b\n" + "\n".join(["Examples:" if len(lines) > 1 else "Example:", *(f"  {line}" for line in lines)])


@contextmanager
def _open_context(options: dict[str, Any], *, as_json: bool) -> Iterator[CommandContext]:
    with error_handler():
        from duologue.auth.token_file import FileTokenStorage
        from duologue.auth.user_id import FileUserIdStorage
        from duologue.client import Client

        terminal = Terminal(as_json=as_json)
        config = Config.resolve(os.environ, **options)
        # A token from the environment is for this run; it must not replace the stored login.
        tokens = None if config.options["access_token"] else FileTokenStorage(config.platform.base_url)
        with (
            _show_warnings(),
            Client(
                token_storage=tokens,
                user_id_storage=FileUserIdStorage(),
                on_retry=lambda event: _report_retry(event, config),
                **options,
            ) as api,
        ):
            yield CommandContext(api, terminal)


def _report_retry(event: HookEvent, config: Config) -> None:
    from duologue.contract import operations

    assert event.error is not None  # a retry has both
    assert event.delay is not None
    service = next(operation.service for operation in operations() if operation.id == event.operation)
    attempts = config.for_service(service).max_retries + 1
    print_retry(event.error, event.delay, f"attempt {event.attempt + 1} of {attempts}")


@contextmanager
def _show_warnings() -> Iterator[None]:
    """Print the client's warnings; `DUOLOGUE_LOG` prints them, and more, in its own way."""
    last_resort = None if os.environ.get(VARIABLE) else logging.lastResort
    if last_resort is None:
        yield
        return
    log.addHandler(last_resort)
    try:
        yield
    finally:
        log.removeHandler(last_resort)


def confirm_deletion(subject: str, *, confirmed: bool) -> None:
    """Ask whether to delete something permanently, unless `--yes` was passed.

    Raises:
        click.UsageError: there is no terminal to ask on.
        click.Abort: the user declined.
    """
    if confirmed:
        return
    if not interactive(sys.stdin):
        raise click.UsageError("Deleting needs a confirmation, and there is no terminal to ask on. Pass --yes.")
    click.confirm(f"Delete {subject} permanently?", abort=True, err=True)


def read_password(prompt: str) -> str:
    """Return a password that is typed unseen or, without a terminal, the first line of standard input."""
    if interactive(sys.stdin):
        return str(click.prompt(prompt, hide_input=True, err=True))
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise click.UsageError("The password is missing. Type it, or write it to standard input.")
    return password
