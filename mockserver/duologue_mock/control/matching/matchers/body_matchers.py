"""Matchers of a request's body."""

from __future__ import annotations

from dataclasses import dataclass

from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.matching.value_matchers import ValueMatcher
from duologue_mock.control.received import ReceivedRequest


@dataclass(frozen=True)
class BodyText:
    """A body as text; an empty one is absent."""

    matcher: ValueMatcher

    def matches(self, request: ReceivedRequest, evaluation: Evaluation) -> bool:
        """Whether the body matches."""
        return self.matcher.matches(request.body_text or None, evaluation)

    def measure_distance(self, request: ReceivedRequest, evaluation: Evaluation) -> float:
        """Return how far the body is from what it must be: from 0 to 1."""
        return self.matcher.measure_distance(request.body_text or None, evaluation)

    def describe(self) -> str:
        """Return what the body must be."""
        return self.matcher.describe()


@dataclass(frozen=True)
class BinaryEqualTo:
    """`binaryEqualTo`: the body's bytes."""

    expected: bytes

    def matches(self, request: ReceivedRequest, evaluation: Evaluation) -> bool:
        """Whether the body has the bytes."""
        return request.body == self.expected

    def measure_distance(self, request: ReceivedRequest, evaluation: Evaluation) -> float:
        """Return 0 or 1."""
        return 0.0 if request.body == self.expected else 1.0

    def describe(self) -> str:
        """Return what the body must be."""
        return f"{len(self.expected)} bytes, {self.expected[:20].hex(' ')}{' …' if len(self.expected) > 20 else ''}"


BodyMatcher = BodyText | BinaryEqualTo
