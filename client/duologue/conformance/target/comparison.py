"""Comparing JSON values as JSON has them: `0` is not `false`, and `1` is `1.0`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from duologue.conformance.rules import BrokenRuleError

MAX_DIFFERENCES = 20


def find_differences(expected: Any, actual: Any) -> tuple[str, ...]:
    """Return where two JSON values differ, a line for each path; empty if they are equal."""
    return tuple(islice(_compare(expected, actual, "$"), MAX_DIFFERENCES))


def check_equal(actual: Any, expected: Any, what: str) -> None:
    """Check that a JSON value is another.

    Args:
        actual: what the server sent.
        expected: what the contract requires.
        what: names the value, as "the user".

    Raises:
        BrokenRuleError: it is not; of the rule of the test that runs.
    """
    differences = find_differences(expected, actual)
    if differences:
        raise BrokenRuleError("", f"{what} differs", expected=expected, actual=actual, differences=differences)


def _compare(expected: Any, actual: Any, path: str) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in {**expected, **actual}:
            yield from _compare_member(expected, actual, key, f"{path}.{key}")
    elif isinstance(expected, list) and isinstance(actual, list):
        for index, (one, other) in enumerate(zip(expected, actual, strict=False)):
            yield from _compare(one, other, f"{path}[{index}]")
        if len(expected) != len(actual):
            yield f"{path}: expected {len(expected)} items, not {len(actual)}"
    elif not _is_equal(expected, actual):
        yield f"{path}: expected {expected!r}, not {actual!r}"


def _compare_member(expected: dict[str, Any], actual: dict[str, Any], key: str, path: str) -> Iterator[str]:
    if key not in actual:
        yield f"{path}: expected {expected[key]!r}, but it is missing"
    elif key not in expected:
        yield f"{path}: {actual[key]!r} is not expected"
    else:
        yield from _compare(expected[key], actual[key], path)


def _is_equal(expected: Any, actual: Any) -> bool:
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    return bool(expected == actual)
