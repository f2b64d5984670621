"""From an exception of a test to a failure."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import requests

from duologue.conformance.rules import BrokenRuleError, Rule
from duologue.conformance.running.failures import build_failure, is_connection_error
from duologue.conformance.running.result import Failure

RULE = Rule("users.LIST.total", "The total is right.", "Platform API specification, Users")


def build(error: BaseException, *, case: str | None = None) -> Failure:
    item: Any = SimpleNamespace(**({} if case is None else {"callspec": SimpleNamespace(id=case)}))
    return build_failure(item, RULE, error, [], seed=7)


def raise_from(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


def test_violation_names_its_own_rule() -> None:
    violation = BrokenRuleError("errors.body", "It has no code.", expected=1, actual=2, differences=("code: missing",))

    group = BaseExceptionGroup("two", [ValueError("other"), raise_from(KeyError("id"), violation)])

    failure = build(group, case="limit=1")

    assert (failure.rule, failure.found_by, failure.case, failure.seed) == ("errors.body", RULE.id, "limit=1", 7)
    assert (failure.message, failure.expected, failure.actual) == ("It has no code.", 1, 2)
    assert failure.differences == ("code: missing",)


@pytest.mark.parametrize(
    ("error", "message", "lines"),
    [
        (AssertionError("assert 200 == 201\n +  where 200 = x.a"), "expected 201, got 200", (" +  where 200 = x.a",)),
        (AssertionError("assert 1 == 2 == 3"), "assert 1 == 2 == 3", ()),
        (AssertionError("assert False"), "assert False", ()),
        (AssertionError("a\n \n  Omitting 3 items\n  Use -v to get more diff\nb"), "a", ("b",)),
        (AssertionError(), "AssertionError", ()),
        (KeyError("id"), "KeyError: 'id'", ()),
    ],
)  # fmt: skip
def test_message(error: BaseException, message: str, lines: tuple[str, ...]) -> None:
    failure = build(error)

    assert (failure.rule, failure.message, failure.differences) == (RULE.id, message, lines)


def test_comparison_names_what_was_compared() -> None:
    page = {"total": 2}
    with pytest.raises(AssertionError) as short:
        assert page["total"] == 3
    with pytest.raises(AssertionError) as long:
        assert [
            *page.values(),
            page["total"],
        ] == [3, 3]

    assert build(short.value).message == 'page["total"]: expected 3, got 2'
    assert build(long.value).message == '[ *page.values(), page["total"], ]: expected [3, 3], got [2, 2]'


def test_notes_are_shown() -> None:
    """Hypothesis says there which case it has found."""
    error = AssertionError("assert 1 == 2")
    error.add_note("Falsifying example: name='a'")

    assert build(error).differences == ("Falsifying example: name='a'",)


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (requests.ConnectionError("refused"), True),
        (raise_from(AssertionError(), ConnectionResetError()), True),
        (ExceptionGroup("some", [TimeoutError()]), True),
        (AssertionError("assert 1 == 2"), False),
    ],
)
def test_connection_errors(error: BaseException, lost: bool) -> None:
    assert is_connection_error(error) == lost
