"""The contract suite finds what it says: each planted fault breaks the rule that it names, with any seed."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from duologue.conformance.target import listener
from duologue_mock import MockServer
from tests.conformance.faults import FAULTS
from tests.conformance.planting import Fault
from tests.conformance.rule_runner import RuleRun, run_rule

SEED = 2024
SEEDS = random.Random(SEED).sample(range(2**32), 10)
WAIT = 2.0
"""Seconds that a rule waits for an event where the fault may be that none comes."""
RULES = sorted({(fault.test, tuple(fault.settings.items())) for fault in FAULTS})


pytestmark = pytest.mark.slow


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_fault_is_found(fault: Fault) -> None:
    with pytest.MonkeyPatch.context() as patch:
        fault.plant(patch)
        patch.setattr(listener, "DEADLINE", WAIT)
        run = _run(fault.test, dict(fault.settings), wanted=fault.rule)

    missed = {seed: run.failures.get(seed, {}) for seed in SEEDS if fault.rule not in run.failures.get(seed, {})}
    assert not missed, f"{fault.rule} does not find it: {fault.sentence}"


@pytest.mark.parametrize(("rule", "settings"), RULES)
def test_rule_is_kept(rule: str, settings: tuple[tuple[str, object], ...]) -> None:
    run = _run(rule, dict(settings))

    assert run.failures == {}
    assert run.kept == set(SEEDS), f"{rule} is not judged"


def test_ids_differ() -> None:
    assert [id for id, count in Counter(fault.id for fault in FAULTS).items() if count > 1] == []


def _run(rule: str, settings: dict[str, object], *, wanted: str | None = None) -> RuleRun:
    with MockServer(**settings) as mock:  # type: ignore[arg-type]
        return run_rule(rule, mock, SEEDS, wanted=wanted)
