"""One fault of a server breaks many rules: failures are grouped, and what probably follows from another is folded.

1. Failures of the same rule are one group.
2. Groups are ordered by stage, then the one that took the fewest requests comes first: it is nearest to the fault.
3. A group is folded under an earlier one if each of its failures has to do with an operation the earlier one is about.
   In a later stage, it is enough that their tests called the operation; in the same one, they must have failed at it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from duologue.conformance.running.result import Failure

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
        """The operations that the group is about: the one in the rule's id, else those at which it failed."""
        named = {name for one in self.failures for name in one.operations if self.rule.startswith(f"{name}.")}
        return frozenset(named or self.failed_at)


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


def _get_effort(failure: Failure) -> tuple[bool, int, int, str]:
    """Return how much a failure takes to be seen; less is nearer to the fault."""
    on_the_way = failure.rule != failure.found_by
    return on_the_way, len(failure.operations), len(failure.exchanges), failure.case


def _get_rank(group: Group) -> tuple[int, tuple[bool, int, int, str], str]:
    return group.stage, _get_effort(group.example), group.rule


def _fold(groups: Sequence[Group]) -> list[Group]:
    """Return the groups that none before them explains; the others are folded into the first that does."""
    shown: list[Group] = []
    for group in groups:
        cause = next((earlier for earlier in shown if _explains(earlier, group)), None)
        (shown if cause is None else cause.folded).append(group)
    return shown


def _explains(earlier: Group, later: Group) -> bool:
    about = earlier.about
    return bool(about) and all(_concerns(failure, about, earlier.stage < later.stage) for failure in later.failures)


def _concerns(failure: Failure, operations: frozenset[str], by_use: bool) -> bool:
    involved = {*failure.operations, failure.failed_at} if by_use else {failure.failed_at}
    return not operations.isdisjoint(involved)
