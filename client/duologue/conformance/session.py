"""What every run needs: the requests of each test are recorded, and compared with what it is marked to cover."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from duologue.conformance.rules import get_rule
from duologue.conformance.target.caller import Record
from duologue.conformance.target.server import Server

SAFE = {"GET", "HEAD", "OPTIONS"}
RECORDS = pytest.StashKey[list[Record]]()
"""Where a test's item has the records of what it sent."""
LEFT_OVER = pytest.StashKey[list[str]]()
"""Where the configuration has what could not be removed at the end of a run, by no test that has a report."""


def watch(item: pytest.Item, server: Server) -> None:
    """Remember what a test sends to a server."""
    item.stash.setdefault(RECORDS, []).append(server.record)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that covers other statuses than its mark says, or changes something though its rule says not."""
    result = yield
    _check_coverage(item)
    _check_methods(item)
    return result


def _check_coverage(item: pytest.Item) -> None:
    claimed = {(mark.args[0].id, int(status)) for mark in item.iter_markers("covers") for status in mark.args[1:]}
    seen = {pair for record in item.stash.get(RECORDS, []) for pair in record.statuses()}
    assert claimed <= seen, f"the test is marked to cover {sorted(claimed - seen)}, but no response had such a status"


def _check_methods(item: pytest.Item) -> None:
    """Keep the promise of `--read-only`, on which people rely where data are real."""
    rule = get_rule(item)
    if rule is None or not rule.reads_only:
        return
    methods = {request.method for record in item.stash.get(RECORDS, []) for request in record.requests}
    assert methods <= SAFE, f"{rule.id} says that it reads only, but its test sends {sorted(methods - SAFE)}"
