"""Functions at the end of a path: `$.users.length()`."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from duologue_mock.control.matching.json_path.filters import is_number
from duologue_mock.control.matching.json_path.paths import Context, JsonPath, JsonPathError, Wildcard


@dataclass(frozen=True)
class FunctionCall:
    """A function at the end of a path.

    Args:
        name: the function's name.
        arguments: what it is called with: JSON, or paths of the whole document.
    """

    name: str
    arguments: tuple[Any, ...] = ()
    is_definite: bool = True

    def select(self, model: Any, context: Context, *, is_strict: bool, is_last: bool) -> Sequence[Any]:
        """Return the function's value."""
        if self.name in ("length", "size") and self.arguments:
            return [_measure_path(self.arguments[0], model, context)]
        values = [self._read_argument(argument, context) for argument in self.arguments]
        context.evaluation.take_steps(len(model) if isinstance(model, list | dict) else 1)
        return [_FUNCTIONS[self.name](model, values)]

    def _read_argument(self, argument: Any, context: Context) -> Any:
        return argument.read(context.root, context) if isinstance(argument, JsonPath) else argument


def _measure_path(argument: Any, model: Any, context: Context) -> int | None:
    """Return how many values are in what a path leads to."""
    if not isinstance(argument, JsonPath):
        raise JsonPathError("length() takes a path.")
    inner = JsonPath(argument.text, (*argument.tokens, Wildcard())).read(model, context)
    return len(inner) if isinstance(inner, list) else _measure(model, [])


def _measure(model: Any, values: Sequence[Any]) -> int | None:
    return len(model) if isinstance(model, list | dict) else None


def _flatten(model: Any, values: Sequence[Any]) -> list[Any]:
    """Return the elements of the model and of all arguments."""
    flat = list(model) if isinstance(model, list) else []
    for value in values:
        flat.extend(value if isinstance(value, list) else [value])
    return flat


def _aggregate(compute: Callable[[list[float]], float]) -> Callable[[Any, Sequence[Any]], float]:
    def aggregate(model: Any, values: Sequence[Any]) -> float:
        numbers = [float(one) for one in _flatten(model, values) if is_number(one)]
        if not numbers:
            raise JsonPathError("There are no numbers.")
        return compute(numbers)

    return aggregate


def _concatenate(model: Any, values: Sequence[Any]) -> str:
    own = [one for one in (model if isinstance(model, list) else []) if isinstance(one, str)]
    return "".join([*own, *(str(one) for one in _flatten(None, values) if isinstance(one, str))])


def _get_element(model: Any, index: Any) -> Any:
    if not isinstance(model, list) or not is_number(index) or not -len(model) <= int(index) < len(model):
        raise JsonPathError("There is no such element.")
    return model[int(index)]


def _append(model: Any, values: Sequence[Any]) -> Any:
    return [*model, *values] if isinstance(model, list) else model


_FUNCTIONS: Mapping[str, Callable[[Any, Sequence[Any]], Any]] = MappingProxyType(
    {
        "avg": _aggregate(statistics.fmean),
        "stddev": _aggregate(statistics.pstdev),
        "sum": _aggregate(sum),
        "min": _aggregate(min),
        "max": _aggregate(max),
        "concat": _concatenate,
        "length": _measure,
        "size": _measure,
        "append": _append,
        "keys": lambda model, values: list(model) if isinstance(model, dict) else None,
        "first": lambda model, values: _get_element(model, 0),
        "last": lambda model, values: _get_element(model, -1),
        "index": lambda model, values: _get_element(model, values[0] if values else None),
    }
)
FUNCTIONS = tuple(_FUNCTIONS)
"""The names of all functions."""
