"""Comparing JSON as JsonUnit does, which WireMock uses for `equalToJson`."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from duologue_mock.control.json_keys import show
from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.matching.json_equality.placeholders import Placeholder, get_kind

_EXACT = 2**53
"""Up to here, every whole number has a float."""


class Missing(enum.Enum):
    """What stands for a value that is not there."""

    MISSING = "missing"


MISSING = Missing.MISSING


@dataclass(frozen=True)
class Difference:
    """A place where JSON is not as expected.

    Args:
        path: the place, as `$.users[0].name`.
        expected: the value that is expected there, or MISSING.
        actual: the value that is there, or MISSING.
    """

    path: str
    expected: Any
    actual: Any

    @property
    def size(self) -> int:
        """How many values it takes to make both sides equal, at least one."""
        return max(measure_size(self.expected), measure_size(self.actual), 1)

    def describe(self) -> str:
        """Return the difference in a sentence without its period."""
        if self.actual is MISSING:
            return f"{self.path} is missing"
        if self.expected is MISSING:
            return f"{self.path} is not expected"
        return f"{self.path} is {show(self.actual)}, not {show(self.expected)}"


def measure_size(value: Any) -> int:
    """Return how many values JSON consists of, counted as WireMock counts them: containers twice, but the first."""
    if value is MISSING or value is None:
        return 0
    size, pending = 1, [value]
    while pending:
        one = pending.pop()
        children = list(one.values()) if isinstance(one, dict) else one if isinstance(one, list) else []
        containers = [child for child in children if isinstance(child, dict | list)]
        size += len(children) + len(containers)
        pending.extend(containers)
    return size


def sort_arrays(value: Any, evaluation: Evaluation) -> bytes:
    """Return JSON as a text that is the same for all orders of keys and elements, and for `1` and `1.0`.

    Raises:
        BudgetError: there are too many values.
    """
    evaluation.take_steps()
    if isinstance(value, dict):
        pairs = sorted((key, sort_arrays(inner, evaluation)) for key, inner in value.items())
        return b"{%b}" % b",".join(b"%b:%b" % (orjson.dumps(key), inner) for key, inner in pairs)
    if isinstance(value, list):
        return b"[%b]" % b",".join(sorted(sort_arrays(inner, evaluation) for inner in value))
    return orjson.dumps(
        int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT else value
    )


@dataclass(frozen=True)
class JsonComparison:
    """How JSON is compared.

    Args:
        placeholders: texts of the expected JSON that stand for many values.
        ignore_array_order: whether arrays may have their elements in any order.
        ignore_extra_elements: whether objects may have more keys, and arrays more elements.
    """

    placeholders: Mapping[str, Placeholder]
    ignore_array_order: bool
    ignore_extra_elements: bool

    def find_differences(
        self, expected: Any, actual: Any, evaluation: Evaluation, path: str = "$"
    ) -> Iterator[Difference]:
        """Yield where JSON is not as expected.

        Args:
            expected: the JSON that is expected.
            actual: the JSON that there is.
            evaluation: counts the values that are visited.
            path: the place.

        Raises:
            BudgetError: there are too many values.
        """
        evaluation.take_steps()
        placeholder = self.placeholders.get(expected) if isinstance(expected, str) else None
        if placeholder is not None:
            is_equal = placeholder.matches(actual, evaluation)
        elif isinstance(expected, dict) and isinstance(actual, dict):
            yield from self._compare_objects(expected, actual, evaluation, path)
            return
        elif isinstance(expected, list) and isinstance(actual, list):
            yield from self._compare_arrays(expected, actual, evaluation, path)
            return
        else:
            is_equal = get_kind(expected) == get_kind(actual) and expected == actual
        if not is_equal:
            yield Difference(path, expected, actual)

    def is_equal(self, expected: Any, actual: Any, evaluation: Evaluation) -> bool:
        """Whether there is no difference."""
        return next(self.find_differences(expected, actual, evaluation), None) is None

    def _compare_objects(
        self, expected: Mapping[str, Any], actual: Mapping[str, Any], evaluation: Evaluation, path: str
    ) -> Iterator[Difference]:
        for key, value in expected.items():
            if key in actual:
                yield from self.find_differences(value, actual[key], evaluation, f"{path}.{key}")
            elif not (isinstance(value, str) and value in self.placeholders and self.placeholders[value].is_optional):
                yield Difference(f"{path}.{key}", value, MISSING)
        if not self.ignore_extra_elements:
            for key, value in actual.items():
                if key not in expected:
                    evaluation.take_steps()
                    yield Difference(f"{path}.{key}", MISSING, value)

    def _compare_arrays(
        self, expected: Sequence[Any], actual: Sequence[Any], evaluation: Evaluation, path: str
    ) -> Iterator[Difference]:
        missing, extra, pairs = (
            self._pair_in_any_order(expected, actual, evaluation)
            if self.ignore_array_order
            else _pair_in_order(expected, actual)
        )
        for left, right in pairs:
            yield from self.find_differences(expected[left], actual[right], evaluation, f"{path}[{right}]")
        for index in missing:
            yield Difference(f"{path}[{index}]", expected[index], MISSING)
        if not self.ignore_extra_elements:
            for index in extra:
                yield Difference(f"{path}[{index}]", MISSING, actual[index])

    def _pair_in_any_order(
        self, expected: Sequence[Any], actual: Sequence[Any], evaluation: Evaluation
    ) -> tuple[list[int], list[int], list[tuple[int, int]]]:
        """Return the elements without an equal one, and the pair that is left if it is one on each side."""
        equal = [
            [index for index, other in enumerate(actual) if self.is_equal(one, other, evaluation)] for one in expected
        ]
        partners = _match_pairs(equal, evaluation)
        missing = [index for index in range(len(expected)) if index not in partners.values()]
        extra = [index for index in range(len(actual)) if index not in partners]
        if len(expected) == len(actual) and len(missing) == 1:
            return [], [], [(missing[0], extra[0])]
        return missing, extra, []


def _pair_in_order(
    expected: Sequence[Any], actual: Sequence[Any]
) -> tuple[list[int], list[int], list[tuple[int, int]]]:
    """Return the elements that one side has more, and the pairs of the others."""
    common = min(len(expected), len(actual))
    missing, extra = range(common, len(expected)), range(common, len(actual))
    return list(missing), list(extra), [(index, index) for index in range(common)]


def _match_pairs(equal: Sequence[Sequence[int]], evaluation: Evaluation) -> dict[int, int]:
    """Return as many pairs as possible, by the second of each: a maximum matching of a bipartite graph.

    With placeholders, and where extra elements do not count, an element can be equal to several that are not equal to
    one another, so the first that is free may be the wrong one.
    """
    partners: dict[int, int] = {}

    def reassign(left: int, visited: set[int]) -> bool:
        for right in equal[left]:
            evaluation.take_steps()
            if right not in visited:
                visited.add(right)
                if right not in partners or reassign(partners[right], visited):
                    partners[right] = left
                    return True
        return False

    for left in range(len(equal)):
        reassign(left, set())
    return partners
