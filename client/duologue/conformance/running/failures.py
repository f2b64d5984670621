"""From an exception of a test to a failure: which rule is broken, what was expected, what came."""

from __future__ import annotations

import ast
import linecache
import re
import traceback
from collections.abc import Iterator

import pytest
import requests

from duologue.conformance.rules import BrokenRuleError, Rule
from duologue.conformance.running.exchanges import build_exchange
from duologue.conformance.running.result import Failure
from duologue.conformance.target.caller import Record

MAX_EXCHANGES = 20
"""Requests of a failed test that are reported, the last ones."""
MAX_LINES = 20
"""Lines of what pytest says about a failed `assert`."""

_NOISE = re.compile(r"\s*$|\s*(Omitting|Use -v)")
"""Lines of pytest that say how to see more, which only its own command line can."""
_COMPARISON = re.compile(r"assert ((?:(?! == ).)+) == ((?:(?! == ).)+)")
"""What a comparison failed with: tests write `assert actual == expected`."""


def build_failure(item: pytest.Item, rule: Rule, error: BaseException, records: list[Record], seed: int) -> Failure:
    """Return what a report shows of an exception.

    Args:
        item: the test.
        rule: of the test.
        error: what it raised.
        records: what it sent.
        seed: of the run.
    """
    violation = next((one for one in _walk(error) if isinstance(one, BrokenRuleError)), None)
    message, *lines = _describe(violation or error)
    responses = [request.response for record in records for request in record.requests][-MAX_EXCHANGES:]
    return Failure(
        rule=(violation and violation.rule_id) or rule.id,
        found_by=rule.id,
        case=get_case(item),
        message=message,
        expected=violation.expected if violation else None,
        actual=violation.actual if violation else None,
        differences=tuple(violation.differences if violation else lines),
        exchanges=tuple(map(build_exchange, responses)),
        operations=tuple(sorted({name for record in records for name, _ in record.statuses()})),
        seed=seed,
    )


def get_case(item: pytest.Item) -> str:
    """Return what a test is called with, as pytest names it."""
    specification = getattr(item, "callspec", None)
    return str(specification.id) if specification else ""


def is_connection_error(error: BaseException) -> bool:
    """Return whether an exception is of a connection: the server may be gone."""
    return any(isinstance(one, (OSError, requests.RequestException)) for one in _walk(error))


def _walk(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception, those that it groups, and those that led to it."""
    yield error
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _walk(one)
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from _walk(cause)


def _get_source_line(error: BaseException) -> str:
    """Return where an exception without a text was raised: `in check_silence: assert …`."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"in {frames[-1].name}: {frames[-1].line}" if frames else type(error).__name__


def _get_compared(error: BaseException) -> str:
    """Return the left side of the comparison that failed, as its test has it: `page["total"]`; empty if unknown."""
    frames = traceback.extract_tb(error.__traceback__)
    source = "".join(linecache.getlines(frames[-1].filename)) if frames else ""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assert) and node.lineno == frames[-1].lineno and isinstance(node.test, ast.Compare):
            return " ".join((ast.get_source_segment(source, node.test.left) or "").split())
    return ""


def _describe(error: BaseException) -> list[str]:
    """Return what an exception says, line by line; of an `assert`, what pytest says of its parts."""
    text = str(error) or _get_source_line(error)
    if not isinstance(error, AssertionError):
        text = f"{type(error).__name__}: {text}"
    text = "\n".join([text, *getattr(error, "__notes__", ())])
    message, *lines = [line for line in text.splitlines() if not _NOISE.match(line)][:MAX_LINES]
    comparison = _COMPARISON.fullmatch(message)
    if comparison:
        compared = _get_compared(error)
        message = f"{compared}{': ' if compared else ''}expected {comparison[2]}, got {comparison[1]}"
    return [message, *lines]
