"""The report for people: each fault once, with what to run to see it, and the verdict in the last line."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from duologue.conformance.running.grouping import Group, group_failures
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
    groups = group_failures(result.new_failures, {one.id: one.stage for one in result.outcomes})
    for number, group in enumerate(groups[:MAX_GROUPS], 1):
        yield from map(_escape, _render_group(number, group, result))
        yield ""
    for group in groups[MAX_GROUPS:]:
        yield _escape(f"Then {group.rule}: {group.example.message}")
    for title, text in _render_facts(result, groups, reports, command):
        yield _escape(f"{title:<{_WIDTH}}{text}")
    yield _escape(render_verdict(result, groups))


def render_verdict(result: Result, groups: Sequence[Group]) -> str:
    """Return the verdict in one sentence, with what the run took and its exit status."""
    server, size = result.base_url, f"{result.requests} requests in {result.duration:.0f} s"
    end = f"({size}). Exit status {result.exit_status}."
    judged = len(result.outcomes) - len(result.select(Verdict.NOT_JUDGED))
    if groups:
        rules = _count(sum(1 + len(group.folded) for group in groups), "rule")
        faults = "" if len(groups) == 1 else f" for probably {len(groups)} reasons"
        cut = f" It was not judged to its end: {result.stopped}" if result.stopped else ""
        return f"BROKEN: {server} breaks {rules} of {judged}{faults}, first {groups[0].rule} {end}{cut}"
    if result.verdict is Verdict.NOT_JUDGED:
        return f"NOT JUDGED: {server}: {result.stopped or 'No rule could be judged.'} {end}"
    if result.lacks_coverage:
        return f"BROKEN: {result.coverage.percent:.1f} % coverage is less than {result.fail_under:g} % {end}"
    not_judged = f", {len(result.outcomes) - judged} not judged" if judged < len(result.outcomes) else ""
    return f"KEPT: {server} keeps the contract: {_count(judged, 'rule')} judged{not_judged}, none broken {end}"


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
        yield f"   Probably for the same reason, {_count(len(rules), 'more rule')}: {', '.join(rules)}"


def _render_cases(group: Group) -> str:
    count, case = len(group.failures), group.example.case
    if count == 1:
        return f"Case {case}: " if case else ""
    at = [f"{name} ({number})" for name, number in group.failed_at.most_common()]
    places = f" at {_list(at)}" if at else ""
    return f"{count} failures{places}, one of them{f' with {case}' if case else ''}: "


def _render_comparison(failure: Failure) -> Iterator[str]:
    if failure.differences:
        yield from failure.differences[:MAX_DIFFERENCES]
        more = len(failure.differences) - MAX_DIFFERENCES
        if more > 0:
            yield f"and {_count(more, 'more difference')}"
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
        yield "Not judged", f"{_count(len(not_judged), 'rule')}: {_list([f'{n} {why}' for why, n in reasons], '; ')}"
    if result.known:
        yield "Known", f"{_count(len(result.known), 'failure')} of the baseline: {_list([*map(str, result.known)])}"
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
            f"{command} --only {','.join(group.rule for group in groups[:MAX_NAMES])} --seed {result.seed}",
        )
    else:
        yield "Seed", str(result.seed)


def _render_coverage(result: Result) -> str:
    coverage = result.coverage
    (seen, documented), events = coverage.statuses, coverage.events
    text = f"{coverage.percent:.1f} %: {seen} of {documented} statuses"
    text += f", {sum(map(bool, events.values()))} of {_count(len(events), 'event')}"
    return text + (f"; not seen: {_list(coverage.missing)}" if coverage.missing else "")


def _list(names: Sequence[str], separator: str = ", ") -> str:
    more = len(names) - MAX_NAMES
    return separator.join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _escape(line: str) -> str:
    """Return a line that cannot control a terminal; unlike a line of a log, it is not cut, so that it can be copied."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in line)


def _dump(value: Any) -> str:
    return _cut(json.dumps(value, ensure_ascii=False))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}…"
