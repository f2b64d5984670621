"""Text that the reports for people share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from duologue.conformance.running.grouping import Group
from duologue.conformance.running.result import Result, Verdict


def describe_verdict(result: Result, groups: Sequence[Group]) -> str:
    """Return what was found out about the server, in one sentence without its end."""
    server, judged = result.base_url, len(result.outcomes) - len(result.select(Verdict.NOT_JUDGED))
    if groups:
        rules = count(sum(1 + len(group.folded) for group in groups), "rule")
        faults = "" if len(groups) == 1 else f" for probably {len(groups)} reasons"
        return f"{server} breaks {rules} of {judged}{faults}, first {groups[0].rule}"
    if result.verdict is Verdict.NOT_JUDGED:
        return f"{server}: {result.stopped or 'No rule could be judged.'}"
    if result.lacks_coverage:
        return f"{result.coverage.percent:.1f} % coverage is less than {result.fail_under:g} %"
    not_judged = f", {len(result.outcomes) - judged} not judged" if judged < len(result.outcomes) else ""
    none = "none newly broken" if result.known else "none broken"
    return f"{server} keeps the contract: {count(judged, 'rule')} judged{not_judged}, {none}"


def list_tests(groups: Iterable[Group]) -> list[str]:
    """Return the ids of rules whose tests show the failures again; a check of every response has no test of its own."""
    return [*dict.fromkeys(group.example.found_by for group in groups)]


def count(number: int, name: str) -> str:
    """Return a number with the name of what is counted: `1 rule`, `2 rules`."""
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


def escape_unprintable(text: str, keep: str = "") -> str:
    """Return text with each unprintable character as its escape, so that it controls no terminal and reorders nothing.

    Args:
        text: of any length; it is not cut, so that it can be copied.
        keep: characters to leave as they are.
    """
    return "".join(
        char if char.isprintable() or char in keep else char.encode("unicode_escape").decode("ascii") for char in text
    )
