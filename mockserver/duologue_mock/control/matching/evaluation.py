"""What matching one request may cost, and what is computed once for all patterns that look at it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import orjson

_SECONDS = 0.04
"""For the regular expressions of all patterns together: one thread serves everything, and is not held for longer."""
_STEPS = 40_000
"""JSON values that all patterns together may visit; a visit takes about a microsecond."""
_MAX_JSON_DEPTH = 64
_MAX_EXCEEDED = 10


class BudgetError(Exception):
    """Matching a request has taken as much work as it may."""


class Evaluation:
    """The matching of one request with any number of patterns.

    It bounds the work that patterns can cause. A matcher that runs out of it does not match, and `exceeded` says so.

    Args:
        seconds: processor time for regular expressions.
        steps: JSON values that may be visited.
        timer: what measures the seconds.
    """

    def __init__(
        self, seconds: float = _SECONDS, steps: int = _STEPS, *, timer: Callable[[], float] = time.perf_counter
    ) -> None:
        self.exceeded: list[str] = []
        """A sentence about each matcher that ran out of time or steps, the first ten of them."""
        self.overruns = 0
        """How often a matcher ran out of time or steps."""
        self._seconds = seconds
        self._steps = steps
        self._timer = timer
        self._json: dict[str, Any] = {}

    def match_timed(self, work: Callable[[float], bool], what: str) -> bool:
        """Return what `work` returns, or False if the seconds do not suffice.

        Args:
            work: gets the seconds that are left; raises TimeoutError when they are over.
            what: names the work in `exceeded`.
        """
        if self._seconds > 0:
            started = self._timer()
            try:
                return work(self._seconds)
            except TimeoutError:
                self._seconds = 0.0
            finally:
                self._seconds -= self._timer() - started
        self._report(what)
        return False

    def match_counted(self, work: Callable[[], bool], what: str) -> bool:
        """Return what `work` returns, or False if it takes more steps than are left.

        Args:
            work: calls `take_steps`.
            what: names the work in `exceeded`.
        """
        try:
            return work()
        except BudgetError:
            self._report(what)
            return False

    def match_within(self, is_within: bool, what: str) -> bool:
        """Return whether work that cannot be interrupted is within its bound.

        Args:
            is_within: whether it is.
            what: names the work in `exceeded`.
        """
        if not is_within:
            self._report(what)
        return is_within

    def take_steps(self, count: int = 1) -> None:
        """Count JSON values that are visited.

        Raises:
            BudgetError: there were too many.
        """
        self._steps -= count
        if self._steps < 0:
            raise BudgetError

    def load_json(self, text: str) -> Any:
        """Return the JSON of a text; it is parsed once for all patterns.

        Raises:
            ValueError: the text is not JSON, or nested too deeply.
        """
        try:
            value = self._json[text]
        except KeyError:
            value = self._json[text] = _load_json(text)
        if isinstance(value, ValueError):
            raise value
        return value

    def _report(self, what: str) -> None:
        self.overruns += 1
        sentence = f"{what} takes too long with this request; it counts as no match."
        if len(self.exceeded) < _MAX_EXCEEDED and sentence not in self.exceeded:
            self.exceeded.append(sentence)


def _load_json(text: str) -> Any:
    """Return the JSON of a text, or the error that it is none."""
    try:
        value = orjson.loads(text)
    except ValueError as error:
        return error
    is_deep = text.count("{") + text.count("[") > _MAX_JSON_DEPTH and _measure_depth(value) > _MAX_JSON_DEPTH
    return ValueError("nested too deeply") if is_deep else value


def _measure_depth(value: Any) -> int:
    depth, level = 0, _select_containers([value])
    while level:
        depth += 1
        level = [inner for one in level for inner in _select_containers(one.values() if isinstance(one, dict) else one)]
    return depth


def _select_containers(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if isinstance(value, dict | list)]
