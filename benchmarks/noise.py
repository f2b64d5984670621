"""How much of the processor other programs took during a run. Interleaving spreads noise; it does not remove it.

Beside a busy neighbour a server of one thread and one of many lose unequally, so even the ratios change.
"""

from __future__ import annotations

import os

import psutil

QUIET = 0.1  # the share that others may take before the numbers are called into question


class Watch:
    """Runs from when it is made. Everything the benchmark starts must have ended when the share is asked for."""

    def __init__(self) -> None:
        self._busy, self._all = _machine()
        self._own = _own()

    def share_of_others(self) -> float:
        """The share of all cores' time, from 0 to 1, that went to others."""
        busy, all_ = _machine()
        others = (busy - self._busy) - (_own() - self._own)
        return max(0.0, others / max(all_ - self._all, 0.01))


def verdict(share: float) -> str:
    """What to make of it, in a sentence."""
    trust = "" if share <= QUIET else ": too much to trust these numbers, or their ratios; run it again on a quiet one"
    return f"meanwhile other programs used {share:.0%} of this machine{trust}"


def _machine() -> tuple[float, float]:
    times = psutil.cpu_times()
    # Interrupts are left out of what is busy: most of them are our own requests on their way through the loopback.
    # `steal` is what another guest of the same host took, where the system tells.
    busy = times.user + times.system + getattr(times, "nice", 0.0) + getattr(times, "steal", 0.0)
    return busy, busy + times.idle + getattr(times, "iowait", 0.0)


def _own() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
