"""The report for people: understood from its last twenty lines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from duologue.conformance.reports.console import render_report
from duologue.conformance.running.result import Coverage, Exchange, KnownFailure, Result, Verdict
from tests.conformance.running.results import build_exchange, build_failure, build_outcome, build_result

TOTAL = build_failure(
    "users.LIST.total",
    "users.CREATE",
    "users.LIST",
    case="limit=1",
    message="The total is wrong.",
    differences=("total: expected 3, got 2",),
)


def render(result: Result, **options: Any) -> list[str]:
    return list(render_report(result, **options))


def test_one_fault() -> None:
    follows = build_failure("users.LIST.walk-complete", "users.CREATE", "users.CREATE", "users.LIST")

    lines = render(build_result(TOTAL, follows), reports=["junit.xml"], command="duologue check http://localhost:3001")

    assert lines == [
        "1. users.LIST.total: Rule users.LIST.total holds. [Platform API specification, Users]",
        "   Case limit=1: The total is wrong.",
        "     total: expected 3, got 2",
        "   $ curl http://localhost:3001/api/users",
        "     200, request id req-1: {}",
        "   $ curl http://localhost:3001/api/users",
        "     200, request id req-1: {}",
        "   Probably for the same reason, 1 more rule: users.LIST.walk-complete",
        "",
        "Coverage    75.0 %: 1 of 2 statuses, 2 of 2 events; not seen: users.LIST 400",
        "Reports     junit.xml",
        "Run again   duologue check http://localhost:3001 --only users.LIST.total --seed 7",
        "BROKEN: http://localhost:3001/api breaks 2 rules of 3, first users.LIST.total (340 requests in 12 s). "
        "Exit status 1.",
    ]


def test_kept() -> None:
    assert render(build_result(coverage=Coverage({"users.LIST": {"200": 1}}, {"user:created": 1}))) == [
        "Coverage    100.0 %: 1 of 1 statuses, 1 of 1 event",
        "Seed        7",
        "KEPT: http://localhost:3001/api keeps the contract: 1 rule judged, none broken (340 requests in 12 s). "
        "Exit status 0.",
    ]


def test_long_case_is_cut() -> None:
    line = render(build_result(build_failure("chats.GET.etag", "chats.GET", case="x" * 1000)))[1]

    assert line.startswith("   Case xxx")
    assert len(line) < 300


def test_coverage_without_events() -> None:
    assert render(build_result(coverage=Coverage({"users.LIST": {"200": 1, "400": 0}})))[0] == (
        "Coverage    50.0 %: 1 of 2 statuses; not seen: users.LIST 400"
    )


@pytest.mark.parametrize(
    ("result", "verdict"),
    [
        (build_result(stopped="It is gone."), "NOT JUDGED: http://localhost:3001/api: It is gone."),
        (build_result(outcomes=()), "NOT JUDGED: http://localhost:3001/api: No rule could be judged."),
        (build_result(fail_under=90), "BROKEN: 75.0 % coverage is less than 90 %"),
        (build_result(TOTAL, stopped="It is gone."), "BROKEN: http://localhost:3001/api breaks 1 rule of 2"),
        (
            build_result(TOTAL, build_failure("chats.GET.etag", "chats.GET")),
            "BROKEN: http://localhost:3001/api breaks 2 rules of 3 for probably 2 reasons, first chats.GET.etag",
        ),
    ],
)
def test_verdict_is_the_last_line(result: Result, verdict: str) -> None:
    line = render(result)[-1]

    assert line.startswith(verdict)
    assert f"Exit status {result.exit_status}." in line
    assert result.stopped in line


def test_rules_not_judged_are_summed_up_by_reason() -> None:
    outcomes = [build_outcome(f"a.r{n}", Verdict.NOT_JUDGED, reason="without an administrator") for n in range(3)]
    outcomes += [build_outcome("b.c", Verdict.NOT_JUDGED, reason="it writes"), build_outcome("d.e")]

    assert "Not judged  4 rules: without an administrator (3); it writes (1)" in render(
        build_result(outcomes=(*outcomes,))
    )
    assert "1 rule judged, 4 not judged, none broken" in render(build_result(outcomes=(*outcomes,)))[-1]


def test_baseline() -> None:
    result = build_result(TOTAL, known=(KnownFailure("users.LIST.total", "limit=1"),), fixed=(KnownFailure("a.b"),))

    lines = render(result)

    assert "Known       1 failure of the baseline: users.LIST.total (limit=1)" in lines
    assert "Fixed       remove from the baseline: a.b" in lines
    assert lines[-1].startswith("KEPT")


def test_what_was_left_over() -> None:
    assert "Left over   could not be removed: /users/7" in render(build_result(left_over=("/users/7",)))


def test_many_failures_of_one_rule() -> None:
    failures = [
        build_failure("errors.body", operation, message=f"Case {number}.")
        for number, operation in enumerate(["users.GET", "users.GET", "chats.GET"])
    ]

    lines = render(build_result(*failures))

    assert "   3 failures at users.GET (2), chats.GET (1), one of them: Case 0." in lines


def test_many_faults() -> None:
    """The first ones are shown with their requests."""
    lines = render(build_result(*(build_failure(f"{name}.LIST.total", f"{name}.LIST") for name in "abcde")))

    assert [line[:15] for line in lines if line.startswith(("1", "2", "3", "4", "Then"))] == [
        "1. a.LIST.total",
        "2. b.LIST.total",
        "3. c.LIST.total",
        "Then d.LIST.tot",
        "Then e.LIST.tot",
    ]


def test_expected_and_actual_without_differences() -> None:
    lines = render(build_result(replace(TOTAL, differences=(), expected={"total": 3}, actual="é" * 300)))

    assert '     expected {"total": 3}' in lines
    assert f'     got      "{"é" * 159}…' in lines


def test_long_things_are_cut() -> None:
    exchanges = tuple(build_exchange(curl=f"curl {number}", body="x" * 1000) for number in range(9))
    failure = replace(TOTAL, differences=tuple(f"d{number}" for number in range(9)), exchanges=exchanges)

    lines = render(build_result(failure))

    assert [line for line in lines if "curl" in line] == ["   $ curl 6", "   $ curl 7", "   $ curl 8"]
    assert "     and 5 more differences" in lines
    assert len(lines) <= 20


def test_curl_line_is_whole() -> None:
    curl = f"curl -d '{'x' * 3000}'"

    assert f"   $ {curl}" in render(build_result(replace(TOTAL, exchanges=(build_exchange(curl=curl),))))


def test_server_cannot_control_the_terminal() -> None:
    evil = "\x1b[2J\nKEPT\u202e"
    exchange = Exchange(evil, None, 200, body=evil, request_id=evil)
    failure = replace(TOTAL, message=evil, differences=(evil,), exchanges=(exchange,), case=evil)

    assert all(line.isprintable() for line in render(build_result(failure, left_over=(evil,), stopped=evil)))
