"""`duologue health`: whether the services are up."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from duologue.cli.context import CommandContext, api_command

if TYPE_CHECKING:
    from duologue.contract.health import Health
    from duologue.errors import APIError


@api_command("health", "duologue health", "duologue health --json")
def health(ctx: CommandContext) -> None:
    """Show whether both services are up, and whether the chat service knows the API key.

    The exit code is that of the first service whose check fails.
    """
    from duologue.cli.exit_codes import format_error, get_exit_code, print_error

    config, checks = ctx.api.config, ctx.api.health
    urls = {"platform": config.platform.base_url, "chat": config.chat.base_url}
    results = {"platform": _check(checks.platform), "chat": _check(checks.chats)}
    errors = {name: result for name, result in results.items() if isinstance(result, Exception)}
    if ctx.terminal.as_json:
        healthy = {name: result.to_dict() for name, result in results.items() if not isinstance(result, Exception)}
        ctx.terminal.print_json(healthy)
    else:
        rows = [(name, *_format_result(result), urls[name]) for name, result in results.items()]
        ctx.terminal.table(("service", "status", "version", "url"), rows)
    for name, error in errors.items():
        print_error(f"{name}: {format_error(error)}")
    for error in errors.values():
        raise SystemExit(int(get_exit_code(error)))


def _check(request: Callable[[], Health]) -> Health | APIError:
    from duologue.errors import APIError

    try:
        return request()
    except APIError as error:
        return error


def _format_result(result: Health | APIError) -> tuple[str, str]:
    if isinstance(result, Exception):
        return "error", ""
    return result.status, result.version or ""
