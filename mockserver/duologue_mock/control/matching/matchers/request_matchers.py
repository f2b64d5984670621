"""Matchers of what a request is for: its method, and the operation that it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from duologue.contract import operations
from duologue.contract.core import Operation
from duologue_mock.control.errors import invalid
from duologue_mock.control.json_keys import find_nearest, show
from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.matching.matchers.path_template import PathTemplate
from duologue_mock.control.received import ReceivedRequest

ANY = "ANY"
GET_OR_HEAD = "GET_OR_HEAD"
_OTHER_METHOD = 0.1


@dataclass(frozen=True)
class MethodMatcher:
    """`method`: a method's name, `ANY` or `GET_OR_HEAD`."""

    expected: str

    def matches(self, method: str, evaluation: Evaluation) -> bool:
        """Whether a method is the expected one."""
        return self.expected in (method, ANY) or (self.expected == GET_OR_HEAD and method in ("GET", "HEAD"))

    def measure_distance(self, method: str, evaluation: Evaluation) -> float:
        """Return 0 or 1."""
        return 0.0 if self.matches(method, evaluation) else 1.0

    def describe(self) -> str:
        """Return what the method must be."""
        return self.expected


@dataclass(frozen=True)
class Exactly:
    """`scheme` and `port`: one value, from which all others are equally far."""

    expected: str | int

    def matches(self, value: str | int, evaluation: Evaluation) -> bool:
        """Whether a value is the expected one."""
        return value == self.expected

    def measure_distance(self, value: str | int, evaluation: Evaluation) -> float:
        """Return 0 or 1."""
        return 0.0 if value == self.expected else 1.0

    def describe(self) -> str:
        """Return what the value must be."""
        return str(self.expected)


@dataclass(frozen=True)
class OperationMatcher:
    """`operation`: the operation that a request's method and path are.

    Args:
        operation: an operation of the contract.
    """

    operation: Operation[Any]

    def matches(self, request: ReceivedRequest, evaluation: Evaluation) -> bool:
        """Whether a request is for the operation."""
        return request.operation is self.operation

    def measure_distance(self, request: ReceivedRequest, evaluation: Evaluation) -> float:
        """Return how far a request's path is from the operation's; a little where only the method differs."""
        if self.matches(request, evaluation):
            return 0.0
        return max(_OTHER_METHOD, PathTemplate(self.operation.route).measure_distance(request.path, evaluation))

    def describe(self) -> str:
        """Return what the request must be for."""
        return f"{self.operation.id} ({self.operation.method} {self.operation.route})"


def find_operation(name: Any, pointer: str) -> Operation[Any]:
    """Return an operation by its id, as `users.LIST`.

    Args:
        name: the JSON.
        pointer: where it is (RFC 6901).

    Raises:
        ControlError: there is none of that name.
    """
    known = {operation.id: operation for operation in operations()}
    if isinstance(name, str) and name in known:
        return known[name]
    nearest = find_nearest(name, known) if isinstance(name, str) else None
    hint = f"Did you mean {nearest}?" if nearest else f"Known are {', '.join(known)}."
    raise invalid(pointer, f"There is no operation {show(name)}. {hint}")
