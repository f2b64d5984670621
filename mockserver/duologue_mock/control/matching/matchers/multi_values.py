"""Matchers of all values of a header, or of a parameter of a query string or form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.matching.value_matchers import Absent, ValueMatcher


@dataclass(frozen=True)
class AnyValue:
    """One of the values must match; where there are none, an absent one must."""

    matcher: ValueMatcher

    def matches(self, values: Sequence[str] | None, evaluation: Evaluation) -> bool:
        """Whether one of the values matches."""
        return any(self.matcher.matches(value, evaluation) for value in values or (None,))

    def measure_distance(self, values: Sequence[str] | None, evaluation: Evaluation) -> float:
        """Return the distance of the nearest value."""
        return min(self.matcher.measure_distance(value, evaluation) for value in values or (None,))

    def describe(self) -> str:
        """Return what a value must be."""
        return self.matcher.describe()


@dataclass(frozen=True)
class CookieValue(AnyValue):
    """As any value; but where there is none, only `absent` matches, and no negative matcher does."""

    def matches(self, values: Sequence[str] | None, evaluation: Evaluation) -> bool:
        """Whether one of the cookie's values matches."""
        return super().matches(values, evaluation) if values else isinstance(self.matcher, Absent)

    def measure_distance(self, values: Sequence[str] | None, evaluation: Evaluation) -> float:
        """Return the distance of the nearest value."""
        if values:
            return super().measure_distance(values, evaluation)
        return 0.0 if isinstance(self.matcher, Absent) else 1.0


@dataclass(frozen=True)
class EveryMatcher:
    """`includes`: each matcher must match one of the values. `hasExactly`: and there are as many values as matchers."""

    matchers: tuple[ValueMatcher, ...]
    is_exact: bool = False

    def matches(self, values: Sequence[str] | None, evaluation: Evaluation) -> bool:
        """Whether there are values, and each matcher matches one of them."""
        if not values or (self.is_exact and len(values) != len(self.matchers)):
            return False
        return all(any(one.matches(value, evaluation) for value in values) for one in self.matchers)

    def measure_distance(self, values: Sequence[str] | None, evaluation: Evaluation) -> float:
        """Return the mean of the distances of all matchers; for `hasExactly`, of the mean and of the number."""
        if not values:
            return 1.0
        nearest = [min(one.measure_distance(value, evaluation) for value in values) for one in self.matchers]
        mean = sum(nearest) / len(nearest) if nearest else 0.0
        return (mean + (len(values) != len(self.matchers))) / 2 if self.is_exact else mean

    def describe(self) -> str:
        """Return what the values must be."""
        each = ", ".join(matcher.describe() for matcher in self.matchers) or "nothing"
        return f"exactly the values: {each}" if self.is_exact else f"values that include: {each}"


ValuesMatcher = AnyValue | EveryMatcher
