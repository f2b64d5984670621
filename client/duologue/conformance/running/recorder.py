"""Where the tests run: each report of a test carries what the run wants to know of it.

With several workers the reports go from process to process, so what is recorded is JSON values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from dataclasses import asdict
from typing import Any

import pytest

from duologue.conformance.generated.generation import GENERATED
from duologue.conformance.rules import Rule, get_rule
from duologue.conformance.running.failures import build_failure, is_connection_error
from duologue.conformance.running.preflight import is_reachable
from duologue.conformance.running.selection import Selection, SelectionError
from duologue.conformance.session import LEFT_OVER, RECORDS
from duologue.conformance.target.caller import Record
from duologue.conformance.target.checks import CHECKS


class Recorder:
    """The part of the plugin that sees the tests.

    Args:
        selection: what to judge.
        seed: what generated cases come from.
    """

    def __init__(self, selection: Selection, seed: int) -> None:
        self._selection = selection
        self._seed = seed
        self._running: pytest.Item | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out tests of rules that are not judged, and run the others by stage; refuse names that no rule has."""
        try:
            if self._selection.only or self._selection.skip:  # with `-k`, there may be no rules at all
                rules = [rule for rule in map(get_rule, items) if rule is not None]
                self._selection.check([*rules, *(check.rule for check in CHECKS)])
        except SelectionError as error:
            pytest.exit(str(error), returncode=pytest.ExitCode.USAGE_ERROR)
        selected = self._select(items)
        left_out = [item for item in items if item not in selected]
        items[:] = [item for item in items if item in selected]
        if all(map(get_rule, items)):
            items.sort(key=_get_stage)
            items.sort(key=_is_generated, reverse=hasattr(config, "workerinput"))
        config.hook.pytest_deselected(items=left_out)

    def _select(self, items: list[pytest.Item]) -> set[pytest.Item]:
        cases: dict[Rule | None, list[pytest.Item]] = {}
        for item in filter(self._selects, items):
            cases.setdefault(get_rule(item), []).append(item)
        return {
            item for rule, members in cases.items() for item in (self._selection.thin(members) if rule else members)
        }

    def _selects(self, item: pytest.Item) -> bool:
        rule = get_rule(item)
        return rule is None or (self._selection.includes(rule) and not self._selection.get_obstacle(rule))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add the entry `conformance` to the report."""
        report = yield
        rule = get_rule(item)
        if rule is not None:
            # An attribute goes from worker to leader with the report; `user_properties` would end up in JUnit XML too.
            vars(report)["conformance"] = {"rule": rule.id, **self._build_entry(item, rule, call, report)}
        return report

    def _build_entry(
        self, item: pytest.Item, rule: Rule, call: pytest.CallInfo[None], report: pytest.TestReport
    ) -> dict[str, Any]:
        records = item.stash.get(RECORDS, [])
        entry: dict[str, Any] = {}
        if report.when == "teardown":
            self._running = None
            entry = _sum_up(records)
            item.stash[RECORDS] = []  # a run has thousands of responses
        if report.failed and call.excinfo is not None:
            error = call.excinfo.value
            entry["failure"] = asdict(build_failure(item, rule, error, records, self._seed))
            entry["gone"] = _has_lost_server(item, error)
        return entry

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Remember the test that runs."""
        self._running = item

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Pass on what the run, or an interrupted test, could not remove: no report of a teardown has it."""
        left_over = session.config.stash.setdefault(LEFT_OVER, [])
        records = self._running.stash.get(RECORDS, []) if self._running else []
        left_over += [text for record in records for text in record.left_over]
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["left_over"] = left_over


def _get_stage(item: pytest.Item) -> int:
    rule = get_rule(item)
    return rule.stage if rule else 0


def _is_generated(item: pytest.Item) -> bool:
    """Return whether a test waits for Schemathesis: at the end, or first of all where others run beside it."""
    rule = get_rule(item)
    return rule is not None and rule.id == GENERATED


def _has_lost_server(item: pytest.Item, error: BaseException) -> bool:
    """Return whether a test failed because the server does not respond any more."""
    server = getattr(item, "funcargs", {}).get("server")
    url = server.base_url if server else item.config.getoption("--duologue-url")
    return bool(url) and is_connection_error(error) and not is_reachable(url)


def _sum_up(records: list[Record]) -> dict[str, Any]:
    """Return what a test has sent, received and left over."""
    responses = Counter(pair for record in records for pair in record.responses())
    return {
        "requests": sum(len(record.requests) + len(record.generated) for record in records),
        "responses": [[operation, status, count] for (operation, status), count in responses.items()],
        "events": dict(Counter(name for record in records for name in record.events)),
        "left_over": [text for record in records for text in record.left_over],
    }
