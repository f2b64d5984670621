"""Times of what runs in a process of its own: starting a mock in a test, a test's fixture, `duologue exec`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

TESTS = 300

_START_SCRIPT = """
import json, time
from duologue_mock import MockServer
MockServer().start().stop()
times = []
for _ in range({repeat}):
    mock = MockServer()
    begun = time.perf_counter()
    mock.start()
    started = time.perf_counter()
    mock.stop()
    times.append((started - begun, time.perf_counter() - started))
print(json.dumps(times))
"""
_TESTS = """
import pytest

@pytest.mark.parametrize("number", range({count}))
def test_one(number{fixture}):
    pass
"""


def measure_start(repeat: int) -> tuple[float, float]:
    """Return the medians of the milliseconds that a mock takes to start and to stop, once it is imported."""
    times = json.loads(_run(sys.executable, "-c", _START_SCRIPT.format(repeat=repeat)))
    return median(start for start, _ in times) * 1000, median(stop for _, stop in times) * 1000


def measure_fixture() -> float:
    """Return the milliseconds by which the fixture `duologue_mock` makes a test longer."""
    with tempfile.TemporaryDirectory(prefix="duologue-bench-") as name:
        without, fixture = (
            _time_tests(Path(name) / f"test_{number}.py", text) for number, text in enumerate(("", ", duologue_mock"))
        )
    return (fixture - without) * 1000 / TESTS


def _time_tests(path: Path, fixture: str) -> float:
    """Return the seconds from the first test to the end of the last, without what starts the session."""
    path.write_text(_TESTS.format(count=TESTS, fixture=fixture))
    report = path.with_suffix(".xml")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", str(path)]
    _run(*command, cwd=path.parent)
    text = report.read_text()
    times = [
        float(part.partition('"')[0]) for part in text.split("<testcase ")[1:] for part in part.split('time="')[1:2]
    ]
    return sum(sorted(times)[:-1])  # the longest is the first one, which starts the server


def measure_exec(repeat: int) -> float:
    """Return the median of the seconds that `duologue exec -- true` takes."""
    times = []
    for _ in range(min(repeat, 5)):
        started_at = time.perf_counter()
        _run(sys.executable, "-m", "duologue", "exec", "--", "true")
        times.append(time.perf_counter() - started_at)
    return median(times)


def _run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd=cwd)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)[:200]} failed: {done.stderr[-500:] or done.stdout[-500:]}")
    return done.stdout
