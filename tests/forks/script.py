"""What the scripts that fork share: they run in a process of their own, so that the tests' process is never forked."""

from __future__ import annotations

import faulthandler
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

TIMEOUT = 30.0
"""Seconds after which a child hangs."""

ROOT = Path(__file__).parents[2]


def run_script(module: str, case: str) -> str:
    """Run a case of a module in a process of its own, and return what it printed; it must end in time, and well."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-m", module, case]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3 * TIMEOUT, check=False)
    assert process.returncode == 0, f"{process.stdout}\n{process.stderr}"
    return process.stdout


def fork(check: Callable[[], object]) -> None:
    """Fork, run a check in the child, and assert that it ends, and well."""
    child = os.fork()
    if child == 0:
        status = 1
        faulthandler.dump_traceback_later(TIMEOUT, exit=True)
        try:
            check()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0, "the child failed, or hung"


class Blocked:
    """A call on a thread of its own that lasts until `release`; `function` is what blocks."""

    def __init__(self, call: Callable[[Callable[..., Any]], Any]) -> None:
        self.started, self._released = threading.Event(), threading.Event()
        self.result: Any = None
        self._thread = threading.Thread(target=self._run, args=(call,), daemon=True)
        self._thread.start()
        assert self.started.wait(TIMEOUT)

    def function(self, *_: object) -> str:
        self.started.set()
        assert self._released.wait(TIMEOUT)
        return "parent"

    def release(self) -> Any:
        """Let the call end, and return its result."""
        self._released.set()
        self._thread.join(TIMEOUT)
        assert not self._thread.is_alive()
        return self.result

    def _run(self, call: Callable[[Callable[..., Any]], Any]) -> None:
        self.result = call(self.function)
