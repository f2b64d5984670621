"""What filters compare, and how: `@.age > 18`, `@.name =~ /a.*/i`, `@.role in ['admin']`."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from duologue_mock.control.matching.java_regex.java_regex import JavaRegex
from duologue_mock.control.matching.json_path.java_text import format_java
from duologue_mock.control.matching.json_path.paths import (
    Context,
    JsonPath,
    JsonPathError,
    PathNotFoundError,
    Predicate,
)


class Undefined(enum.Enum):
    """What stands for a value that is not there: it is equal to nothing."""

    UNDEFINED = "undefined"


@dataclass(frozen=True)
class Literal:
    """A value that is written in the filter."""

    value: Any

    def get(self, item: Any, context: Context) -> Any:
        """Return the value."""
        return self.value


@dataclass(frozen=True)
class Regex:
    """`/a.*/i`."""

    expression: str
    flags: str = ""
    regex: JavaRegex = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        on = "".join(sorted(set(self.flags)))
        object.__setattr__(self, "regex", JavaRegex(f"(?{on}{'' if 's' in on else '-s'}){self.expression}"))

    def get(self, item: Any, context: Context) -> Any:
        """Return the expression itself."""
        return self

    def matches(self, value: Any, context: Context) -> bool:
        """Whether it matches a text, a number or a boolean; any other value is the empty text."""
        text = format_java(value) if isinstance(value, str | int | float) else ""
        return self.regex.matches(text, context.evaluation)


@dataclass(frozen=True)
class PathOperand:
    """A path in the filter: `@.age`, `$.limit`."""

    path: JsonPath

    def get(self, item: Any, context: Context) -> Any:
        """Return the path's value, or one that stands for none."""
        start = context.root if self.path.starts_at_root else item
        try:
            return self.path.read(start, Context(context.root, context.evaluation))
        except PathNotFoundError:
            return Undefined.UNDEFINED


Operand = Literal | Regex | PathOperand


@dataclass(frozen=True)
class Exists:
    """`@.name`, `!@.name`: whether there is a value, null too."""

    path: JsonPath
    expected: bool = True

    def keeps(self, item: Any, context: Context) -> bool:
        """Whether the path leads to a value, or to none if none is expected."""
        start = context.root if self.path.starts_at_root else item
        try:
            self.path.read(start, Context(context.root, context.evaluation, requires_properties=True))
        except PathNotFoundError:
            return not self.expected
        except JsonPathError:
            return False
        return self.expected


@dataclass(frozen=True)
class Comparison:
    """`@.age > 18`."""

    left: Operand
    operator: str
    right: Operand

    def keeps(self, item: Any, context: Context) -> bool:
        """Whether the comparison holds; one that cannot be made does not."""
        context.evaluation.take_steps()
        try:
            left, right = self.left.get(item, context), self.right.get(item, context)
            return _OPERATORS[self.operator](left, right, context)
        except JsonPathError:
            return False


@dataclass(frozen=True)
class AllOf:
    """`a && b`."""

    predicates: tuple[Predicate, ...]

    def keeps(self, item: Any, context: Context) -> bool:
        """Whether all keep the value."""
        return all(one.keeps(item, context) for one in self.predicates)


@dataclass(frozen=True)
class AnyOf:
    """`a || b`."""

    predicates: tuple[Predicate, ...]

    def keeps(self, item: Any, context: Context) -> bool:
        """Whether one keeps the value."""
        return any(one.keeps(item, context) for one in self.predicates)


@dataclass(frozen=True)
class Negation:
    """`!(a)`."""

    predicate: Predicate

    def keeps(self, item: Any, context: Context) -> bool:
        """Whether the other does not keep the value."""
        return not self.predicate.keeps(item, context)


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equal(left: Any, right: Any, context: Context) -> bool:
    """Compare as Jayway's library does: a text and a number are equal if they look the same on the left's terms."""
    if isinstance(left, str) and is_number(right):
        return left == format_java(right)
    if is_number(left) and isinstance(right, str):
        try:
            return bool(left == float(right))
        except ValueError:
            return False
    if Undefined.UNDEFINED in (left, right) or isinstance(left, Regex) or isinstance(right, Regex):
        return False
    return _get_kind(left) == _get_kind(right) and bool(left == right)


def _get_kind(value: Any) -> str:
    if is_number(value):
        return "number"
    return "container" if isinstance(value, dict | list) else type(value).__name__


def _equal_in_type(left: Any, right: Any, context: Context) -> bool:
    return _get_kind(left) == _get_kind(right) and _equal(left, right, context)


def _compare(holds: Callable[[Any, Any], bool]) -> Callable[[Any, Any, Context], bool]:
    def compare(left: Any, right: Any, context: Context) -> bool:
        both = (left, right)
        if all(map(is_number, both)) or all(isinstance(one, str) for one in both):
            return holds(left, right)
        return False

    return compare


def _match(left: Any, right: Any, context: Context) -> bool:
    if isinstance(left, Regex) is isinstance(right, Regex):
        return False
    regex, value = (left, right) if isinstance(left, Regex) else (right, left)
    values = value if isinstance(value, list) else [value]
    return any(regex.matches(one, context) for one in values)


def _has(values: list[Any], value: Any, context: Context) -> bool:
    context.evaluation.take_steps(len(values))
    return any(_equal(one, value, context) for one in values)


def _require_list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise JsonPathError("The operator needs an array.")
    return value


def _contain(left: Any, right: Any, context: Context) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return right in left
    return isinstance(left, list) and _has(left, right, context)


def _is_in(left: Any, right: Any, context: Context) -> bool:
    if isinstance(right, dict):
        return False
    return _has(_require_list(right), left, context)


def _contain_all(left: Any, right: Any, context: Context) -> bool:
    required = _require_list(right)
    if isinstance(left, dict):
        return True
    return isinstance(left, list) and all(_has(left, one, context) for one in required)


def _overlap(left: Any, right: Any, context: Context) -> bool:
    return any(_has(_require_list(right), one, context) for one in _require_list(left))


def _is_subset(left: Any, right: Any, context: Context) -> bool:
    return all(_has(_require_list(right), one, context) for one in _require_list(left))


def _has_size(left: Any, right: Any, context: Context) -> bool:
    return is_number(right) and isinstance(left, str | list) and len(left) == int(right)


def _is_empty(left: Any, right: Any, context: Context) -> bool:
    if not isinstance(right, bool):
        raise JsonPathError("`empty` needs true or false.")
    return isinstance(left, str | list | dict) and (len(left) == 0) is right


_OPERATORS: Mapping[str, Callable[[Any, Any, Context], bool]] = MappingProxyType(
    {
        "==": _equal,
        "!=": lambda left, right, context: not _equal(left, right, context),
        "===": _equal_in_type,
        "!==": lambda left, right, context: not _equal_in_type(left, right, context),
        "<": _compare(lambda left, right: left < right),
        "<=": _compare(lambda left, right: left <= right),
        ">": _compare(lambda left, right: left > right),
        ">=": _compare(lambda left, right: left >= right),
        "=~": _match,
        "IN": _is_in,
        "NIN": lambda left, right, context: not _is_in(left, right, context),
        "CONTAINS": _contain,
        "ALL": _contain_all,
        "SIZE": _has_size,
        "EMPTY": _is_empty,
        "SUBSETOF": _is_subset,
        "ANYOF": _overlap,
        "NONEOF": lambda left, right, context: not _overlap(left, right, context),
    }
)
OPERATORS = frozenset(_OPERATORS)
"""The operators, in upper case."""
