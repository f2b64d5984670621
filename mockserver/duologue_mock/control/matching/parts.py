"""The parts of a request that a pattern looks at, and what each must be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.received import ReceivedRequest


class PartMatcher(Protocol):
    """What a value of a request must be."""

    def matches(self, value: Any, evaluation: Evaluation) -> bool:
        """Whether the value is as it must be."""

    def measure_distance(self, value: Any, evaluation: Evaluation) -> float:
        """Return how far it is from that: from 0 (it matches) to 1."""

    def describe(self) -> str:
        """Return what it must be, for people."""


@dataclass(frozen=True)
class Item:
    """One value of a request, and what it must be.

    Args:
        label: names the value for people: `header X-Trace`.
        matcher: what it must be.
        select: takes the value out of a request.
    """

    label: str
    matcher: PartMatcher
    select: Callable[[ReceivedRequest, Evaluation], Any] = field(compare=False, repr=False)

    def matches(self, request: ReceivedRequest, evaluation: Evaluation) -> bool:
        """Whether the request's value is as it must be."""
        return self.matcher.matches(self.select(request, evaluation), evaluation)

    def measure_distance(self, request: ReceivedRequest, evaluation: Evaluation) -> float:
        """Return how far it is from that: from 0 (it matches) to 1."""
        distance = self.matcher.measure_distance(self.select(request, evaluation), evaluation)
        return min(max(distance, 0.0), 1.0)


@dataclass(frozen=True)
class Part:
    """A part of a request: its URL, its headers, its body.

    Args:
        weight: how much it counts in the distance of a request.
        items: what it consists of; all must match.
    """

    weight: int
    items: tuple[Item, ...]

    def measure_distance(self, request: ReceivedRequest, evaluation: Evaluation) -> float:
        """Return the weighted mean of its items' distances."""
        distances = [item.measure_distance(request, evaluation) for item in self.items]
        return self.weight * sum(distances) / len(distances)
