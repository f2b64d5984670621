"""Waiting for what another thread or process does, where there is no event to wait for."""

from __future__ import annotations

import time
from collections.abc import Callable


def eventually(condition: Callable[[], bool], *, within: float = 10.0) -> bool:
    """Return whether a condition becomes true within so many seconds."""
    until = time.monotonic() + within
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True
