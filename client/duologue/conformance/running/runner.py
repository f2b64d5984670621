"""A run: preflight, pytest in this process, and a `Result`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from duologue.conformance.rules import list_rules
from duologue.conformance.running.collector import Collector, Progress
from duologue.conformance.running.outcomes import build_result
from duologue.conformance.running.preflight import check_target
from duologue.conformance.running.registration import draw_seed
from duologue.conformance.running.result import Result
from duologue.conformance.running.selection import Selection, SelectionError
from duologue.conformance.target.target import Target

FOLDER = Path(__file__).parents[1]
"""Of the tests. With a path, unlike with `--pyargs`, pytest loads no `conftest.py` of the current folder."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run.

    Args:
        selection: what to judge.
        without: what the server does not have, as `events`.
        seed: what generated cases come from; another one in each run unless given.
        max_time: seconds after which the run ends; None for no end.
        workers: processes that run tests at the same time.
        rate_limit: requests at most, as `300/m`; None to send them as fast as the server allows.
        max_examples: random cases of each operation in each phase of Schemathesis; None for a few.
        fail_under: percent of coverage below which the run fails.
    """

    selection: Selection = field(default_factory=Selection)
    without: tuple[str, ...] = ()
    seed: int | None = None
    max_time: float | None = None
    workers: int = 1
    rate_limit: str | None = None
    max_examples: int | None = None
    fail_under: float = 0.0


class RunError(Exception):
    """The run cannot start; the text says why, and what to do."""


def check(
    target: Target, options: RunOptions | None = None, *, on_progress: Callable[[Progress], None] = lambda _: None
) -> Result:
    """Judge a server.

    Args:
        target: the server.
        options: how to run.
        on_progress: called after each test.

    Raises:
        PreflightError: the server cannot be judged.
        SelectionError: no rule has a name that is selected.
        RunError: what the options require is not installed.
    """
    options = options or RunOptions()
    _check_workers(options)
    check_target(target, options.without)
    seed = draw_seed() if options.seed is None else options.seed
    collector = Collector(max_time=options.max_time, on_progress=on_progress)
    status = _run_pytest([*_build_arguments(target, options, seed)], collector)
    if collector.refused:
        raise SelectionError(collector.refused)
    collector.stopped = collector.stopped or _get_stop(status)
    result = build_result(collector, target, options.selection, seed, without=options.without)
    return replace(result, fail_under=options.fail_under)


def _check_workers(options: RunOptions) -> None:
    if options.workers == 1:
        return
    if find_spec("xdist") is None:
        raise RunError("Several workers need pytest-xdist: pip install 'duologue[contract]'")
    options.selection.check(list_rules())  # a single process must not import the tests before pytest rewrites them


def _build_arguments(target: Target, options: RunOptions, seed: int) -> Iterator[str]:
    """Yield pytest's arguments: nothing of the user's own configuration, plugins and caches."""
    yield from (str(FOLDER), "--rootdir", str(FOLDER), "-c", os.devnull)
    yield from ("-p", "no:terminal", "-p", "no:cacheprovider", "-p", "duologue.conformance.plugin", "--capture", "sys")
    yield from ("-p", "no:unraisableexception", "-p", "no:threadexception")  # they write on standard error
    yield from ("--duologue-url", target.base_url, "--duologue-chat-url", target.chat_base_url)
    yield from ("--duologue-api-key", target.api_key, "--duologue-seed", str(seed))
    for login in target.logins:
        yield from ("--duologue-login", f"{login.email}:{login.password}")
    yield from _build_selection(options.selection)
    for name in options.without:
        yield from ("--duologue-without", name)
    if options.rate_limit is not None:
        yield from ("--duologue-rate-limit", options.rate_limit)
    if options.max_examples is not None:
        yield from ("--duologue-max-examples", str(options.max_examples))
    if options.workers > 1:
        yield from ("-p", "xdist.plugin", "--numprocesses", str(options.workers), "--max-worker-restart", "0")


def _build_selection(selection: Selection) -> Iterator[str]:
    for flag, names in (("--duologue-only", selection.only), ("--duologue-skip", selection.skip)):
        for name in names:
            yield from (flag, name)
    yield from ["--duologue-read-only"] * selection.read_only + ["--duologue-quick"] * selection.quick


def _run_pytest(arguments: list[str], collector: Collector) -> int:
    with _own_environment():
        return int(pytest.main(arguments, plugins=[collector]))


@contextmanager
def _own_environment() -> Iterator[None]:
    """Hide the variables by which a user configures pytest; workers inherit them."""
    hidden = {name: os.environ.pop(name) for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS") if name in os.environ}
    autoload = os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        os.environ.update(hidden)
        del os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
        if autoload is not None:
            os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = autoload


def _get_stop(status: int) -> str:
    """Return why pytest ended early; an empty text if it did not."""
    if status == pytest.ExitCode.INTERRUPTED:
        return "It was interrupted."
    if status in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
        return f"pytest failed with exit status {status}."
    return ""
