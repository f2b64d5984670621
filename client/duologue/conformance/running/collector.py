"""Where a run is led: it collects the reports of all tests, from whichever worker, and ends the run early."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from duologue.conformance.running.result import Failure
from duologue.conformance.session import LEFT_OVER

GONE = "The server does not respond any more."


@dataclass(slots=True)
class Tally:
    """What was seen of one rule."""

    cases: int = 0
    duration: float = 0.0
    reasons: list[str] = field(default_factory=list)
    """Why tests of it were skipped."""


@dataclass(slots=True)
class Progress:
    """How far a run is.

    Args:
        total: tests to run.
        done: tests that have run.
        failures: failures so far.
    """

    total: int = 0
    done: int = 0
    failures: int = 0


class Collector:
    """The part of the plugin that sees the reports.

    Args:
        max_time: seconds after which the run ends; None for no end.
        on_progress: called after each test.
    """

    def __init__(
        self, *, max_time: float | None = None, on_progress: Callable[[Progress], None] = lambda progress: None
    ) -> None:
        self.tallies: dict[str, Tally] = {}
        self.failures: list[Failure] = []
        self.responses: Counter[tuple[str, int]] = Counter()
        self.events: Counter[str] = Counter()
        self.requests = 0
        self.left_over: list[str] = []
        self.stopped = ""
        self.refused = ""
        self.progress = Progress()
        self.started = time.time()
        self._max_time = max_time
        self._on_progress = on_progress
        self._deadline = float("inf") if max_time is None else time.monotonic() + max_time
        self._session: pytest.Session | None = None

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Remember the session, which `stop` ends."""
        self._session = session

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count the tests."""
        self.progress.total = len(session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: object, ids: list[str]) -> None:
        """Count the tests: every worker collects all of them."""
        self.progress.total = len(ids)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add a report of one phase of a test."""
        entry: dict[str, Any] = getattr(report, "conformance", {})
        if not entry:
            return
        self._count(report, entry)
        self._collect(entry)
        if report.when == "teardown":
            self.progress.done += 1
            self._on_progress(self.progress)
            if time.monotonic() > self._deadline:
                self.stop(f"Time is up: --max-time {self._max_time:g} seconds.")

    def _count(self, report: pytest.TestReport, entry: dict[str, Any]) -> None:
        tally = self.tallies.setdefault(entry["rule"], Tally())
        tally.duration += report.duration
        broken = entry.get("failure", {}).get("rule", entry["rule"])
        if report.skipped:
            tally.reasons.append(_get_reason(report))
        elif broken != entry["rule"]:
            tally.reasons.append(f"its test ended when {broken} was broken")
        elif report.when == "call" or report.failed:
            tally.cases += 1

    def _collect(self, entry: dict[str, Any]) -> None:
        if entry.get("gone"):
            self.stop(GONE)
        elif "failure" in entry:
            self.failures.append(Failure.from_dict(entry["failure"]))
            self.progress.failures += 1
        self.requests += entry.get("requests", 0)
        self.responses.update({(operation, status): count for operation, status, count in entry.get("responses", ())})
        self.events.update(entry.get("events", {}))
        self.left_over += entry.get("left_over", ())

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Take why the run was ended by its own parts."""
        if isinstance(excinfo.value, pytest.exit.Exception):
            self.refused = str(excinfo.value.msg)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take what a worker says at its end."""
        self.left_over += getattr(node, "workeroutput", {}).get("left_over", ())

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Take what an interrupted test could not remove."""
        left_over: list[str] = session.config.stash.get(LEFT_OVER, [])
        self.left_over += left_over

    def stop(self, reason: str) -> None:
        """End the run after the test that runs; the first reason counts."""
        self.stopped = self.stopped or reason
        assert self._session is not None
        self._session.shouldstop = reason
        workers = self._session.config.pluginmanager.get_plugin("dsession")
        if workers is not None:
            workers.shouldstop = reason


def _get_reason(report: pytest.TestReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")
