"""How a command fails: one sentence on standard error, and an exit code for scripts."""

from __future__ import annotations

import enum
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from duologue.cli.terminal import safe

if TYPE_CHECKING:
    from duologue.errors import APIError

_log = logging.getLogger("duologue")


class ExitCode(enum.IntEnum):
    """The exit codes of the command."""

    OK = 0
    """Success."""
    FAILED = 1
    """The service refused, failed, or sent a response that cannot be used."""
    USAGE = 2
    """The command line is invalid; nothing was sent."""
    REFUSED = 3
    """Not logged in, an invalid login or API key, or not allowed."""
    NOT_FOUND = 4
    """Not found."""
    NETWORK = 5
    """No response, or not in time."""


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


def format_error(error: APIError) -> str:
    """Return a sentence for people: what happened, the service's id of the request, and what to do."""
    facts = [error.message, error.details.get("reason"), error.details.get("message")]
    text = ": ".join(dict.fromkeys(fact for fact in facts if isinstance(fact, str) and fact))
    request = f" (request {error.request_id})" if error.request_id else ""
    return safe(f"{text.rstrip('. ')}{request}.{_build_hint(error)}")


def _build_hint(error: APIError) -> str:
    from duologue.errors import AuthenticationError, ConnectError

    if isinstance(error, ConnectError):
        return " Is it running? Start a mock server on this machine with: duologue serve"
    if not isinstance(error, AuthenticationError) or error.path == "/auth/login":
        return ""
    return " Is the API key right?" if _is_chat(error) else " Log in with: duologue login"


def _is_chat(error: APIError) -> bool:
    """Whether an error is the chat service's; of the two health checks only its own refuses credentials."""
    path = error.path or ""
    return path.startswith("/chats") or (path == "/health" and error.status == 401)


def print_error(sentence: str) -> None:
    """Print a sentence on standard error."""
    click.echo(f"duologue: {sentence}", err=True)


@contextmanager
def error_handler() -> Iterator[None]:
    """Exit with a sentence and an exit code on any error; a traceback does not help at a command line."""
    from duologue.errors import APIError

    try:
        yield
    except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError, ModuleNotFoundError):
        raise  # click and the group of all commands handle these
    except APIError as error:
        print_error(format_error(error))
        raise SystemExit(int(get_exit_code(error))) from None
    except ValueError as error:  # an invalid option or argument
        print_error(safe(str(error)))
        raise SystemExit(int(ExitCode.USAGE)) from None
    except Exception as error:
        _log.debug("Internal error", exc_info=True)
        print_error(safe(f"internal error, {type(error).__name__}: {error}"))
        raise SystemExit(int(ExitCode.FAILED)) from None
