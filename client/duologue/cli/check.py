"""`duologue check`: whether a server keeps the contract."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from duologue.cli.context import HELP, format_examples
from duologue.cli.exit_codes import print_error
from duologue.cli.terminal import Terminal

if TYPE_CHECKING:
    from duologue.conformance.running.result import Result
    from duologue.conformance.running.runner import RunOptions
    from duologue.conformance.target.target import Login

DEFAULT_URL = "http://localhost:3001"
NOT_JUDGED = 2
"""The exit status where nothing could be judged."""


def _split(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())


def _parse_logins(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> tuple[Login, ...]:
    from duologue.conformance.target.target import Login

    try:
        return tuple(map(Login.parse, values))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _parse_rate(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    from duologue.conformance.target.rate_limit import parse_rate

    if value in (None, "auto"):
        return None
    try:
        parse_rate(str(value))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return value


def _parse_reports(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> tuple[tuple[str, Path], ...]:
    from duologue.conformance.reports.formats import FORMATS

    reports = []
    for text in _split(ctx, param, values):
        format, _, path = text.partition("=")
        if format not in FORMATS or not path:
            known = ", ".join(f"{name}=FILE" for name in FORMATS)
            raise click.BadParameter(f"{text!r} is not one of {known}.")
        reports.append((format, Path(path)))
    return tuple(reports)


@click.command(
    "check",
    context_settings=HELP,
    epilog=format_examples(
        "duologue check http://localhost:3001",
        "duologue check https://staging.example/api --login admin@example.com:secret --report junit=junit.xml",
        "duologue check --only users,chats.LIST --seed 7",
        "duologue check --explain users.LIST.walk-complete",
    ),
)
@click.argument("url", required=False, envvar="DUOLOGUE_BASE_URL", metavar="[URL]")
@click.option(
    "--chat-base-url", "--chat-url", envvar="DUOLOGUE_CHAT_BASE_URL", show_envvar=True, metavar="URL",
    help="URL of the Smart Chat API; at the same host as the Platform API unless given.",
)  # fmt: skip
@click.option(
    "--api-key", envvar="DUOLOGUE_API_KEY", show_envvar=True, default="dev-api-key", help="Key of the Smart Chat API."
)
@click.option(
    "--login", "logins", multiple=True, envvar="DUOLOGUE_LOGIN", show_envvar=True, metavar="EMAIL:PASSWORD",
    callback=_parse_logins,
    help="A login on the platform; repeat it for an administrator and a user.",
)  # fmt: skip
@click.option("--without", multiple=True, type=click.Choice(["events"]), help="What the server does not have.")
@click.option("--only", multiple=True, callback=_split, metavar="ID,…", help="Only rules whose ids start so.")
@click.option("--skip", multiple=True, callback=_split, metavar="ID,…", help="No rules whose ids start so.")
@click.option("--read-only", is_flag=True, help="Only rules whose tests change nothing on the server.")
@click.option("--quick", is_flag=True, help="Only the rules that find most faults in a few seconds.")
@click.option("--seed", type=click.IntRange(0), help="The same seed makes the same generated cases.")
@click.option(
    "--max-examples", type=click.IntRange(1), help="Random cases of each operation, in each phase of Schemathesis."
)
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes at the same time.")
@click.option("--max-time", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="End the run then.")
@click.option(
    "--rate-limit", callback=_parse_rate, metavar="RATE",
    help="Requests at most, as 300/m or 5/s; auto, the default, waits as long as Retry-After says.",
)  # fmt: skip
@click.option("--baseline", type=click.Path(path_type=Path), help="A file of known failures, which do not fail a run.")
@click.option("--write-baseline", type=click.Path(path_type=Path), help="Write the failures of this run as known.")
@click.option(
    "--report", "reports", multiple=True, callback=_parse_reports, metavar="FORMAT=FILE,…",
    help="Write a report: html=FILE, junit=FILE or json=FILE.",
)  # fmt: skip
@click.option("--fail-under", type=click.FloatRange(0, 100), default=0, help="Percent of coverage that is required.")
@click.option("--list", "list_only", is_flag=True, help="List the rules and exit.")
@click.option("--explain", metavar="ID", help="Explain one rule and exit.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, for scripts.")
def check(url: str | None, list_only: bool, explain: str | None, as_json: bool, **values: Any) -> None:
    """Check whether a server keeps the contract.

    URL is that of its Platform API; /api is added if it has no path. The run creates data of its own, and removes it.
    The exit status is 0 if the contract is kept, 1 if it is broken, 2 if that could not be judged.
    """
    terminal = Terminal(as_json=as_json)
    if list_only:
        _list_rules(terminal, values["only"])
    elif explain:
        _explain(terminal, explain)
    else:
        raise SystemExit(_run(terminal, url or DEFAULT_URL, values))


def _list_rules(terminal: Terminal, only: tuple[str, ...]) -> None:
    from duologue.conformance.reports.catalogue import render_list
    from duologue.conformance.rules import list_rules
    from duologue.conformance.running.selection import Selection

    rules, selection = list_rules(), Selection(only=only)
    with _exit_statuses():
        selection.check(rules)
    selected = [*filter(selection.includes, rules)]
    if terminal.as_json:
        terminal.print_json([rule.to_dict() for rule in selected])
    for line in render_list(selected):
        terminal.print(line)


def _explain(terminal: Terminal, id: str) -> None:
    from duologue.conformance.reports.catalogue import explain_rule
    from duologue.conformance.rules import list_rules
    from duologue.conformance.running.selection import Selection

    rules = list_rules()
    with _exit_statuses():
        Selection(only=(id,)).check(rules)
    rule = next((rule for rule in rules if rule.id == id), None)
    if rule is None:  # the start of several
        raise click.UsageError(f"{id} is the start of several rules: duologue check --list --only {id}")
    if terminal.as_json:
        terminal.print_json(rule.to_dict())
    for line in explain_rule(rule):
        terminal.print(line)


def _run(terminal: Terminal, url: str, values: dict[str, Any]) -> int:
    """Run the tests, print and write the reports, and return the exit status."""
    from duologue.conformance.running.baseline import apply_baseline, read_baseline, write_baseline
    from duologue.conformance.running.progress import show_progress
    from duologue.conformance.running.runner import check as run
    from duologue.conformance.target.target import Target

    with _exit_statuses():
        baseline = read_baseline(values["baseline"]) if values["baseline"] else ()
        target = Target.from_urls(url, values["chat_base_url"], api_key=values["api_key"], logins=values["logins"])
        with show_progress(sys.stderr) as on_progress:
            result = run(target, _build_options(values), on_progress=on_progress)
        result = apply_baseline(result, baseline)
        if values["write_baseline"]:
            write_baseline(values["write_baseline"], result.failures, baseline)
        _write_reports(result, values["reports"])
    _print_result(terminal, result, values["reports"], _build_command(url, values))
    return result.exit_status


def _build_options(values: dict[str, Any]) -> RunOptions:
    from duologue.conformance.running.runner import RunOptions
    from duologue.conformance.running.selection import Selection

    selection = Selection(**{name: values[name] for name in ("only", "skip", "read_only", "quick")})
    names = ("without", "seed", "max_time", "workers", "rate_limit", "max_examples", "fail_under")
    return RunOptions(selection, **{name: values[name] for name in names})


def _write_reports(result: Result, reports: Sequence[tuple[str, Path]]) -> None:
    from duologue.conformance.reports.formats import write_report

    for format, path in reports:
        write_report(format, path, result)


def _print_result(terminal: Terminal, result: Result, reports: Sequence[tuple[str, Path]], command: str) -> None:
    from duologue.conformance.reports.console import render_report
    from duologue.conformance.reports.formats import build_report

    if terminal.as_json:
        terminal.print_json(build_report(result))
    for line in render_report(result, reports=[str(path) for _, path in reports], command=command):
        terminal.print(line)


def _build_command(url: str, values: dict[str, Any]) -> str:
    """Return the command line for the same server, without credentials: those belong into variables."""
    words = ["duologue", "check", url]
    words += ["--chat-url", values["chat_base_url"]] if values["chat_base_url"] else []
    for name in values["without"]:
        words += ["--without", name]
    return shlex.join(words)


@contextmanager
def _exit_statuses() -> Iterator[None]:
    """Exit with a sentence where nothing can be judged."""
    from duologue.conformance.running.baseline import BaselineError
    from duologue.conformance.running.preflight import PreflightError
    from duologue.conformance.running.runner import RunError
    from duologue.conformance.running.selection import SelectionError

    try:
        yield
    except (BaselineError, PreflightError, RunError, SelectionError) as error:
        print_error(str(error))
    except OSError as error:
        print_error(f"{error.filename} cannot be written: {error.strerror}." if error.filename else f"{error}.")
    else:
        return
    raise SystemExit(NOT_JUDGED)
