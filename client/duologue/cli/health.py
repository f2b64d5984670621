"""`duologue health`: whether the services are up."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from duologue.cli.context import Session, api_command
from duologue.cli.terminal import to_json

if TYPE_CHECKING:
    from duologue.contract.health import Health
    from duologue.errors import APIError


@api_command("health", "duologue health", "duologue health --json")
def health(session: Session) -> None:
    """Show whether both services are up, and whether the chat service knows the API key.

    The exit code is that of the first service that is not well.
    """
    from duologue.cli.exit_codes import format_error, get_exit_code, print_error
    from duologue.contract import health as contract

    checks = session.api.health
    found = {"platform": _asked(checks.platform), "chat": _asked(checks.chats)}
    well = {name: one for name, one in found.items() if not isinstance(one, Exception)}
    if session.terminal.as_json:
        session.terminal.print_json({name: to_json(contract.PLATFORM, one) for name, one in well.items()})
    else:
        session.terminal.table(("service", "status", "version"), [_row(name, one) for name, one in found.items()])
    failures = {name: one for name, one in found.items() if isinstance(one, Exception)}
    for name, error in failures.items():
        print_error(f"{name}: {format_error(error)}")
    for error in failures.values():
        raise SystemExit(int(get_exit_code(error)))


def _asked(check: Callable[[], Health]) -> Health | APIError:
    from duologue.errors import APIError

    try:
        return check()
    except APIError as error:
        return error


def _row(name: str, found: Health | APIError) -> tuple[str, str, str]:
    if isinstance(found, Exception):
        return name, "not well", ""
    return name, found.status, found.version or ""
