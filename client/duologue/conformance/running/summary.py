"""The end of a run under pytest's own reporter: the grouped failures."""

from __future__ import annotations

import pytest

from duologue.conformance.reports.console import render_report
from duologue.conformance.running.collector import Collector
from duologue.conformance.running.outcomes import build_result
from duologue.conformance.running.selection import Selection
from duologue.conformance.target.target import Target


class TerminalSummary:
    """Prints the report where rules were broken, or where a server was named.

    Args:
        collector: what has collected the reports.
        selection: what was to be judged.
        seed: what generated cases came from.
    """

    def __init__(self, collector: Collector, selection: Selection, seed: int) -> None:
        self._collector = collector
        self._selection = selection
        self._seed = seed

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        """Print the report."""
        url = config.getoption("--duologue-url")
        if not self._collector.tallies or not (url or self._collector.failures):
            return
        target = Target.from_urls(url or "http://localhost", config.getoption("--duologue-chat-url"), api_key="")
        terminalreporter.section("contract")
        without = config.getoption("--duologue-without")
        for line in render_report(build_result(self._collector, target, self._selection, self._seed, without=without)):
            terminalreporter.write_line(line)
