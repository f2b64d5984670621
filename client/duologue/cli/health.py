"""`duologue health`: whether the services are up."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from duologue.cli.context import Session, api_command
from duologue.cli.terminal import wire_of

if TYPE_CHECKING:
    from duologue.contract.health import Health
    from duologue.errors import ApiException


@api_command("health", "duologue health", "duologue health --environment staging --json")
def health(session: Session) -> None:
    """Show whether both services are up, and whether the chat service knows the API key.

    The exit code is that of the first service that is not well.
    """
    from duologue.cli.exit_codes import code_of, complain, sentence_of
    from duologue.contract import health as contract

    checks = session.api.health
    found = {"platform": _asked(checks.platform), "chat": _asked(checks.chats)}
    well = {name: one for name, one in found.items() if not isinstance(one, Exception)}
    if session.terminal.as_json:
        session.terminal.wire({name: wire_of(contract.PLATFORM, one) for name, one in well.items()})
    else:
        session.terminal.table(("service", "status", "version"), [_row(name, one) for name, one in found.items()])
    failures = {name: one for name, one in found.items() if isinstance(one, Exception)}
    for name, error in failures.items():
        complain(f"{name}: {sentence_of(error)}")
    for error in failures.values():
        raise SystemExit(int(code_of(error)))


def _asked(check: Callable[[], Health]) -> Health | ApiException:
    from duologue.errors import ApiException

    try:
        return check()
    except ApiException as error:
        return error


def _row(name: str, found: Health | ApiException) -> tuple[str, str, str]:
    if isinstance(found, Exception):
        return name, "not well", ""
    return name, found.status, found.version or ""
