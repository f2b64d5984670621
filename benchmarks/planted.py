"""Check mocks with planted faults, and the mock as it is: `python -m benchmarks.planted`.

The whole contract suite runs against a mock with each fault of `tests/conformance/faults`: is it found, by how many
groups of failures, does the first one name it, and what does it cost? And it runs against the unchanged mock, with
another seed each time: what it finds there is a false alarm.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from statistics import median
from typing import Any

import pytest

from benchmarks.bars import Bar
from duologue.conformance.rules import list_rules
from duologue.conformance.running.grouping import group_failures
from duologue.conformance.running.result import Result, Verdict
from duologue.conformance.running.runner import RunOptions, check
from duologue.conformance.running.selection import Selection
from duologue.conformance.target.target import Login, Target
from duologue_mock import MockServer
from tests.conformance.faults import FAULTS
from tests.conformance.planting import Fault

MAX_GROUPS = 3
LOGINS = (Login("john@example.com", "password"), Login("jane@example.com", "password"))
"""Of the mock's example data: an administrator, and a user who is none."""


@dataclass(frozen=True)
class Outcome:
    """What a run said about one mock."""

    name: str
    groups: tuple[str, ...]
    """The rules of the groups of failures, the first one first."""
    names_it: bool
    """Whether the first group is of the rule that finds the fault, or whose test meets it."""
    requests: int
    seconds: float
    verdict: str

    def __str__(self) -> str:
        found = "found" if self.groups else self.verdict
        mark = "" if self.names_it or not self.groups else " (names another rule)"
        groups = f"{len(self.groups)} groups, first {self.groups[0]}{mark}" if self.groups else ""
        return f"{self.name:<44} {found:<10} {self.requests:>5} requests {self.seconds:>6.1f} s  {groups}"


def main() -> int:
    """Run it and print what was found; return 1 unless every bar is held."""
    options = parse_options()
    seeds = random.Random(options.seed)
    faults = [fault for fault in FAULTS if not options.only or fault.id.startswith(tuple(options.only))]
    planted = [(fault.id, seeds.randrange(2**32), options.quick) for fault in faults]
    unchanged = [("", seeds.randrange(2**32), options.quick) for _ in range(options.runs)]
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        found = _print_all(pool.map(run_check, planted))
        alarms = _print_all(pool.map(run_check, unchanged))
    bars = [*build_fault_bars(found), *build_alarm_bars(alarms)]
    print("", *bars, sep="\n")
    return 0 if all(bar.held for bar in bars) else 1


def parse_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", metavar="PREFIX", help="faults whose ids start so; may be repeated")
    parser.add_argument("--runs", type=int, default=10, help="runs on the unchanged mock (default: 10)")
    parser.add_argument("--quick", action="store_true", help="judge only the rules of `duologue check --quick`")
    parser.add_argument("--seed", type=int, default=1, help="what the seeds of the runs are drawn from (default: 1)")
    parser.add_argument("--jobs", type=int, default=1, help="runs at the same time (default: 1)")
    return parser.parse_args()


def run_check(task: tuple[str, int, bool]) -> Outcome:
    """Check a mock with a fault, or without one, in a process that may have checked others.

    Args:
        task: the fault's id, empty for none; the seed; whether to judge the quick rules only.
    """
    name, seed, quick = task
    fault = next((fault for fault in FAULTS if fault.id == name), None)
    with pytest.MonkeyPatch.context() as patch:
        if fault is not None:
            fault.plant(patch)
        return _check_mock(fault, f"seed {seed}" if fault is None else name, seed, quick)


def _check_mock(fault: Fault | None, name: str, seed: int, quick: bool) -> Outcome:
    settings: dict[str, Any] = {} if fault is None else dict(fault.settings)
    with MockServer(**settings) as mock, contextlib.redirect_stdout(io.StringIO()):
        target = Target(mock.base_url, mock.chat_base_url, mock.api_key, LOGINS)
        result = check(target, RunOptions(selection=Selection(quick=quick), seed=seed))
    return _build_outcome(fault, name, result)


def _build_outcome(fault: Fault | None, name: str, result: Result) -> Outcome:
    stages = {rule.id: rule.stage for rule in list_rules()}
    groups = tuple(group.rule for group in group_failures(result.new_failures, stages))
    names_it = fault is not None and bool(groups) and groups[0] in (fault.rule, fault.test)
    verdict = result.stopped or result.verdict.value
    return Outcome(name, groups, names_it, result.requests, result.duration, verdict)


def build_fault_bars(outcomes: Sequence[Outcome]) -> list[Bar]:
    """Return what the runs on mocks with faults must reach."""
    return [
        _build_bar("of the faults are found", outcomes, lambda one: bool(one.groups)),
        _build_bar(f"give at most {MAX_GROUPS} groups", outcomes, lambda one: len(one.groups) <= MAX_GROUPS),
        _build_bar("are named by the first group", outcomes, lambda one: one.names_it),
    ]


def build_alarm_bars(outcomes: Sequence[Outcome]) -> list[Bar]:
    """Return what the runs on the unchanged mock must reach."""
    return [
        _build_bar("of the runs on the unchanged mock find nothing", outcomes, lambda one: one.verdict == Verdict.KEPT)
    ]


def _build_bar(text: str, outcomes: Sequence[Outcome], holds: Callable[[Outcome], bool]) -> Bar:
    held = sum(map(holds, outcomes))
    cost = f"{median(one.requests for one in outcomes):.0f} requests" if outcomes else "none was run"
    return Bar(f"{held} of {len(outcomes)} {text} ({cost})", held == len(outcomes) if outcomes else None)


def _print_all(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Print each outcome as soon as it is there, and return them all."""
    printed = []
    for outcome in outcomes:
        print(outcome, flush=True)
        printed.append(outcome)
    return printed


if __name__ == "__main__":
    sys.exit(main())
