"""The report for people: each fault once, with what to run to see it, and the verdict in the last line."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from duologue.conformance.reports.text import count, describe_verdict, escape_unprintable, list_tests
from duologue.conformance.running.grouping import Group, group_result
from duologue.conformance.running.result import Failure, Result, Verdict

MAX_GROUPS = 3
"""Groups of failures that are shown with their requests; of the others, a line each."""
MAX_DIFFERENCES = 4
"""Differences shown of one failure."""
MAX_EXCHANGES = 3
"""Requests shown of one failure, the last ones."""
MAX_NAMES = 6
"""Names in a list: rules, reasons, what was not seen."""
MAX_VALUE = 160
"""Characters of a JSON value."""

_WIDTH = 12
"""Columns of the titles at the end."""


def render_report(result: Result, *, reports: Sequence[str] = (), command: str = "") -> Iterator[str]:
    """Yield the lines of the report; control characters of the server are escaped.

    Args:
        result: of the run.
        reports: files that were written.
        command: the command line that was run, to run again what is broken.
    """
    groups = group_result(result)
    for number, group in enumerate(groups[:MAX_GROUPS], 1):
        yield from map(escape_unprintable, _render_group(number, group, result))
        yield ""
    for group in groups[MAX_GROUPS:]:
        yield escape_unprintable(f"Then {group.rule}: {group.example.message}")
    for title, text in _render_facts(result, groups, reports, command):
        yield escape_unprintable(f"{title:<{_WIDTH}}{text}")
    yield escape_unprintable(render_verdict(result, groups))


def render_verdict(result: Result, groups: Sequence[Group]) -> str:
    """Return the verdict in one sentence, with what the run took and its exit status."""
    size = f"{result.requests} requests in {result.duration:.0f} s"
    cut = f" It was not judged to its end: {result.stopped}" if groups and result.stopped else ""
    verdict = f"{result.verdict.upper()}: {describe_verdict(result, groups)}"
    return f"{verdict} ({size}). Exit status {result.exit_status}.{cut}"


def _render_group(number: int, group: Group, result: Result) -> Iterator[str]:
    example = group.example
    sentences = {one.id: one for one in result.outcomes}
    rule = sentences.get(group.rule)
    yield f"{number}. {group.rule}" + (f": {rule.sentence} [{rule.source}]" if rule else "")
    yield f"   {_render_cases(group)}{example.message}"
    yield from (f"     {line}" for line in _render_comparison(example))
    for exchange in example.exchanges[-MAX_EXCHANGES:]:
        yield f"   $ {exchange.curl}"
        yield f"     {exchange.status}, request id {exchange.request_id or 'missing'}: {_cut(exchange.body)}"
    if group.folded:
        rules = [folded.rule for folded in group.folded]
        yield f"   Probably for the same reason, {count(len(rules), 'more rule')}: {', '.join(rules)}"


def _render_cases(group: Group) -> str:
    failures, case = len(group.failures), _cut(group.example.case)
    if failures == 1:
        return f"Case {case}: " if case else ""
    at = [f"{name} ({number})" for name, number in group.failed_at.most_common()]
    places = f" at {_list(at)}" if at else ""
    return f"{failures} failures{places}, one of them{f' with {case}' if case else ''}: "


def _render_comparison(failure: Failure) -> Iterator[str]:
    if failure.differences:
        yield from failure.differences[:MAX_DIFFERENCES]
        more = len(failure.differences) - MAX_DIFFERENCES
        if more > 0:
            yield f"and {count(more, 'more difference')}"
    elif failure.expected is not None or failure.actual is not None:
        yield f"expected {_dump(failure.expected)}"
        yield f"got      {_dump(failure.actual)}"


def _render_facts(
    result: Result, groups: Sequence[Group], reports: Sequence[str], command: str
) -> Iterator[tuple[str, str]]:
    """Yield the lines about the run as a whole, each with its title."""
    not_judged = result.select(Verdict.NOT_JUDGED)
    if not_judged:
        reasons = Counter(one.reason for one in not_judged).most_common()
        yield "Not judged", f"{count(len(not_judged), 'rule')}: {_list([f'{why} ({n})' for why, n in reasons], '; ')}"
    if result.known:
        yield "Known", f"{count(len(result.known), 'failure')} of the baseline: {_list([*map(str, result.known)])}"
    if result.fixed:
        yield "Fixed", f"remove from the baseline: {_list([*map(str, result.fixed)])}"
    yield "Coverage", _render_coverage(result)
    if result.left_over:
        yield "Left over", f"could not be removed: {_list(result.left_over)}"
    if reports:
        yield "Reports", ", ".join(reports)
    if command and groups:
        yield (
            "Run again",
            f"{command} --only {','.join(list_tests(groups[:MAX_NAMES]))} --seed {result.seed}",
        )
    else:
        yield "Seed", str(result.seed)


def _render_coverage(result: Result) -> str:
    coverage = result.coverage
    (seen, documented), events = coverage.statuses, coverage.events
    text = f"{coverage.percent:.1f} %: {seen} of {documented} statuses"
    text += f", {sum(map(bool, events.values()))} of {count(len(events), 'event')}" if events else ""
    return text + (f"; not seen: {_list(coverage.missing)}" if coverage.missing else "")


def _list(names: Sequence[str], separator: str = ", ") -> str:
    more = len(names) - MAX_NAMES
    return separator.join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")


def _dump(value: Any) -> str:
    return _cut(json.dumps(value, ensure_ascii=False))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}…"
