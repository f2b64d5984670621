"""How far two texts are apart: what near misses are sorted by."""

from __future__ import annotations

from rapidfuzz.distance import Levenshtein

from duologue_mock.control.matching.evaluation import Evaluation

_MAX_COMPARED = 2_000
"""Characters of each text that are compared: the time it takes does not depend on the length beyond."""
_CELLS = 40
"""Pairs of characters that are compared in the time in which one character is read."""


def measure_text_distance(expected: str, actual: str | None, evaluation: Evaluation) -> float:
    """Return the Levenshtein distance of two texts in relation to the longer one: from 0 (equal) to 1.

    Args:
        expected: one text.
        actual: the other; None is as far as can be.
        evaluation: counts the work. Two texts that there is no time to compare are as far as can be.
    """
    if actual is None:
        return 1.0
    if expected == actual:
        return 0.0
    longer = max(len(expected), len(actual))
    cells = min(len(expected), _MAX_COMPARED) * min(len(actual), _MAX_COMPARED)
    if not evaluation.can_read(cells // _CELLS, "Comparing with", expected):
        return 1.0
    if longer <= _MAX_COMPARED:
        return Levenshtein.distance(expected, actual) / longer
    start = Levenshtein.distance(expected[:_MAX_COMPARED], actual[:_MAX_COMPARED]) / _MAX_COMPARED
    shorter = min(len(expected), len(actual))
    return max(start * min(_MAX_COMPARED, shorter) / longer, 1 - shorter / longer, 1 / longer)
