"""Matchers of one text: a header's value, a query parameter, a body, or None where there is none."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from duologue_mock.control.json_keys import show
from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.matching.text_distance import measure_text_distance

_FOLDED_CHARACTER = 10
_FOLDED_CHARACTER_BEYOND_ASCII = 700
"""Characters that are counted for each one of which upper and lower case are compared."""


class ValueMatcher(ABC):
    """What a text must be. None stands for a text that is absent."""

    @abstractmethod
    def matches(self, value: str | None, evaluation: Evaluation) -> bool:
        """Whether the text is as it must be."""

    def measure_distance(self, value: str | None, evaluation: Evaluation) -> float:
        """Return how far the text is from what it must be: from 0 (it matches) to 1."""
        return 0.0 if self.matches(value, evaluation) else 1.0

    @property
    def size(self) -> int:
        """How many matchers it consists of."""
        return 1

    @abstractmethod
    def describe(self) -> str:
        """Return what the text must be, for people: `equal to 'x'`."""


@dataclass(frozen=True)
class EqualTo(ValueMatcher):
    """`equalTo`."""

    expected: str
    case_insensitive: bool = False

    def matches(self, value: str | None, evaluation: Evaluation) -> bool:
        """Whether the text is the expected one."""
        if value is None or len(value) != len(self.expected):
            return False
        if not evaluation.can_read(len(value) * self._cost, "Comparing with", self.expected):
            return False
        return _fold(value) == _fold(self.expected) if self.case_insensitive else value == self.expected

    def measure_distance(self, value: str | None, evaluation: Evaluation) -> float:
        """Return the share of characters that would have to change."""
        return 0.0 if self.matches(value, evaluation) else measure_text_distance(self.expected, value, evaluation)

    @property
    def _cost(self) -> int:
        if not self.case_insensitive:
            return 1
        return _FOLDED_CHARACTER if self.expected.isascii() else _FOLDED_CHARACTER_BEYOND_ASCII

    def describe(self) -> str:
        """Return what the text must be."""
        return f"equal to {show(self.expected)}" + (" in any case" if self.case_insensitive else "")


def _fold(text: str) -> str:
    """Return a text in one case. As Java's `equalsIgnoreCase`, this compares characters, not words: `ß` is not `SS`."""
    return text.lower() if text.isascii() else "".join(_fold_character(one) for one in text)


def _fold_character(character: str) -> str:
    upper = character.upper()
    lower = (upper if len(upper) == 1 else character).lower()
    return lower if len(lower) == 1 else character


@dataclass(frozen=True)
class BasicCredentials(ValueMatcher):
    """An `Authorization` header of HTTP Basic; its scheme may be in any case."""

    encoded: str

    def matches(self, value: str | None, evaluation: Evaluation) -> bool:
        """Whether the header has the credentials."""
        return value is not None and value[:6].lower() == "basic " and value[6:] == self.encoded

    def measure_distance(self, value: str | None, evaluation: Evaluation) -> float:
        """Return the share of characters that would have to change."""
        return (
            0.0
            if self.matches(value, evaluation)
            else measure_text_distance(f"Basic {self.encoded}", value, evaluation)
        )

    def describe(self) -> str:
        """Return what the header must be; the credentials are not shown."""
        return "the Basic credentials of the pattern"


@dataclass(frozen=True)
class Contains(ValueMatcher):
    """`contains`, and negated `doesNotContain`, which matches an absent text."""

    expected: str
    negated: bool = False

    def matches(self, value: str | None, evaluation: Evaluation) -> bool:
        """Whether the text contains the expected one."""
        if value is None:
            return self.negated
        if not evaluation.can_read(len(value), "Looking for", self.expected):
            return False
        return (self.expected in value) is not self.negated

    def describe(self) -> str:
        """Return what the text must be."""
        return f"text {'without' if self.negated else 'with'} {show(self.expected)} in it"


@dataclass(frozen=True)
class Absent(ValueMatcher):
    """`absent`."""

    def matches(self, value: str | None, evaluation: Evaluation) -> bool:
        """Whether there is no text."""
        return value is None

    def describe(self) -> str:
        """Return what the text must be."""
        return "absent"


@dataclass(frozen=True)
class Anything(ValueMatcher):
    """`anything`, an absent text too."""

    def matches(self, value: str | None, evaluation: Evaluation) -> bool:
        """Return True."""
        return True

    def describe(self) -> str:
        """Return what the text must be."""
        return "anything"


@dataclass(frozen=True)
class Not(ValueMatcher):
    """`not`."""

    matcher: ValueMatcher

    def matches(self, value: str | None, evaluation: Evaluation) -> bool:
        """Whether the other matcher does not match. One that runs out of its budget matches neither way."""
        overruns = evaluation.overruns
        return not self.matcher.matches(value, evaluation) and evaluation.overruns == overruns

    def describe(self) -> str:
        """Return what the text must be."""
        return f"not {self.matcher.describe()}"


@dataclass(frozen=True)
class And(ValueMatcher):
    """`and`."""

    matchers: tuple[ValueMatcher, ...]

    def matches(self, value: str | None, evaluation: Evaluation) -> bool:
        """Whether all match."""
        return all(matcher.matches(value, evaluation) for matcher in self.matchers)

    def measure_distance(self, value: str | None, evaluation: Evaluation) -> float:
        """Return the mean of all distances."""
        return sum(one.measure_distance(value, evaluation) for one in self.matchers) / len(self.matchers)

    @property
    def size(self) -> int:
        """How many matchers it consists of."""
        return 1 + sum(matcher.size for matcher in self.matchers)

    def describe(self) -> str:
        """Return what the text must be."""
        return " and ".join(matcher.describe() for matcher in self.matchers)


@dataclass(frozen=True)
class Or(ValueMatcher):
    """`or`."""

    matchers: tuple[ValueMatcher, ...]

    def matches(self, value: str | None, evaluation: Evaluation) -> bool:
        """Whether one matches."""
        return any(matcher.matches(value, evaluation) for matcher in self.matchers)

    def measure_distance(self, value: str | None, evaluation: Evaluation) -> float:
        """Return the smallest distance."""
        return min(one.measure_distance(value, evaluation) for one in self.matchers)

    @property
    def size(self) -> int:
        """How many matchers it consists of."""
        return 1 + sum(matcher.size for matcher in self.matchers)

    def describe(self) -> str:
        """Return what the text must be."""
        return f"({' or '.join(matcher.describe() for matcher in self.matchers)})"
