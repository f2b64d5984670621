"""Grouping: one fault is reported once, and what follows from it is folded."""

from __future__ import annotations

import pytest

from duologue.conformance.running.grouping import Group, group_failures
from tests.conformance.running.results import build_failure

STAGES = {
    "responses.body": 1,
    "users.CREATE.location": 2,
    "users.GET.etag": 2,
    "users.LIST.total": 2,
    "users.LIST.walk-complete": 2,
    "chats.GET.not-found": 2,
    "idempotency.replay": 3,
    "events.user-created": 4,
    "history.lost-update": 5,
}


def render(groups: list[Group]) -> dict[str, list[str]]:
    """The groups shown, each with the rules that are folded under it."""
    return {group.rule: [folded.rule for folded in group.folded] for group in groups}


def test_same_rule_is_one_group() -> None:
    failures = [build_failure("users.LIST.total", "users.LIST", case=case) for case in ("limit=2", "limit=1")]

    (group,) = group_failures(failures, STAGES)

    assert len(group.failures) == 2
    assert group.example.case == "limit=1"
    assert group.failed_at == {"users.LIST": 2}


def test_example_needs_fewest_requests() -> None:
    failures = [
        build_failure("users.LIST.total", "users.CREATE", "users.LIST", case="long"),
        build_failure("users.LIST.total", "users.LIST", found_by="history.lost-update", case="on the way"),
        build_failure("users.LIST.total", "users.LIST", case="short"),
    ]

    (group,) = group_failures(failures, STAGES)

    assert [failure.case for failure in group.failures] == ["short", "long", "on the way"]


def test_earlier_stage_first() -> None:
    failures = [
        build_failure("history.lost-update", "users.UPDATE"),
        build_failure("chats.GET.not-found", "chats.GET"),
        build_failure("responses.body", "auth.ME"),
    ]

    assert list(render(group_failures(failures, STAGES))) == [
        "responses.body",
        "chats.GET.not-found",
        "history.lost-update",
    ]


def test_later_stage_that_calls_the_operation_is_folded() -> None:
    failures = [
        build_failure("users.CREATE.location", "users.CREATE"),
        build_failure("events.user-created", "users.CREATE", "health.PLATFORM"),
        build_failure("idempotency.replay", "users.CREATE"),
        build_failure("idempotency.replay", "chats.CREATE"),
    ]

    assert render(group_failures(failures, STAGES)) == {
        "users.CREATE.location": ["events.user-created"],
        "idempotency.replay": [],
    }


def test_same_stage_must_have_failed_at_the_operation() -> None:
    failures = [
        build_failure("users.CREATE.location", "users.CREATE"),
        build_failure("users.LIST.total", "users.CREATE", "users.LIST"),
        build_failure("users.LIST.walk-complete", "users.CREATE", "users.CREATE", "users.LIST"),
    ]

    assert render(group_failures(failures, STAGES)) == {
        "users.CREATE.location": [],
        "users.LIST.total": ["users.LIST.walk-complete"],
    }


def test_rule_that_failed_at_another_operation_comes_later() -> None:
    failures = [
        build_failure("users.CREATE.location", "users.CREATE", "users.LIST"),
        build_failure("users.LIST.total", "users.CREATE", "users.CREATE", "users.GET", "users.LIST"),
    ]

    assert render(group_failures(failures, STAGES)) == {"users.LIST.total": ["users.CREATE.location"]}


def test_what_failures_of_several_operations_have_in_common() -> None:
    """A user that is created wrongly is wrong wherever it is read."""
    failures = [
        build_failure("users.CREATE.location", "users.CREATE"),
        build_failure("users.LIST.total", "users.CREATE", "users.LIST"),
        build_failure("users.GET.etag", "users.CREATE", "users.GET"),
        build_failure("chats.GET.not-found", "chats.GET"),
    ]

    assert render(group_failures(failures, STAGES)) == {
        "chats.GET.not-found": [],
        "users.CREATE.location": ["users.GET.etag", "users.LIST.total"],
    }


def test_two_faults_are_two_groups() -> None:
    failures = [build_failure("users.LIST.total", "users.LIST"), build_failure("chats.GET.not-found", "chats.GET")]

    assert render(group_failures(failures, STAGES)) == {"chats.GET.not-found": [], "users.LIST.total": []}


@pytest.mark.parametrize("calls", [(), (None,)])
def test_failure_without_an_operation_explains_nothing(calls: tuple[None, ...]) -> None:
    failures = [build_failure("responses.body", *calls), build_failure("users.LIST.total", "users.LIST")]

    assert render(group_failures(failures, STAGES)) == {"responses.body": [], "users.LIST.total": []}


def test_rule_that_the_catalogue_lacks_comes_last() -> None:
    failures = [build_failure("unknown.rule", "auth.ME"), build_failure("events.user-created", "users.CREATE")]

    assert list(render(group_failures(failures, STAGES))) == ["events.user-created", "unknown.rule"]


def test_no_failures() -> None:
    assert group_failures([], STAGES) == []
