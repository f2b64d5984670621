"""What pytest needs where mutmut runs it: `benchmarks.mutation` copies this to the top of its copy of the project."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator

import pytest

TIMEOUT = 36  # the exit status that mutmut counts as a time-out
WAITS = 4.0  # seconds in which a test that does not hang does something
LASTS = 10.0  # seconds of processor time, which no test takes

sys.setrecursionlimit(4_000)  # mutmut adds two frames to each call; less than what tests take for absurd nesting


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    """End the process when a changed line has a test hang: mutmut waits as long as all tests together may take."""
    ended = threading.Event()
    if "__mutmut_" in os.environ.get("MUTANT_UNDER_TEST", ""):
        threading.Thread(target=_exit_unless_set, args=(ended,), daemon=True).start()
    try:
        return (yield)
    finally:
        ended.set()


def _exit_unless_set(ended: threading.Event) -> None:
    """Exit when the process does nothing, or too much; how long a test takes says nothing on a busy machine."""
    started = used = time.process_time()
    while not ended.wait(WAITS):
        before, used = used, time.process_time()
        if used - before < 0.01 or used - started > LASTS:
            os._exit(TIMEOUT)
