"""Matchers of one text by a regular expression."""

from __future__ import annotations

from dataclasses import dataclass, field

from duologue_mock.control.json_keys import show
from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.matching.java_regex.java_regex import JavaRegex
from duologue_mock.control.matching.value_matchers import ValueMatcher


@dataclass(frozen=True)
class Matches(ValueMatcher):
    """`matches`, and negated `doesNotMatch`, which matches an absent text.

    Args:
        expression: a regular expression of Java; it must match the whole text, and its dot matches a line's end.
        negated: whether it must not match.

    Raises:
        RegexSyntaxError: the expression is not Java's, or not served here.
    """

    expression: str
    negated: bool = False
    _regex: JavaRegex = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_regex", JavaRegex(self.expression))

    def matches(self, value: str | None, evaluation: Evaluation) -> bool:
        """Whether the whole text matches. If the time does not suffice, it does not, negated or not."""
        if value is None:
            return self.negated
        overruns = evaluation.overruns
        return self._regex.matches(value, evaluation) is not self.negated and evaluation.overruns == overruns

    def describe(self) -> str:
        """Return what the text must be."""
        return f"text that {'does not match' if self.negated else 'matches'} {show(self.expression)}"
