"""How a command fails: one sentence on the standard error, and an exit code that a script can tell apart."""

from __future__ import annotations

import enum
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from duologue.cli.terminal import safe

if TYPE_CHECKING:
    from duologue.config import Config
    from duologue.errors import APIError

_log = logging.getLogger("duologue")


class ExitCode(enum.IntEnum):
    """The exit codes of the command."""

    OK = 0
    """It is done."""
    FAILED = 1
    """The service refused, failed, or answered what cannot be used."""
    USAGE = 2
    """The command line cannot be meant; nothing was sent."""
    REFUSED = 3
    """Not logged in, a login or API key that is no longer good, or not allowed."""
    NOT_FOUND = 4
    """There is no such thing."""
    NETWORK = 5
    """No answer, or not in time."""


def get_exit_code(error: APIError) -> ExitCode:
    """Return the exit code for an error of the client."""
    from duologue import errors

    if isinstance(error, (errors.AuthenticationError, errors.PermissionDeniedError, errors.TokenFileError)):
        return ExitCode.REFUSED
    if isinstance(error, errors.NotFoundError):
        return ExitCode.NOT_FOUND
    if isinstance(error, (errors.NetworkError, errors.RequestTimeout)):
        return ExitCode.NETWORK
    return ExitCode.FAILED


def format_error(error: APIError, config: Config | None = None) -> str:
    """Return what to tell people: what happened, the id under which the service knows the call, and what may help.

    Args:
        error: what happened.
        config: the settings, to name the address that cannot be reached.
    """
    known_as = f" (request {error.request_id})" if error.request_id else ""
    return safe(f"{_what(error, config).rstrip('. ')}{known_as}.{_help(error)}")


def _what(error: APIError, config: Config | None) -> str:
    url = None if config is None else (config.chat if _is_chat(error) else config.platform).base_url
    unreached = f"no answer from {url}" if url and get_exit_code(error) is ExitCode.NETWORK else None
    facts = [error.message, unreached, error.details.get("reason"), error.details.get("message")]
    return ": ".join(dict.fromkeys(fact for fact in facts if isinstance(fact, str) and fact))


def _help(error: APIError) -> str:
    from duologue.errors import AuthenticationError, ConnectError

    if isinstance(error, ConnectError):
        return " Is it running? This starts a mock here: duologue serve"
    if not isinstance(error, AuthenticationError) or error.path == "/auth/login":
        return ""
    return " Is the API key right?" if _is_chat(error) else " Log in with: duologue login"


def _is_chat(error: APIError) -> bool:
    """Whether the chat service is meant; of the two health checks only its own asks who is calling."""
    path = error.path or ""
    return path.startswith("/chats") or (path == "/health" and error.status == 401)


def print_error(sentence: str) -> None:
    """Print a sentence on the standard error."""
    click.echo(f"duologue: {sentence}", err=True)


@contextmanager
def error_handler(config: Config | None = None) -> Iterator[None]:
    """End the command with a sentence and an exit code whatever happens; a traceback helps nobody here."""
    from duologue.errors import APIError

    try:
        yield
    except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
        raise  # click's own affairs
    except APIError as error:
        print_error(format_error(error, config))
        raise SystemExit(int(get_exit_code(error))) from None
    except ModuleNotFoundError as missing:
        print_error(f"this needs {missing.name}. Install it with: pip install 'duologue[cli]'")
        raise SystemExit(int(ExitCode.USAGE)) from None
    except ValueError as error:  # an option or argument that cannot be meant
        print_error(safe(str(error)))
        raise SystemExit(int(ExitCode.USAGE)) from None
    except Exception as error:
        _log.debug("an error of our own", exc_info=True)
        print_error(safe(f"an error of our own, {type(error).__name__}: {error}"))
        raise SystemExit(int(ExitCode.FAILED)) from None
