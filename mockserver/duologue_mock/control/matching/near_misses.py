"""Near misses: the patterns nearest to a request, and the requests nearest to a pattern."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.matching.request_pattern import RequestPattern
from duologue_mock.control.received import ReceivedRequest

T = TypeVar("T")

MAX_NEAR_MISSES = 3
_REQUEST_LINE_WEIGHT = 39
"""Of scheme (3), host (10), port (10), client (3), URL (10) and method (3), whether a pattern has them or not."""
_DETAILS_WEIGHT = 7
"""Of path parameters, headers, query parameters, form parameters, cookies, body and, in WireMock, multipart."""
_AT_A_TIME = 50
"""Candidates that are looked at before others get their turn."""
_SECONDS_AFTER_OVERRUN = 0.001
"""For the regular expressions of a request, once one has run out of time with another request."""


@dataclass(frozen=True)
class NearMiss(Generic[T]):
    """A candidate that is near.

    Args:
        candidate: a stub, or a recorded request.
        distance: from 0 (it matches) to 1.
    """

    candidate: T
    distance: float


def measure_distance(pattern: RequestPattern, request: ReceivedRequest, evaluation: Evaluation | None = None) -> float:
    """Return how far a request is from a pattern: from 0 (it matches) to 1, as WireMock computes it.

    Parameters, headers, cookies and the body count only where URL and method match.

    Args:
        pattern: the pattern.
        request: the request.
        evaluation: what bounds the work.
    """
    evaluation = evaluation or Evaluation()
    distance = sum(part.measure_distance(request, evaluation) for part in pattern.request_line)
    if distance > 0:
        return distance / _REQUEST_LINE_WEIGHT
    distance = sum(part.measure_distance(request, evaluation) for part in pattern.details)
    return distance / (_REQUEST_LINE_WEIGHT + _DETAILS_WEIGHT)


def find_nearest_patterns(
    request: ReceivedRequest,
    candidates: Iterable[tuple[T, RequestPattern]],
    pause: Callable[[], None] | None = None,
) -> list[NearMiss[T]]:
    """Return the candidates whose patterns are nearest to a request: three at most, nearest first.

    Args:
        request: the request.
        candidates: each with its pattern; of two that are equally near, the first comes first.
        pause: lets others have their turn, as looking at thousands of candidates takes a while.
    """
    evaluation = Evaluation()

    def measure(candidate: tuple[T, RequestPattern]) -> float:
        nonlocal evaluation
        overruns = evaluation.overruns
        distance = measure_distance(candidate[1], request, evaluation)
        evaluation = evaluation.renew(_SECONDS_AFTER_OVERRUN) if evaluation.overruns > overruns else evaluation.renew()
        return distance

    return _select_nearest(candidates, measure, pause or _continue)


def find_nearest_requests(
    pattern: RequestPattern,
    candidates: Iterable[tuple[T, ReceivedRequest]],
    pause: Callable[[], None] | None = None,
) -> list[NearMiss[T]]:
    """Return the candidates whose requests are nearest to a pattern: three at most, nearest first.

    Args:
        pattern: the pattern.
        candidates: each with its request; of two that are equally near, the first comes first.
        pause: lets others have their turn, as looking at thousands of candidates takes a while.
    """
    overruns = 0

    def measure(candidate: tuple[T, ReceivedRequest]) -> float:
        nonlocal overruns
        evaluation = Evaluation(seconds=_SECONDS_AFTER_OVERRUN) if overruns else Evaluation()
        distance = measure_distance(pattern, candidate[1], evaluation)
        overruns += evaluation.overruns
        return distance

    return _select_nearest(candidates, measure, pause or _continue)


C = TypeVar("C")


def _select_nearest(
    candidates: Iterable[tuple[T, C]], measure: Callable[[tuple[T, C]], float], pause: Callable[[], None]
) -> list[NearMiss[T]]:
    nearest: list[NearMiss[T]] = []
    for count, candidate in enumerate(list(candidates), 1):
        nearest.append(NearMiss(candidate[0], measure(candidate)))
        if count % _AT_A_TIME == 0:
            nearest = _sort(nearest)
            pause()
    return _sort(nearest)


def _sort(near_misses: list[NearMiss[T]]) -> list[NearMiss[T]]:
    return sorted(near_misses, key=lambda one: one.distance)[:MAX_NEAR_MISSES]


def _continue() -> None:
    """Let no one else have a turn."""
