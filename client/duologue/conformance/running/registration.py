"""Registers the parts of the plugin where rules are collected, and configures what makes cases."""

from __future__ import annotations

import secrets

import pytest

from duologue.conformance.running.collector import Collector
from duologue.conformance.running.recorder import Recorder
from duologue.conformance.running.selection import Selection
from duologue.conformance.running.summary import TerminalSummary
from duologue.conformance.target.checks import select_checks
from duologue.conformance.target.rate_limit import parse_rate, set_rate

MAX_SEED = 2**32


def register_plugins(config: pytest.Config) -> None:
    """Register what records the tests and, where the run is led, what collects the reports."""
    option = config.getoption
    selection = Selection(
        only=_split(option("--duologue-only")),
        skip=_split(option("--duologue-skip")),
        read_only=option("--duologue-read-only"),
        quick=option("--duologue-quick"),
    )
    seed = _choose_seed(config)
    _configure_rate(config)
    select_checks(lambda rule: not selection.skips(rule))
    config.add_cleanup(lambda: select_checks(lambda rule: True))
    config.pluginmanager.register(Recorder(selection, seed))
    if not hasattr(config, "workerinput") and not any(
        isinstance(plugin, Collector) for plugin in config.pluginmanager.get_plugins()
    ):
        collector = Collector(max_time=option("--duologue-max-time"))
        config.pluginmanager.register(collector)
        config.pluginmanager.register(TerminalSummary(collector, selection, seed))


def draw_seed() -> int:
    """Return the seed of a run that is given none."""
    return secrets.randbelow(MAX_SEED)


def _choose_seed(config: pytest.Config) -> int:
    """Return the seed of the run, which workers get with the other options."""
    seed = config.getoption("--duologue-seed")
    if seed is None:  # without a server's URL this is a project's own test run, which does the same each time
        seed = draw_seed() if config.getoption("--duologue-url") else 1
        config.option.duologue_seed = seed
    if config.getoption("--duologue-url"):
        _configure_hypothesis(config, seed)
    return int(seed)


def _configure_hypothesis(config: pytest.Config, seed: int) -> None:
    """Have cases come from the seed alone: no measured time, nothing remembered of earlier runs."""
    from hypothesis import core, settings

    before = settings.get_current_profile_name(), core.global_force_seed

    def configure(profile: str, force_seed: int | None) -> None:
        settings.load_profile(profile)
        vars(core)["global_force_seed"] = force_seed  # what Hypothesis' own `--hypothesis-seed` sets

    settings.register_profile("duologue", database=None, deadline=None, print_blob=False)
    configure("duologue", seed)
    config.add_cleanup(lambda: configure(*before))


def _split(values: list[str]) -> tuple[str, ...]:
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())


def _configure_rate(config: pytest.Config) -> None:
    """Space requests out; workers share the rate."""
    rate = config.getoption("--duologue-rate-limit")
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    set_rate(parse_rate(rate) / workers if rate else None)
