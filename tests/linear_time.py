"""That time grows in proportion to the length of a hostile text, measured as processor time."""

from __future__ import annotations

import time
from collections.abc import Callable

SHORT, LONG = 600, 4_800
"""Characters: eight times the length takes eight times as long, or less; a quadratic pattern takes 64 times as long."""
MAX_RATIO = 30
ENDINGS = ("", "\n!", "\0")
"""What a pattern fails at after it has matched the rest."""


def measure(work: Callable[[], object]) -> float:
    """Return the processor time of the fastest of a few runs, none of them too short to be measured."""
    fastest = float("inf")
    for _ in range(3):
        started, runs, elapsed = time.process_time(), 0, 0.0
        while elapsed < 0.0005:
            work()
            runs += 1
            elapsed = time.process_time() - started
        fastest = min(fastest, elapsed / runs)
    return fastest


def check_linear(read: Callable[[str], object], piece: str) -> None:
    """Fail unless reading a text of many such pieces takes linear time, whatever it ends with."""
    for ending in ENDINGS:
        short, long = (piece * (size // len(piece)) + ending for size in (SHORT, LONG))
        ratio = measure(lambda text=long: read(text)) / measure(lambda text=short: read(text))  # type: ignore[misc]
        assert ratio < MAX_RATIO, ending
