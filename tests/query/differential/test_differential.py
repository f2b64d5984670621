"""The same random scenarios with the real TanStack Query (v4, under Node) and with ours: what can be seen is equal.

Where we differ on purpose, the driver ends the comparison of a scenario just before; `DIFFERENCES` says why.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from tests.query.differential.duologue_driver import Play
from tests.query.differential.node_driver import install, play
from tests.query.differential.scenarios import scenario, with_observers_named

pytestmark = pytest.mark.node

DIFFERENCES = {
    "invalidation-during-fetch": "TanStack Query forgets it when the answer comes, though the server may have read the "
    "data before. Here the data stays out of date, and what is observed is fetched once more.",
    "cancel-keeps-what-was-set": "Calling off a fetch puts back the state from before it, and in version 4 with it "
    "whatever was set by hand or invalidated in between. Here that stays, as in version 5.",
    "removed-while-observed": "Observers of a removed query see it fetching for ever. Here they see it idle.",
    "retries-for-those-who-wait": "When the last observer leaves, a failed fetch is not tried again, although others "
    "wait for its promise. Here it is for as long as a thread waits for it.",
    "no-function-no-fetch": "Refetching data that was only ever set by hand makes an error of it. Here it stays.",
    "what-was-reset-is-collected": "A query that was reset, and that nobody observes, is never collected.",
}
"""What ends the comparison of a scenario."""

OTHER_DIFFERENCES = (
    "Who makes a call cannot be interrupted, so that `cancel` reaches it when its function returns; and whose fetch "
    "was replaced by a newer one gets the newer one's answer, not an error: results of cancelled calls are left out.",
    "Nobody is told of the moment when data becomes stale; there is no timer. `is_stale` says so to who looks.",
    "The first page's parameter is named, as in version 5.",
)
"""What is left out of every comparison."""

BATCHES = 8
BATCH = 60


@pytest.fixture(scope="session")
def node() -> str:
    return install()


def compared(seen: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """Return ours without what is not compared."""
    cancelled = {call: result for call, result in wanted["results"].items() if result == "cancelled"}
    return {**seen, "results": {**seen["results"], **cancelled}}


@pytest.mark.parametrize("batch", range(BATCHES))
def test_traces_are_equal(batch: int, node: str) -> None:
    scenarios = [with_observers_named(scenario(seed)) for seed in range(batch * BATCH, (batch + 1) * BATCH)]
    ended = Counter[str | None]()
    for made, theirs in zip(scenarios, play(node, scenarios), strict=True):
        ended[theirs["difference"]] += 1
        ours = json.loads(json.dumps(Play(made).run(len(theirs["steps"]))))
        for number, (seen, wanted) in enumerate(zip(ours, theirs["steps"], strict=True)):
            so_far = json.dumps(made["steps"][: number + 1], indent=1)
            assert compared(seen, wanted) == wanted, f"seed {made['seed']}, settings {made}, after {so_far}"
    print(dict(ended))
    assert set(ended) <= {None, *DIFFERENCES}
    assert ended[None] > BATCH / 4, "most scenarios are to be compared to their end"


def test_differences_occur(node: str) -> None:
    traces = play(node, [with_observers_named(scenario(seed)) for seed in range(BATCHES * BATCH)])
    assert {trace["difference"] for trace in traces} == {None, *DIFFERENCES}
