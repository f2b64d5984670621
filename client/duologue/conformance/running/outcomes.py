"""From what was collected to a `Result`."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from duologue._version import __version__
from duologue.conformance.rules import Rule, list_rules
from duologue.conformance.running.collector import Collector, Tally
from duologue.conformance.running.coverage import build_coverage
from duologue.conformance.running.result import Result, RuleOutcome, Verdict
from duologue.conformance.running.selection import Selection
from duologue.conformance.target.target import Target


def build_result(
    collector: Collector, target: Target, selection: Selection, seed: int, *, without: Collection[str] = ()
) -> Result:
    """Return the result of a run that ends now.

    Args:
        collector: what has collected its reports.
        target: the server.
        selection: what was to be judged.
        seed: what generated cases came from.
        without: what the server does not have, and need not be seen: `events`.
    """
    coverage = build_coverage(collector.responses, collector.events)
    return Result(
        base_url=target.base_url,
        chat_base_url=target.chat_base_url,
        version=__version__,
        started=datetime.fromtimestamp(collector.started, UTC).isoformat(timespec="milliseconds")[:23] + "Z",
        duration=round(time.time() - collector.started, 3),
        seed=seed,
        requests=collector.requests,
        outcomes=tuple(_build_outcomes(list_rules(), selection, collector)),
        failures=tuple(collector.failures),
        coverage=replace(coverage, events={}) if "events" in without else coverage,
        left_over=tuple(collector.left_over),
        stopped=collector.stopped,
    )


def _build_outcomes(rules: tuple[Rule, ...], selection: Selection, collector: Collector) -> Iterator[RuleOutcome]:
    """Yield what was found out about each rule that the selection includes."""
    broken = {failure.rule for failure in collector.failures}
    for rule in rules:
        is_checked = rule.checks_responses and not selection.skips(rule)  # whatever tests are selected
        if not (selection.includes(rule) or is_checked or rule.id in broken):
            continue
        tally = collector.tallies.get(rule.id, Tally())
        judged = rule.id in broken or tally.cases or (rule.checks_responses and collector.requests)
        verdict = Verdict.BROKEN if rule.id in broken else Verdict.KEPT if judged else Verdict.NOT_JUDGED
        reason = "" if judged else _get_reason(selection.get_obstacle(rule), tally, collector)
        yield RuleOutcome(
            rule.id, rule.sentence, rule.source, rule.stage, verdict, reason, tally.cases, round(tally.duration, 3)
        )


def _get_reason(obstacle: str, tally: Tally, collector: Collector) -> str:
    return obstacle or next(iter(tally.reasons), "") or collector.stopped or "its test was not run"
