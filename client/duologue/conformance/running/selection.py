"""Which rules a run judges, and why the others are not judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from duologue.conformance.rules import Rule

QUICK_CASES = 5
"""Cases by which each rule is judged with `--quick`."""

T = TypeVar("T")


class SelectionError(ValueError):
    """A name that no rule has; the text names the nearest."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What to judge.

    Args:
        only: rules, or what their ids start with, as `users` and `chats.LIST`; empty for all.
        skip: rules, or what their ids start with, that are left out.
        read_only: judge only rules whose tests change nothing.
        quick: judge only the rules that find most faults in a few seconds, each by a few cases.
    """

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    read_only: bool = False
    quick: bool = False

    def includes(self, rule: Rule) -> bool:
        """Return whether the user wants to hear of a rule at all."""
        return (not self.only or _is_below(rule.id, self.only)) and not self.skips(rule)

    def skips(self, rule: Rule) -> bool:
        """Return whether the user wants to hear nothing of a rule."""
        return _is_below(rule.id, self.skip)

    def get_obstacle(self, rule: Rule) -> str:
        """Return why a rule that is included is not judged; an empty text if it is."""
        if self.read_only and not rule.reads_only:
            return "changes data, and --read-only was passed"
        return "not among the rules of --quick" if self.quick and not rule.quick else ""

    def thin(self, cases: Sequence[T]) -> Sequence[T]:
        """Return those of a rule's cases by which it is judged, from first to last."""
        if not self.quick or len(cases) <= QUICK_CASES:
            return cases
        return [cases[number * len(cases) // QUICK_CASES] for number in range(QUICK_CASES)]

    def check(self, rules: Iterable[Rule]) -> None:
        """Check that each name is that of a rule.

        Raises:
            SelectionError: a name is not, or no rule is left.
        """
        rules = tuple(rules)
        ids = [rule.id for rule in rules]
        for name in (*self.only, *self.skip):
            if not any(_is_below(id, (name,)) for id in ids):
                raise SelectionError(_describe_unknown(name, ids))
        left = [*filter(self.includes, rules)]
        if not left:
            raise SelectionError("No rule is left: --skip leaves out everything that --only names.")
        if all(rule.checks_responses for rule in left):
            raise SelectionError(
                f"{left[0].id} is judged by the responses to all tests: name rules with --only whose tests are to run."
            )


def _is_below(id: str, names: Sequence[str]) -> bool:
    return any(id == name or id.startswith(f"{name}.") for name in names)


def _describe_unknown(name: str, ids: Sequence[str]) -> str:
    prefixes = {".".join(id.split(".")[:count]) for id in ids for count in (1, 2, 3)}
    near = get_close_matches(name, sorted(prefixes), n=3)
    hint = f" Did you mean {', '.join(near)}?" if near else ""
    return f"No rule is called {name!r}.{hint} duologue check --list lists them."
