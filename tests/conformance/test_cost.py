"""What a run costs the server: a person waits for it, and a test environment bears it."""

from __future__ import annotations

import pytest

from duologue.conformance.running.runner import RunOptions, check
from duologue.conformance.running.selection import Selection
from duologue.conformance.target.target import Target
from duologue_mock import MockServer

WHOLE, QUICK = 6_000, 600
"""Requests at most."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("selection", "most"),
    [
        pytest.param(Selection(), WHOLE, id="whole"),
        pytest.param(Selection(quick=True), QUICK, id="quick"),
    ],
)
def test_requests_of_a_run(selection: Selection, most: int) -> None:
    with MockServer(rate_limit=None) as mock:
        target = Target(mock.base_url, mock.chat_base_url, mock.api_key)
        result = check(target, RunOptions(selection, seed=7))

    assert (result.failures, result.left_over, result.stopped) == ((), (), "")
    assert most / 2 < result.requests <= most
