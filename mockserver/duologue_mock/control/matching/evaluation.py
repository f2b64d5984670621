"""What matching one request may cost, and what is computed once for all patterns that look at it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import orjson

from duologue_mock.control.json_keys import show

_SECONDS = 0.04
"""For all patterns together: one thread serves everything, and is not held for longer."""
_STEP = 1.5e-6
"""Seconds that are counted for visiting one JSON value. Counting is cheaper than measuring, and always the same."""
_CHARACTER = 1e-9
"""Seconds that are counted for reading one character in C."""
_PARSED_CHARACTER = 10
"""Characters that are counted for each one that is parsed as JSON."""
_MIN_COUNTED = 256
"""Characters; reading fewer takes less time than counting them."""
_MAX_JSON_DEPTH = 64
_MAX_EXCEEDED = 10


class BudgetError(Exception):
    """Matching a request has taken as much work as it may."""


class Evaluation:
    """The matching of one request with any number of patterns.

    It bounds the work that patterns can cause. A matcher that runs out of it does not match, and `exceeded` says so.

    Args:
        seconds: processor time: measured for regular expressions, counted for all else.
        timer: what measures the seconds.
    """

    def __init__(self, seconds: float = _SECONDS, *, timer: Callable[[], float] = time.thread_time) -> None:
        self.exceeded: list[str] = []
        """A sentence about each matcher that ran out of time, the first ten of them."""
        self.overruns = 0
        """How often a matcher ran out of time."""
        self._seconds = seconds
        self._timer = timer
        self._json: dict[str, Any] = {}

    def renew(self, seconds: float = _SECONDS) -> Evaluation:
        """Return an evaluation with new seconds, that need not parse again what this one has parsed."""
        renewed = Evaluation(seconds, timer=self._timer)
        renewed._json = self._json
        return renewed

    def match_timed(self, work: Callable[[float], bool], what: str, value: Any = None) -> bool:
        """Return what `work` returns, or False if the seconds do not suffice.

        Args:
            work: gets the seconds that are left; raises TimeoutError when they are over.
            what: names the work in `exceeded`.
            value: what is shown after that.
        """
        if self._seconds > 0:
            started = self._timer()
            try:
                return work(self._seconds)
            except TimeoutError:
                self._seconds = 0.0
            finally:
                self._seconds -= self._timer() - started
        self._report(what, value)
        return False

    def match_counted(self, work: Callable[[], bool], what: str, value: Any = None) -> bool:
        """Return what `work` returns, or False if it takes more steps than the seconds suffice for.

        Args:
            work: calls `take_steps`.
            what: names the work in `exceeded`.
            value: what is shown after that.
        """
        try:
            return work()
        except BudgetError:
            self._report(what, value)
            return False

    def take_steps(self, count: int = 1) -> None:
        """Count JSON values that are visited.

        Raises:
            BudgetError: there are too many.
        """
        self._seconds -= count * _STEP
        if self._seconds < 0:
            raise BudgetError

    def can_read(self, characters: int, what: str, value: Any = None) -> bool:
        """Count characters that are about to be read; return whether the seconds suffice.

        Args:
            characters: how many. Few cost nothing.
            what: names the work in `exceeded`.
            value: what is shown after that.
        """
        if characters > _MIN_COUNTED:
            self._seconds -= characters * _CHARACTER
            if self._seconds < 0:
                self._report(what, value)
                return False
        return True

    def load_json(self, text: str) -> Any:
        """Return the JSON of a text; it is parsed once for all patterns.

        Raises:
            ValueError: the text is not JSON, or nested too deeply.
        """
        value = self._json.get(text, self)
        if value is self:
            if not self.can_read(len(text) * _PARSED_CHARACTER, "Parsing a text as JSON"):
                raise ValueError("too long to be parsed in time")
            value = self._json[text] = _load_json(text)
        if isinstance(value, ValueError):
            raise value
        return value

    def _report(self, what: str, value: Any) -> None:
        self.overruns += 1
        name = what if value is None else f"{what} {show(value)}"
        sentence = f"{name} takes too long with this request; it counts as no match."
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
