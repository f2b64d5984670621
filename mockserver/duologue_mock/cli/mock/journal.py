"""`duologue mock requests`, `violations`, `coverage`: what the mock was asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from duologue_mock.cli.mock.command import control_command
from duologue_mock.cli.mock.terminal import Terminal, shorten

if TYPE_CHECKING:
    from duologue_mock.control_client.control import MockControl
    from duologue_mock.control_client.journal import LoggedRequest


@control_command(
    "requests",
    "duologue mock requests --follow",
    "duologue mock requests --unmatched",
    "duologue mock requests users.CREATE --json",
)
@click.argument("target", required=False)
@click.option("--limit", type=click.IntRange(1), help="The last so many.")
@click.option("--unmatched", is_flag=True, help="Only those that matched no operation and no stub.")
@click.option("--follow", is_flag=True, help="Go on with those to come, until Ctrl-C.")
def requests(
    control: MockControl, terminal: Terminal, target: str | None, limit: int | None, unmatched: bool, follow: bool
) -> None:
    """List the requests that the mock received, the first first.

    TARGET, an operation (users.LIST), or a method and a path ('GET /api/users'), lists only such requests.
    """
    if (target is not None) + unmatched + follow > 1 or (limit is not None and (target is not None or follow)):
        raise click.UsageError(
            "TARGET, --unmatched and --follow do not go together; nor does --limit with the first or last."
        )
    if follow:
        _follow(control, terminal)
        return
    entries = control.requests(target) if target is not None else control.requests(limit=limit, unmatched=unmatched)
    if terminal.as_json:
        terminal.print_json([entry.raw for entry in entries])
    elif entries:
        terminal.table(
            ("time", "request", "status", "operation", "violations"), [_build_row(entry) for entry in entries]
        )
    else:
        terminal.print("No request came.")


def _follow(control: MockControl, terminal: Terminal) -> None:
    try:
        for event in control.events(after="0"):
            if event.type != "request":
                continue
            if terminal.as_json:
                terminal.print_json(event.data, line=True)
            else:
                terminal.print(_format_summary(event.data))
    except KeyboardInterrupt:
        return


def _format_summary(summary: Mapping[str, Any]) -> str:
    notes = [f"stub {summary['stubId']}"] if summary.get("stubId") else []
    notes += [violation.get("message", "") for violation in summary.get("violations") or ()]
    line = f"{summary.get('method', ''):<7} {summary.get('url', '')} {summary.get('status', '')}"
    return " ".join([line, *(f"({note})" for note in notes)])


def _build_row(entry: LoggedRequest) -> tuple[str, ...]:
    return (
        entry.logged_at.strftime("%H:%M:%S") if entry.logged_at else "",
        shorten(str(entry)),
        str(entry.status or ""),
        entry.operation or "",
        shorten("; ".join(str(violation.get("message", violation)) for violation in entry.violations)),
    )


@control_command("violations", "duologue mock violations")
def violations(control: MockControl, terminal: Terminal) -> None:
    """List how requests broke the contract, with the rule and what to do."""
    found = list(control.violations())
    if terminal.as_json:
        terminal.print_json(found)
    elif found:
        terminal.table(
            ("request", "rule", "what is wrong", "what to do"), [_build_violation_row(each) for each in found]
        )
    else:
        terminal.print("No request broke the contract.")


def _build_violation_row(violation: Mapping[str, Any]) -> tuple[str, ...]:
    request: Mapping[str, Any] = violation.get("request") or {}
    where = shorten(f"{request.get('method', '')} {request.get('url', '')}")
    return where, str(violation.get("rule", "")), str(violation.get("message", "")), str(violation.get("cure", ""))


@control_command("coverage", "duologue mock coverage --missing")
@click.option("--missing", is_flag=True, help="Only operations that were not requested.")
def coverage(control: MockControl, terminal: Terminal, missing: bool) -> None:
    """List which operations were requested since the last reset, and with which statuses."""
    report = control.coverage()
    if terminal.as_json:
        terminal.print_json(report)
        return
    rows = [_build_coverage_row(each) for each in _select(report["operations"], missing)]
    if rows:
        terminal.table(("operation", "requests", "statuses", "not seen"), rows)
    for name, ratio in report["summary"].items():
        terminal.print(f"{name}: {ratio['seen']} of {ratio['total']}")


def _select(operations: Iterable[Mapping[str, Any]], missing: bool) -> list[Mapping[str, Any]]:
    return [each for each in operations if not (missing and each["count"])]


def _build_coverage_row(operation: Mapping[str, Any]) -> tuple[str, ...]:
    statuses = " ".join(f"{status}×{count}" for status, count in operation["statuses"].items())
    return operation["operation"], str(operation["count"]), statuses, " ".join(map(str, operation["missing"]))
