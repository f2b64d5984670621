"""One fault of a server breaks many rules: failures are grouped, and what probably follows from another is folded.

1. Failures of the same rule are one group.
2. Groups are ordered by stage. In a stage, those come first that failed at the operation they are about, then the one
   that took the fewest requests: it is nearest to the fault.
3. A group is folded under an earlier one if each of its failures has to do with an operation the earlier one is about.
   In a later stage, it is enough that their tests called the operation. In the same one, they must have failed at it,
   unless tests that called it fail at several other operations: then it is what they have in common.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from duologue.conformance.running.result import Failure, Result

LAST_STAGE = 5
"""Stage of a rule that the catalogue does not have."""


@dataclass(slots=True)
class Group:
    """Failures of one rule, and the rules that are probably broken for the same reason.

    Args:
        rule: id of the rule.
        stage: of the rule.
        failures: the one that took the fewest requests first.
        folded: the groups that probably follow from this one.
    """

    rule: str
    stage: int
    failures: tuple[Failure, ...]
    folded: list[Group] = field(default_factory=list)

    @property
    def example(self) -> Failure:
        """The failure to show."""
        return self.failures[0]

    @property
    def failed_at(self) -> Counter[str]:
        """The operations at which it failed, each with the number of failures."""
        return Counter(one.failed_at for one in self.failures if one.failed_at)

    @property
    def about(self) -> frozenset[str]:
        """The operations that the group is about: those at which it failed, at its own one if it did."""
        own = {one.failed_at for one in self.failures if one.failed_at and one.is_at_own_operation}
        return frozenset(own or self.failed_at)


def group_result(result: Result) -> list[Group]:
    """Return the groups of a run's failures, but for those that were known."""
    return group_failures(result.new_failures, {one.id: one.stage for one in result.outcomes})


def group_failures(failures: Iterable[Failure], stages: Mapping[str, int]) -> list[Group]:
    """Return groups of failures, the one nearest to the fault first.

    Args:
        failures: of one run.
        stages: the stage of each rule.
    """
    by_rule: dict[str, list[Failure]] = {}
    for failure in failures:
        by_rule.setdefault(failure.rule, []).append(failure)
    groups = [_build_group(rule, members, stages.get(rule, LAST_STAGE)) for rule, members in by_rule.items()]
    return _fold(sorted(groups, key=_get_rank))


def _build_group(rule: str, failures: Sequence[Failure], stage: int) -> Group:
    return Group(rule, stage, tuple(sorted(failures, key=_get_effort)))


def _get_effort(failure: Failure) -> tuple[bool, bool, int, int, str]:
    """Return how much a failure takes to be seen; less is nearer to the fault."""
    elsewhere = failure.failed_at is not None and not failure.is_at_own_operation
    on_the_way = failure.rule != failure.found_by
    return elsewhere, on_the_way, len(failure.operations), len(failure.exchanges), failure.case


def _get_rank(group: Group) -> tuple[int, tuple[bool, bool, int, int, str], str]:
    return group.stage, _get_effort(group.example), group.rule


def _fold(groups: Sequence[Group]) -> list[Group]:
    """Return the groups that none before them explains; the others are folded into the first that does."""
    shown: list[Group] = []
    for group in groups:
        cause = next((earlier for earlier in shown if _explains(earlier, group, groups)), None)
        (shown if cause is None else cause.folded).append(group)
    return shown


def _explains(earlier: Group, later: Group, groups: Sequence[Group]) -> bool:
    about = earlier.about
    by_use = earlier.stage < later.stage or _is_common(about, groups)
    return bool(about) and all(_concerns(failure, about, by_use) for failure in later.failures)


def _is_common(operations: frozenset[str], groups: Sequence[Group]) -> bool:
    """Return whether tests that called these operations failed at several others."""
    failures = [failure for group in groups for failure in group.failures if _concerns(failure, operations, True)]
    return len({failure.failed_at for failure in failures if failure.failed_at} - operations) > 1


def _concerns(failure: Failure, operations: frozenset[str], by_use: bool) -> bool:
    involved = {*failure.operations, failure.failed_at} if by_use else {failure.failed_at}
    return not operations.isdisjoint(involved)
