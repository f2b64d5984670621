"""Running one rule of the contract suite in this process, several times, each with a seed of its own."""

from __future__ import annotations

import os
import random
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import core

import duologue.conformance
from duologue.conformance.rules import list_tests, read_rule
from duologue_mock import MockServer

FOLDER = Path(duologue.conformance.__file__).parent


@dataclass(eq=False)
class RuleRun:
    """What became of a rule: a pytest plugin that repeats its cases and collects the outcomes.

    Args:
        seeds: with what to run each case.
        wanted: the rule that is to be broken: a seed is done once it is. None to run all cases.
    """

    seeds: Sequence[int]
    wanted: str | None = None
    failures: dict[int, dict[str, str]] = field(default_factory=dict)
    """The rules that were broken with each seed, and how."""
    kept: set[int] = field(default_factory=set)
    """The seeds with which a case passed."""

    @pytest.fixture(autouse=True)
    def duologue_seed(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
        """Draw whatever is drawn in a test from the seed."""
        seed: int = request.param
        random.seed(seed)
        monkeypatch.setattr(core, "global_force_seed", seed)
        return seed

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Repeat each case with each seed."""
        metafunc.parametrize("duologue_seed", self.seeds, indirect=True)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Put the cases into an order of their own for each seed."""
        items[:] = [item for seed in self.seeds for item in self._select(items, seed)]

    def _select(self, items: list[pytest.Item], seed: int) -> list[pytest.Item]:
        cases = [item for item in items if _get_seed(item) == seed]
        random.Random(seed).shuffle(cases)
        return cases

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        """Leave out the other cases of a seed that is done."""
        return True if self.wanted in self.failures.get(_get_seed(item), {}) else None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note the outcome of a case, its set-up and clean-up included."""
        report = yield
        seed = _get_seed(item)
        if report.failed:
            failure = report.conformance["failure"]
            self.failures.setdefault(seed, {}).setdefault(failure["rule"], f"{item.name}: {failure['message']}")
        elif report.passed and report.when == "call":
            self.kept.add(seed)
        return report


def run_rule(rule: str, mock: MockServer, seeds: Sequence[int], *, wanted: str | None = None) -> RuleRun:
    """Run a rule against a mock with each of these seeds.

    Args:
        rule: its id.
        mock: the server.
        seeds: with what to run it.
        wanted: the rule that is to be broken: a seed is done once it is. None to run all cases.
    """
    run = RuleRun(seeds, wanted)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        status = pytest.main([*_build_arguments(mock), *_find_tests(rule)], plugins=[run])
    assert status in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED), f"pytest ended with {status!r}"
    return run


def _find_tests(rule: str) -> list[str]:
    """Return the node ids of the tests that state a rule."""
    nodes = [
        f"{test.__code__.co_filename}::{test.__name__}"
        for test in list_tests()
        if (stated := read_rule(test)) is not None and stated.id == rule
    ]
    assert nodes, f"No test states the rule {rule}."
    return nodes


def _build_arguments(mock: MockServer) -> Iterator[str]:
    """Yield pytest's arguments: nothing of this run's own configuration."""
    yield from ("--rootdir", str(FOLDER), "-c", os.devnull, "-p", "duologue.conformance.plugin")
    for plugin in ("cacheprovider", "warnings", "logging", "faulthandler", "unraisableexception"):
        yield from ("-p", f"no:{plugin}")
    yield from ("--duologue-url", mock.base_url, "--duologue-chat-url", mock.chat_base_url)
    yield from ("--duologue-api-key", mock.api_key, "--capture", "sys")
    yield from ("-q", "--tb", "native", "--no-header", "--no-summary")


def _get_seed(item: pytest.Item) -> int:
    assert isinstance(item, pytest.Function)
    seed = item.callspec.params["duologue_seed"]
    assert isinstance(seed, int)
    return seed
