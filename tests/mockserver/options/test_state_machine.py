"""The state machine of the contract tests, with more effort than a run of them has time for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings

from duologue.conformance.histories.test_state_machine import FEW, run_model
from duologue.conformance.target.server import Server

MANY = settings(FEW, max_examples=100, stateful_step_count=40)


@pytest.mark.slow
def test_model(serve: Callable[..., Server]) -> None:
    run_model(serve(), MANY)
