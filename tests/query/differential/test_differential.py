"""The same random scenarios with the real TanStack Query (v4, under Node) and with ours have equal traces.

Before an intended difference the driver ends the comparison of a scenario; `DIFFERENCES` explains each.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from tests.node_packages import find_node
from tests.query.differential.duologue_driver import Play
from tests.query.differential.node_driver import HERE, play
from tests.query.differential.scenarios import name_observers, scenario, set_before_observed

pytestmark = pytest.mark.node

DIFFERENCES = {
    "invalidation-during-fetch": "TanStack Query forgets it when the response arrives, though the server may have read "
    "the data before. Here the data stays out of date, and a query with observers is fetched once more.",
    "cancel-keeps-what-was-set": "Cancelling a fetch reverts the state, and in version 4 also what was set by hand or "
    "invalidated meanwhile. Here that stays, as in version 5.",
    "removed-while-observed": "Observers of a removed query see it fetching without end. Here they see it idle.",
    "retries-for-those-who-wait": "When the last observer leaves, a failed fetch is not retried, although others "
    "wait for its promise. Here it is retried while a thread waits for it.",
    "no-function-no-fetch": "Refetching data that was only set by hand results in an error. Here the data stays.",
    "what-was-reset-is-collected": "A query without observers that was reset is never collected.",
}
"""What ends the comparison of a scenario, and why."""

OTHER_DIFFERENCES = (
    "A running function cannot be interrupted, so `cancel` takes effect when it returns; and a thread whose fetch was "
    "replaced gets the result of the newer one, not an error: results of cancelled calls are not compared.",
    "Observers are not notified when data becomes stale, since there is no timer; `is_stale` is right when it is read.",
    "The first page has a parameter, as in version 5.",
)
"""What is not compared in any scenario."""

BATCHES = 8
BATCH = 60


@pytest.fixture(scope="session")
def node() -> str:
    return find_node(HERE)


def ignore_cancelled(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """Return our trace with their results of cancelled calls, which are not compared."""
    cancelled = {call: result for call, result in theirs["results"].items() if result == "cancelled"}
    return {**ours, "results": {**ours["results"], **cancelled}}


@pytest.mark.parametrize("batch", range(BATCHES))
def test_traces_are_equal(batch: int, node: str) -> None:
    ended = compare(node, [name_observers(scenario(seed)) for seed in range(batch * BATCH, (batch + 1) * BATCH)])
    assert ended[None] > BATCH / 4, "most scenarios should be compared to their end"


def test_set_before_observed(node: str) -> None:
    ended = compare(node, [name_observers(set_before_observed(seed)) for seed in range(200)])
    assert ended[None] > 50


def compare(node: str, scenarios: list[dict[str, Any]]) -> Counter[str | None]:
    """Assert that the traces of scenarios are equal, and return how many ended for which reason."""
    ended = Counter[str | None]()
    for played, reference in zip(scenarios, play(node, scenarios), strict=True):
        ended[reference["difference"]] += 1
        traces = json.loads(json.dumps(Play(played).run(len(reference["steps"]))))
        for number, (ours, theirs) in enumerate(zip(traces, reference["steps"], strict=True)):
            so_far = json.dumps(played["steps"][: number + 1], indent=1)
            assert ignore_cancelled(ours, theirs) == theirs, f"seed {played['seed']}, settings {played}, after {so_far}"
    print(dict(ended))
    assert set(ended) <= {None, *DIFFERENCES}
    return ended


def test_differences_occur(node: str) -> None:
    traces = play(node, [name_observers(scenario(seed)) for seed in range(BATCHES * BATCH)])
    assert {trace["difference"] for trace in traces} == {None, *DIFFERENCES}
