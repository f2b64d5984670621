"""Matching with Java's regular expressions, in a bounded time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import regex

from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.matching.java_regex.escapes import RegexSyntaxError
from duologue_mock.control.matching.java_regex.translation import Translated, translate_java_regex

if TYPE_CHECKING:
    from regex import Pattern

_FEW_STEPS = 20_000
"""Steps that need not be measured. To measure takes ten times as long as a usual expression."""
_NAME = "The regular expression"
_CHARACTERS = 20
"""Characters that are counted for each step."""


@dataclass(frozen=True)
class JavaRegex:
    """A regular expression of Java; it matches whole texts, and its dot matches a line's end.

    Args:
        expression: the expression.

    Raises:
        RegexSyntaxError: it is not Java's, or not served here.
    """

    expression: str
    _translated: Translated = field(init=False, compare=False, repr=False)
    _pattern: Pattern[str] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        translated = translate_java_regex(self.expression)
        object.__setattr__(self, "_translated", translated)
        object.__setattr__(self, "_pattern", _compile(translated.expression))

    def matches(self, text: str, evaluation: Evaluation) -> bool:
        """Whether the whole text matches. One that runs out of time does not."""
        translated = self._translated
        if not text.startswith(translated.prefix):
            return False
        if not translated.is_nested:
            steps = translated.choices * (1 + len(text)) ** translated.repetitions
            if steps < _FEW_STEPS:
                is_affordable = evaluation.can_read(int(steps) * _CHARACTERS, _NAME, self.expression)
                return is_affordable and self._pattern.fullmatch(text) is not None
        return evaluation.match_timed(
            lambda seconds: self._pattern.fullmatch(text, timeout=seconds) is not None, _NAME, self.expression
        )


def _compile(expression: str) -> Pattern[str]:
    try:
        return regex.compile(expression, regex.VERSION1, cache_pattern=False)
    except (regex.error, ValueError, OverflowError, RecursionError) as error:
        raise RegexSyntaxError(f"Not a regular expression that is supported here: {str(error)[:100]}.") from None
