"""What the sections of the page show, out of the result of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from duologue.conformance.reports.catalogue import STAGES
from duologue.conformance.running.result import Coverage, Failure, KnownFailure, Result, RuleOutcome, Verdict
from duologue.contract import operations

KNOWN = "known"
"""Label of a rule that is broken as the baseline says, and in no other way."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Operations × statuses.

    Args:
        statuses: the columns: each status that an operation of the rows documents.
        resources: the rows, by resource: each operation with how often it has returned each status that it documents.
    """

    statuses: Sequence[str]
    resources: Mapping[str, Mapping[str, Mapping[str, int]]]


def build_matrix(coverage: Coverage) -> Matrix:
    """Return which responses were seen, and how often."""
    resources: dict[str, dict[str, Mapping[str, int]]] = {}
    for operation, seen in coverage.responses.items():
        resources.setdefault(operation.partition(".")[0], {})[operation] = seen
    return Matrix(sorted({status for seen in coverage.responses.values() for status in seen}), resources)


def describe_operations() -> dict[str, str]:
    """Return method and path of each operation, by its id."""
    return {one.id: f"{one.method} {one.route}" for one in operations()}


def label_outcomes(result: Result) -> dict[str, str]:
    """Return the verdict on each rule, by its id; `known` if all its failures are in the baseline."""
    new = {failure.rule for failure in result.new_failures}
    return {one.id: _get_label(one, new) for one in result.outcomes}


def _get_label(outcome: RuleOutcome, new: Iterable[str]) -> str:
    is_known = outcome.verdict is Verdict.BROKEN and outcome.id not in new
    return KNOWN if is_known else outcome.verdict.value


def group_by_stage(outcomes: Iterable[RuleOutcome]) -> list[tuple[str, list[RuleOutcome]]]:
    """Return the rules below the title of each stage, by id."""
    ordered = sorted(outcomes, key=lambda one: (one.stage, one.id))
    return [(STAGES.get(stage, "Others"), [*rules]) for stage, rules in groupby(ordered, lambda one: one.stage)]


def group_by_reason(result: Result) -> list[tuple[str, list[RuleOutcome]]]:
    """Return the rules that were not judged by the reason, the most frequent one first."""
    reasons: dict[str, list[RuleOutcome]] = {}
    for outcome in result.select(Verdict.NOT_JUDGED):
        reasons.setdefault(outcome.reason, []).append(outcome)
    return sorted(reasons.items(), key=lambda item: -len(item[1]))


def list_known(result: Result) -> list[tuple[KnownFailure, list[Failure]]]:
    """Return the entries of the baseline that happened again, each with its failures."""
    return [(known, [one for one in result.failures if known.matches(one)]) for known in result.known]
