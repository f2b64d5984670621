"""The result of a run: its verdict, and its JSON form."""

from __future__ import annotations

import json

import pytest

from duologue.conformance.running.result import Coverage, KnownFailure, Result, Verdict
from tests.conformance.running.results import build_failure, build_outcome, build_result


def test_json_both_ways() -> None:
    failure = build_failure(
        "users.LIST.total", "users.LIST", expected={"total": 3}, actual=None, differences=("a", "b")
    )
    result = build_result(failure, known=(KnownFailure("users.LIST.total", None, "known"),), left_over=("/users/7",))

    values = json.loads(json.dumps(result.to_dict()))

    assert Result.from_dict(values) == result
    assert (values["version"], values["duologue"], values["verdict"]) == (1, "0.1.0", "kept")
    assert values["coverage"]["percent"] == 75.0


def test_other_version() -> None:
    with pytest.raises(ValueError, match="version 2"):
        Result.from_dict({**build_result().to_dict(), "version": 2})


BROKEN = build_failure("users.LIST.total", "users.LIST")


@pytest.mark.parametrize(
    ("result", "exit_status"),
    [
        (build_result(), 0),
        (build_result(BROKEN), 1),
        (build_result(BROKEN, known=(KnownFailure("users.LIST.total"),)), 0),
        (build_result(BROKEN, known=(KnownFailure("users.LIST.total", "limit=1"),)), 1),
        (build_result(BROKEN, stopped="The server is gone."), 1),
        (build_result(stopped="The server is gone."), 2),
        (build_result(outcomes=()), 2),
        (build_result(outcomes=(build_outcome("a.b", Verdict.NOT_JUDGED, reason="No login."),)), 2),
        (build_result(fail_under=75), 0),
        (build_result(fail_under=75.1), 1),
        (build_result(fail_under=75.1, stopped="Time is up."), 2),
    ],
)
def test_exit_status(result: Result, exit_status: int) -> None:
    assert result.exit_status == exit_status


def test_coverage() -> None:
    coverage = Coverage({"users.LIST": {"200": 3, "429": 0}, "users.GET": {"200": 1}}, {"user:created": 0})

    assert coverage.percent == 50
    assert coverage.statuses == (2, 3)
    assert coverage.missing == ("users.LIST 429", "user:created")
    assert Coverage().percent == 100


def test_failed_at() -> None:
    assert build_failure("errors.body", "users.CREATE", "users.GET").failed_at == "users.GET"
    assert build_failure("errors.body", "users.CREATE", None).failed_at is None
    assert build_failure("errors.body").failed_at is None
