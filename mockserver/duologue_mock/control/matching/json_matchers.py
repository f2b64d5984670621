"""Matchers of a text that is JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from duologue_mock.control.json_keys import show
from duologue_mock.control.matching.evaluation import BudgetError, Evaluation
from duologue_mock.control.matching.json_comparison import Difference, JsonComparison, measure_size, sort_arrays
from duologue_mock.control.matching.json_placeholders import find_placeholders
from duologue_mock.control.matching.value_matchers import ValueMatcher


@dataclass(frozen=True)
class EqualToJson(ValueMatcher):
    """`equalToJson`.

    Args:
        expected: the JSON.
        ignore_array_order: whether arrays may have their elements in any order.
        ignore_extra_elements: whether objects may have more keys, and arrays more elements.

    Raises:
        ValueError: it has a number that is too large.
        PlaceholderError: it has a placeholder that is not supported.
        RegexSyntaxError: it has a placeholder with a regular expression that is not supported.
    """

    expected: Any = field(compare=False)
    ignore_array_order: bool = False
    ignore_extra_elements: bool = False
    _comparison: JsonComparison = field(init=False, compare=False, repr=False)
    _canonical: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Both sides are parsed by the same library, so that numbers of many digits are rounded alike.
        object.__setattr__(self, "expected", orjson.loads(json.dumps(self.expected)))
        comparison = JsonComparison(
            find_placeholders(self.expected), self.ignore_array_order, self.ignore_extra_elements
        )
        object.__setattr__(self, "_comparison", comparison)
        object.__setattr__(self, "_canonical", _dump(self.expected))

    def matches(self, value: str | None, evaluation: Evaluation) -> bool:
        """Whether the text is JSON equal to the expected one."""
        try:
            actual = evaluation.load_json(value) if value is not None else None
        except ValueError:
            return False
        return value is not None and evaluation.match_counted(lambda: self._is_equal(actual, evaluation), self._name)

    def measure_distance(self, value: str | None, evaluation: Evaluation) -> float:
        """Return the share of values that differ."""
        if self.matches(value, evaluation) or value is None:
            return 0.0 if value is not None else 1.0
        try:
            actual = evaluation.load_json(value)
            differing = sum(one.size for one in self._find_differences(actual, evaluation))
        except (ValueError, BudgetError):
            return 1.0
        return min(1.0, differing / max(measure_size(self.expected), measure_size(actual), 1))

    def describe(self) -> str:
        """Return what the text must be."""
        options = " in any order" * self.ignore_array_order + " and more" * self.ignore_extra_elements
        return f"JSON equal to {show(self.expected)}{options}"

    def explain(self, value: str | None, evaluation: Evaluation) -> str:
        """Return why a text does not match, for people; "" if there is nothing to add."""
        try:
            differences = self._find_differences(evaluation.load_json(value or ""), evaluation)
            return "; ".join(one.describe() for one, _ in zip(differences, range(3), strict=False))
        except ValueError:
            return "not JSON" if value else ""
        except BudgetError:
            return ""

    @property
    def _name(self) -> str:
        return f"Comparing with the JSON {show(self.expected)}"

    def _find_differences(self, actual: Any, evaluation: Evaluation) -> Iterator[Difference]:
        return self._comparison.find_differences(self.expected, actual, evaluation)

    def _is_equal(self, actual: Any, evaluation: Evaluation) -> bool:
        """Compare without visiting each value, where that decides: Python and JSON differ in `1 == True` only."""
        comparison = self._comparison
        if comparison.placeholders or self.ignore_extra_elements:
            return comparison.is_equal(self.expected, actual, evaluation)
        if self.ignore_array_order:
            return sort_arrays(actual, evaluation) == sort_arrays(self.expected, evaluation)
        return bool(actual == self.expected) and (
            _dump(actual) == self._canonical or comparison.is_equal(self.expected, actual, evaluation)
        )


def _dump(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
