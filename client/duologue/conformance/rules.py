"""Rules: what a test states about a server, and how a broken one is reported."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import Any

import pytest

from duologue.contract import Operation

PACKAGE = "duologue.conformance"


@dataclass(frozen=True)
class Rule:
    """What a server must do.

    Args:
        id: `<resource>.<OPERATION>.<name>`, or `<topic>.<name>` where it is about no operation.
        sentence: what it demands.
        source: where that is written.
        stage: 1 shape of single responses, 2 meaning of operations, 3 across operations, 4 events, 5 histories.
        needs: what it takes to judge it.
        reads_only: whether its test changes nothing.
        quick: whether it is one of those that find most faults in a few seconds.
        checks_responses: whether every response is judged by it, rather than a test of its own.
    """

    id: str
    sentence: str
    source: str
    stage: int = 2
    needs: frozenset[str] = frozenset()
    reads_only: bool = False
    quick: bool = False
    checks_responses: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "needs": sorted(self.needs)}


class Violation(AssertionError):  # noqa: N818  # an assertion, as pytest reports it
    """A server broke a rule.

    Args:
        rule_id: of the rule.
        message: what is wrong, in a sentence.
        expected: the JSON value that the contract requires.
        actual: the JSON value that the server sent.
        differences: where the two differ, a line for each path.
    """

    def __init__(
        self,
        rule_id: str,
        message: str,
        *,
        expected: Any = None,
        actual: Any = None,
        differences: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.rule_id = rule_id
        self.expected = expected
        self.actual = actual
        self.differences = differences


def covers(operation: Operation[Any], *statuses: int) -> pytest.MarkDecorator:
    """Mark a test to cover these statuses of an operation; it fails if no response has them."""
    return pytest.mark.covers(operation, *statuses)


def get_rule(item: pytest.Item) -> Rule | None:
    """Return the rule of a test; None for a test of something else."""
    function = getattr(item, "function", None)
    if function is None or not function.__module__.startswith(f"{PACKAGE}."):
        return None
    return _read_rule(function)


@functools.cache
def list_rules() -> tuple[Rule, ...]:
    """Return all rules, in the order of their tests."""
    rules = {rule.id: rule for module in _import_tests() for rule in map(_read_rule, _list_tests(module))}
    return tuple(rules.values())


def _import_tests() -> Iterator[ModuleType]:
    package = importlib.import_module(PACKAGE)
    for info in pkgutil.walk_packages(package.__path__, f"{PACKAGE}."):
        if info.name.rpartition(".")[2].startswith("test_"):
            yield importlib.import_module(info.name)


def _list_tests(module: ModuleType) -> Iterator[Callable[..., None]]:
    for name, value in vars(module).items():
        if name.startswith("test_") and getattr(value, "__module__", "") == module.__name__:
            yield value


_STAGES = {"resources": 2, "http": 3, "realtime": 4, "histories": 5, "generated": 5}


def _read_rule(function: Callable[..., None]) -> Rule:
    """Return the rule that a test's name and folder stand for."""
    folder, module = function.__module__.split(".")[-2:]
    topic, name = module.removeprefix("test_"), function.__name__.removeprefix("test_")
    sentence = f"{name.replace('_', ' ').capitalize()}."
    reads_only = topic == "health"
    id = f"{topic.replace('_', '-')}.{name.replace('_', '-')}"
    return Rule(id, sentence, "Wire contract", _STAGES[folder], reads_only=reads_only, quick=reads_only)
