"""How far a run is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from duologue.conformance.running.collector import Progress

STEPS = 10
"""Lines of a whole run where there is no terminal."""


@contextmanager
def show_progress(stream: TextIO) -> Iterator[Callable[[Progress], None]]:
    """Show progress while a run lasts; call what it returns after each test.

    Args:
        stream: where to write.
    """
    if not stream.isatty():
        yield _PlainLines(stream)
        return
    with _open_bar(stream) as update:
        yield update


@contextmanager
def _open_bar(stream: TextIO) -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Bar(*columns, console=Console(file=stream), transient=True) as bar:
        task = bar.add_task("tests", total=None)
        yield lambda progress: bar.update(
            task, total=progress.total, completed=progress.done, description=_describe(progress)
        )


def _describe(progress: Progress) -> str:
    return f"tests, {progress.failures} failed" if progress.failures else "tests"


class _PlainLines:
    """A line for each tenth of a run."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._start = time.monotonic()
        self._step = 0

    def __call__(self, progress: Progress) -> None:
        step = STEPS * progress.done // max(progress.total, 1)
        if step > self._step:
            self._step = step
            seconds = time.monotonic() - self._start
            self._stream.write(f"{progress.done} of {progress.total} {_describe(progress)}, {seconds:.0f} s\n")
            self._stream.flush()
