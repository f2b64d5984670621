"""How much of the processor other programs used during a run. Interleaving spreads noise; it does not remove it.

Other load costs a single-threaded server and a multi-threaded one different shares, so it changes even the ratios.
"""

from __future__ import annotations

import os

import psutil

MAX_SHARE = 0.1  # the share of other programs above which the results are not reliable


class NoiseMeter:
    """Measures from its creation on. Everything that the benchmark starts must have ended before the share is read."""

    def __init__(self) -> None:
        self._busy, self._total = _read_machine_times()
        self._own = _read_own_time()

    def get_share_of_others(self) -> float:
        """Return the share of all cores' time, from 0 to 1, that other programs used."""
        busy, total = _read_machine_times()
        others = (busy - self._busy) - (_read_own_time() - self._own)
        return max(0.0, others / max(total - self._total, 0.01))


def format_share(share: float) -> str:
    """Return the share as a line of text, with a warning if it is too high."""
    warning = (
        "" if share <= MAX_SHARE else ": too much for reliable numbers or ratios; repeat the run on an idle machine"
    )
    return f"meanwhile other programs used {share:.0%} of this machine{warning}"


def _read_machine_times() -> tuple[float, float]:
    """Return the busy and the total seconds of all cores."""
    times = psutil.cpu_times()
    # Interrupts do not count as busy: most of them are our own requests passing through the loopback interface.
    # `steal` is what other guests of the same host used, where the system reports it.
    busy = times.user + times.system + getattr(times, "nice", 0.0) + getattr(times, "steal", 0.0)
    return busy, busy + times.idle + getattr(times, "iowait", 0.0)


def _read_own_time() -> float:
    """Return the processor seconds of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
