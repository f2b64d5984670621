"""What the suite judges: each test states one rule, with a stable id, a sentence, and where it is written."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from types import FunctionType
from typing import Any, TypeVar

import pytest

from duologue.contract import Operation

PACKAGE = "duologue.conformance"

NEEDS = {
    "caller": "a login (--login), or a server that lets anonymous callers in",
    "admin": "the login of an administrator (--login), or a server that lets anonymous callers in",
    "user": "the login of a user who is not an administrator (--login)",
    "closed": "a server that requires authentication",
    "events": "Socket.IO",
    "rate-limit": "a server that limits requests",
    "low-limit": "a server whose limit is low enough to be used up",
    "short-tokens": "access tokens that expire within the time to wait",
    "clock": "a clock that can be moved, by the control API of a Duologue mock",
    "openapi": "the OpenAPI document at /openapi.json",
    "local": "a server on this machine",
    "ipv6": "an IPv6 loopback of this machine",
}
"""What a rule may need of the server or of the credentials; without it, the rule is not judged."""

Test = TypeVar("Test", bound=Callable[..., Any])


@dataclass(frozen=True)
class Rule:
    """One thing that the contract promises."""

    id: str
    """Stable: `users.LIST.walk-complete` about an operation, `cors.preflight` about a topic."""
    sentence: str
    source: str
    """Where it is written, see `sources`."""
    stage: int = 2
    """What it is about, and in which order failures are explained: 1 shape of single responses, 2 meaning of single
    operations, 3 rules across operations, 4 events, 5 histories, state machine, generated requests."""
    needs: frozenset[str] = frozenset()
    """Names of `NEEDS`."""
    reads_only: bool = False
    """Whether it is judged by requests that change nothing."""
    quick: bool = False
    """Whether it is among those that are judged with `--quick`."""
    checks_responses: bool = False
    """Whether every response is judged by it, rather than a test of its own."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "needs": sorted(self.needs)}


class BrokenRuleError(AssertionError):
    """A server broke a rule. It is an assertion, so that pytest reports it as a failure and not as an error.

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


def rule(
    id: str,
    sentence: str,
    *,
    source: str,
    stage: int = 2,
    needs: Iterable[str] = (),
    reads_only: bool = False,
    quick: bool = False,
) -> Callable[[Test], Test]:
    """Say which rule a test states; the arguments are the rule's fields."""
    mark: Callable[[Test], Test] = pytest.mark.rule(
        Rule(id, sentence, source, stage, frozenset(needs), reads_only, quick)
    )
    return mark


def get_rule(item: pytest.Item) -> Rule | None:
    """Return the rule of a test that was collected."""
    mark = item.get_closest_marker("rule")
    return mark.args[0] if mark else None


def covers(operation: Operation[Any], *statuses: int) -> pytest.MarkDecorator:
    """Mark a test to cover these statuses of an operation; it fails if no response has them."""
    return pytest.mark.covers(operation, *statuses)


def list_tests() -> Iterator[FunctionType]:
    """Yield every test of the suite, without collecting them."""
    package = importlib.import_module(PACKAGE)
    for info in pkgutil.walk_packages(package.__path__, f"{PACKAGE}."):
        if info.name.rpartition(".")[2].startswith("test_"):
            for name, value in vars(importlib.import_module(info.name)).items():
                if name.startswith("test_"):
                    yield value


@functools.cache
def list_rules() -> tuple[Rule, ...]:
    """Return the catalogue: every rule, in the order of stages, then of ids."""
    checks = importlib.import_module(f"{PACKAGE}.target.checks").CHECKS
    rules = [*(check.rule for check in checks), *filter(None, map(read_rule, list_tests()))]
    return tuple(sorted(rules, key=lambda one: (one.stage, one.id)))


def read_rule(test: Callable[..., Any]) -> Rule | None:
    """Return the rule that a test states."""
    marks = getattr(test, "pytestmark", ())
    return next((mark.args[0] for mark in marks if mark.name == "rule"), None)
