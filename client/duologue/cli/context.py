"""A command that talks to the services: its common options, its client, and where it prints."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from duologue.cli.exit_codes import error_handler
from duologue.cli.terminal import Terminal, interactive, to_json
from duologue.config import ENVIRONMENTS, Config
from duologue.observability.logging_setup import VARIABLE, log

if TYPE_CHECKING:
    from duologue.client import Client
    from duologue.contract import Operation

Function = Callable[..., None]

_COMMON = (
    click.Option(["--base-url"], metavar="URL", help="Where the platform API is.  [env: DUOLOGUE_BASE_URL]"),
    click.Option(
        ["--chat-base-url", "--chat-url", "chat_base_url"],
        metavar="URL",
        help="Where the chat API is.  [env: DUOLOGUE_CHAT_BASE_URL]",
    ),
    click.Option(
        ["--api-key"], metavar="KEY", help="The chat service's key; others see it here.  [env: DUOLOGUE_API_KEY]"
    ),
    click.Option(["--user-id"], metavar="ID", help="The chat service's user.  [env: DUOLOGUE_USER_ID]"),
    click.Option(
        ["--environment"],
        type=click.Choice(list(ENVIRONMENTS)),
        help="What addresses and timeouts to begin with.  [env: DUOLOGUE_ENVIRONMENT]",
    ),
    click.Option(["--timeout"], type=float, metavar="SECONDS", help="How long to wait.  [env: DUOLOGUE_TIMEOUT]"),
    click.Option(["--json", "as_json"], is_flag=True, help="Print the wire's JSON, for scripts."),
)


@dataclass(frozen=True, slots=True)
class Session:
    """What a command has at hand.

    Args:
        api: the client, with the login of this user for this server.
        terminal: where to print.
    """

    api: Client
    terminal: Terminal

    def show(self, operation: Operation[Any], answer: object, human: Callable[[], None]) -> None:
        """Print an answer: for scripts as it stands on the wire, for people as `human` does."""
        if self.terminal.as_json:
            self.terminal.print_json(to_json(operation, answer))
        else:
            human()


def api_command(name: str, *examples: str) -> Callable[[Function], click.Command]:
    """Return a decorator: a function that takes a `Session`, and what its own options say, becomes a command.

    Args:
        name: the command's name.
        examples: command lines to show in its help.
    """

    def decorate(function: Function) -> click.Command:
        @wraps(function)
        def run(as_json: bool, **given: Any) -> None:
            common = {name: given.pop(name) for name in _OPTIONS}
            chosen = {name: value for name, value in common.items() if value is not None}
            with _opened(chosen, as_json=as_json) as session:
                function(session, **given)

        made = click.command(name, epilog=format_examples(*examples), context_settings=HELP)(run)
        made.params += _COMMON
        return made

    return decorate


HELP = {"help_option_names": ["-h", "--help"]}
_OPTIONS = ("base_url", "chat_base_url", "api_key", "user_id", "environment", "timeout")


def format_examples(*lines: str) -> str:
    """Return the end of a help text: command lines to try, not to be wrapped."""
    return "\b\n" + "\n".join(["Examples:" if len(lines) > 1 else "Example:", *(f"  {line}" for line in lines)])


@contextmanager
def _opened(options: dict[str, Any], *, as_json: bool) -> Iterator[Session]:
    with error_handler():
        from duologue.auth.token_file import FileTokenStorage
        from duologue.auth.user_id import FileUserIdStorage
        from duologue.client import Client

        terminal = Terminal(as_json=as_json)
        config = Config.resolve(os.environ, **options)
        # A token from the environment is for this run; it must not replace the login that is kept.
        storage = None if config.options["access_token"] else FileTokenStorage(config.platform.base_url)
        with (
            _warnings_shown(),
            Client(token_storage=storage, user_id_storage=FileUserIdStorage(), **options) as api,
            error_handler(config),
        ):
            yield Session(api, terminal)


@contextmanager
def _warnings_shown() -> Iterator[None]:
    """Show the person at the command what the client warns of; `DUOLOGUE_LOG` shows it, and more, in its own way."""
    last_resort = None if os.environ.get(VARIABLE) else logging.lastResort
    if last_resort is None:
        yield
        return
    log.addHandler(last_resort)
    try:
        yield
    finally:
        log.removeHandler(last_resort)


def confirm_deletion(what: str, *, agreed: bool) -> None:
    """Ask whether something is to be deleted for good, unless `--yes` was given.

    Raises:
        click.UsageError: nobody is there to be asked.
        click.Abort: the answer was no.
    """
    if agreed:
        return
    if not interactive(sys.stdin):
        raise click.UsageError("Nobody is here to be asked; add --yes if that is meant.")
    click.confirm(f"Delete {what} for good?", abort=True, err=True)


def read_password(prompt: str) -> str:
    """Return a password that a person types unseen or, where nobody is, the first line of the standard input."""
    if interactive(sys.stdin):
        return str(click.prompt(prompt, hide_input=True, err=True))
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise click.UsageError("The password is missing; type it, or write it to the standard input.")
    return password
