"""`--strict`: requests that break the contract are reported, and the process ends with status 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from duologue_mock.http.messages import Request, Response

F = TypeVar("F", bound=Callable[..., Any])

EXIT_STATUS = 1
MAX_REPORTED = 100
"""Violations that are reported one by one; further ones are counted."""
_MAX_URL = 300


def add_strict_option(command: F) -> F:
    """Add `--strict`."""
    return click.option(
        "--strict/--no-strict",
        type=bool,
        default=False,
        envvar="DUOLOGUE_MOCK_STRICT",
        show_envvar=True,
        help="Report requests that break the contract, and end with status 1 if there was one.",
    )(command)


class StrictLog:
    """Counts the violations of the contract, and reports each on standard error. It is a request hook."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, request: Request, response: Response) -> None:
        """Report how a request broke the contract: what is wrong, and what to do."""
        from duologue_mock.control.journal.redaction import Redactor
        from duologue_mock.control.watching.rules import get_violations

        for violation in get_violations(request, response):
            self.count += 1
            if self.count <= MAX_REPORTED:
                target = f"{request.path}?{request.query_string}" if request.query_string else request.path
                url = Redactor().redact_url(target)[:_MAX_URL]
                shown = f"{request.method[:10]} {url}" if request.method else f"From {request.environ['REMOTE_ADDR']}"
                text = f"{shown} [{violation.rule}] {violation.message} {violation.cure}"
                click.echo(f"duologue: {text.encode('unicode_escape').decode('ascii')}", err=True)

    def report_total(self) -> None:
        """Say how often the contract was broken, if it was."""
        if self.count:
            times = "once" if self.count == 1 else f"{self.count} times"
            click.echo(f"duologue: The contract was broken {times}.", err=True)
