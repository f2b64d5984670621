"""Every status that an operation is documented to return is returned in some contract test, or where an option of the
mock is needed for it, in a test of that.

A test names them by `@covers(operation, *statuses)`, and fails if there was no such response (see `conftest.py`).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet

import duologue.conformance
import tests.mockserver.options
from duologue.conformance.target.examples import each
from duologue.contract import Operation, operations

IN_PROGRESS = "needs a request with the same key still under way, which only a slow reply makes certain"
ON_DEMAND = "is the status that was asked for, of which some stand for all"
NO_OTHER_BODY = "has no body, so no other body can come under its key"


def _exempt(operation: Operation[Any]) -> dict[int, str]:
    """The statuses that no test of the operation's own shows, each with the reason."""
    exempt = dict.fromkeys(operation.failures if operation.always_fails else (), ON_DEMAND)
    if operation.takes_idempotency_key and operation.id not in ("users.CREATE", "smart_chat.ASK"):
        exempt[409] = IN_PROGRESS
    if operation.takes_idempotency_key and operation.body is None:
        exempt[422] = NO_OTHER_BODY
    return exempt


@each()
def test_documented_statuses(operation: Operation[Any]) -> None:
    documented = operation.statuses

    missing = documented - _read_statuses()[operation.id] - set(_exempt(operation))

    assert not missing, f"no test @covers({operation.id}, …) for {sorted(missing)}"


@each()
def test_undocumented_statuses(operation: Operation[Any]) -> None:
    undocumented = _read_statuses()[operation.id] - operation.statuses

    assert not undocumented, f"{operation.id} returns {sorted(undocumented)}, which the contract does not have"


def _read_statuses() -> dict[str, set[int]]:
    statuses: dict[str, set[int]] = {operation.id: set() for operation in operations()}
    for mark in _list_marks():
        if mark.name == "covers":
            statuses[mark.args[0].id].update(mark.args[1:])
    return statuses


def _list_marks() -> Iterator[pytest.Mark]:
    for info in _walk_modules(duologue.conformance, tests.mockserver.options):
        for name, value in vars(importlib.import_module(info.name)).items():
            if name.startswith("test_"):
                yield from _unfold_marks(getattr(value, "pytestmark", []))


def _unfold_marks(marks: list[pytest.Mark]) -> Iterator[pytest.Mark]:
    for mark in marks:
        yield mark
        if mark.name == "parametrize":
            rows = [row for row in mark.args[1] if isinstance(row, ParameterSet)]
            yield from (
                inner.mark if isinstance(inner, pytest.MarkDecorator) else inner for row in rows for inner in row.marks
            )


def _walk_modules(*packages: ModuleType) -> Iterator[pkgutil.ModuleInfo]:
    for package in packages:
        yield from pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
