"""Matchers of a text that is JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from duologue_mock.control.json_keys import show
from duologue_mock.control.matching.evaluation import BudgetError, Evaluation
from duologue_mock.control.matching.json_equality.comparison import (
    Difference,
    JsonComparison,
    measure_size,
    sort_arrays,
)
from duologue_mock.control.matching.json_equality.placeholders import find_placeholders
from duologue_mock.control.matching.json_path.java_text import format_java, format_pretty
from duologue_mock.control.matching.json_path.paths import Context, JsonPath, JsonPathError, PathNotFoundError
from duologue_mock.control.matching.value_matchers import Absent, ValueMatcher

_BYTES_PER_STEP = 50
"""Bytes of JSON that Python compares and writes in the time in which one value is visited."""


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
        return value is not None and evaluation.match_counted(
            lambda: self._is_equal(actual, evaluation), "Comparing with the JSON", self.expected
        )

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

    def _find_differences(self, actual: Any, evaluation: Evaluation) -> Iterator[Difference]:
        return self._comparison.find_differences(self.expected, actual, evaluation)

    def _is_equal(self, actual: Any, evaluation: Evaluation) -> bool:
        """Compare without visiting each value, where that decides: Python and JSON differ in `1 == True` only."""
        comparison = self._comparison
        if comparison.placeholders or self.ignore_extra_elements:
            return comparison.is_equal(self.expected, actual, evaluation)
        if self.ignore_array_order:
            return sort_arrays(actual, evaluation) == sort_arrays(self.expected, evaluation)
        evaluation.take_steps(1 + len(self._canonical) // _BYTES_PER_STEP)
        return bool(actual == self.expected) and (
            _dump(actual) == self._canonical or comparison.is_equal(self.expected, actual, evaluation)
        )


def _dump(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


@dataclass(frozen=True)
class MatchesJsonPath(ValueMatcher):
    """`matchesJsonPath`.

    Args:
        path: the path.
        matcher: matches what the path leads to, as a text; None if it need only lead to something that is not empty.
    """

    path: JsonPath
    matcher: ValueMatcher | None = None

    def matches(self, value: str | None, evaluation: Evaluation) -> bool:
        """Whether the path leads to a value that matches."""
        overruns = evaluation.overruns
        return self._match(value, evaluation) and evaluation.overruns == overruns

    def measure_distance(self, value: str | None, evaluation: Evaluation) -> float:
        """Return the distance of the nearest value."""
        if self.matches(value, evaluation):
            return 0.0
        if self.matcher is None:
            return 1.0
        matcher, texts = self.matcher, self._list_texts(value, evaluation)
        return min((matcher.measure_distance(text, evaluation) for text in texts), default=1.0)

    def describe(self) -> str:
        """Return what the text must be."""
        return f"JSON with {self.matcher.describe() if self.matcher else 'a value'} at {show(self.path.text)}"

    def _match(self, value: str | None, evaluation: Evaluation) -> bool:
        if self.matcher is not None:
            matcher = self.matcher
            return any(matcher.matches(text, evaluation) for text in self._list_texts(value, evaluation))
        try:
            selected = self._select(value, evaluation)
        except JsonPathError:
            return False
        return selected is not None and selected not in ([], {})

    def _list_texts(self, value: str | None, evaluation: Evaluation) -> list[str | None]:
        """Return what the path leads to as texts. Only `absent` matches what is not there."""
        try:
            selected = self._select(value, evaluation)
        except PathNotFoundError:
            selected = None
        except JsonPathError:
            return []
        if selected in (None, []):
            return [None] if isinstance(self.matcher, Absent) else []
        if isinstance(selected, dict) or (isinstance(selected, list) and isinstance(self.matcher, EqualToJson)):
            return [format_pretty(selected)]
        return [format_java(one) for one in (selected if isinstance(selected, list) else [selected])]

    def _select(self, value: str | None, evaluation: Evaluation) -> Any:
        """Return what the path leads to.

        Raises:
            JsonPathError: the text is not JSON, or the path cannot be applied to it.
        """
        if value is None:
            return None
        selected: list[Any] = []

        def read() -> bool:
            document = evaluation.load_json(value)
            if document is None:
                raise JsonPathError("Jayway's library takes no null as a document.")
            selected.append(self.path.read(document, Context(document, evaluation)))
            return True

        try:
            evaluation.match_counted(read, "The JSONPath", self.path.text)
        except JsonPathError:
            raise
        except ValueError:
            raise JsonPathError("The text is not JSON.") from None
        if not selected:
            raise JsonPathError("The path takes too long.")
        return selected[0]
