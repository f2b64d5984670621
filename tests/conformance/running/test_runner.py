"""A run, against mocks with and without faults."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import requests

from duologue.conformance.rules import list_rules
from duologue.conformance.running.collector import Progress
from duologue.conformance.running.preflight import PreflightError
from duologue.conformance.running.result import Result, Verdict
from duologue.conformance.running.runner import RunOptions, check
from duologue.conformance.running.selection import Selection, SelectionError
from duologue.conformance.target.target import Target
from duologue.contract import health, users
from duologue_mock import MockServer

pytestmark = pytest.mark.slow

HEALTH = RunOptions(Selection(only=("health",)), seed=7)


@pytest.fixture
def mock() -> Iterator[MockServer]:
    with MockServer(rate_limit=None) as mock:
        yield mock


@pytest.fixture
def target(mock: MockServer) -> Target:
    return Target(mock.base_url, mock.chat_base_url, mock.api_key)


def test_unchanged_mock(target: Target) -> None:
    seen: list[tuple[int, int, int]] = []

    result = check(target, HEALTH, on_progress=lambda now: seen.append((now.done, now.total, now.failures)))

    assert (result.verdict, result.failures, result.stopped, result.seed) == (Verdict.KEPT, (), "", 7)
    assert {outcome.verdict for outcome in result.outcomes} == {Verdict.KEPT}
    of_tests = {rule.id for rule in list_rules() if not rule.checks_responses}
    assert {outcome.id.partition(".")[0] for outcome in result.outcomes if outcome.id in of_tests} == {"health"}
    assert "responses.body" in {outcome.id for outcome in result.outcomes}
    assert result.requests > 0
    assert result.coverage.responses["health.PLATFORM"]["200"] > 0
    assert [done for done, _, _ in seen] == [*range(1, len(seen) + 1)]
    assert {(total, failures) for _, total, failures in seen} == {(len(seen), 0)}


def test_planted_fault(target: Target, mock: MockServer) -> None:
    mock.control.stub(health.CHATS, body_patch={"uptime": "long"})

    result = check(target, HEALTH)

    assert result.verdict is Verdict.BROKEN
    assert {failure.failed_at for failure in result.failures} == {"health.CHATS"}
    assert Result.from_dict(result.to_dict()) == result
    assert mock.api_key not in str(result.to_dict())


def test_workers_find_the_same(target: Target, mock: MockServer) -> None:
    mock.control.stub(health.CHATS, body_patch={"uptime": "long"})

    alone, together = check(target, HEALTH), check(target, replace(HEALTH, workers=2))

    assert {(one.rule, one.case) for one in together.failures} == {(one.rule, one.case) for one in alone.failures}
    assert [(one.id, one.verdict, one.cases) for one in together.outcomes] == [
        (one.id, one.verdict, one.cases) for one in alone.outcomes
    ]
    assert together.requests == alone.requests


def test_server_that_is_gone_during_the_run(target: Target, mock: MockServer) -> None:
    def stop(progress: Progress) -> None:
        if progress.done == 1:
            mock.stop()

    result = check(target, HEALTH, on_progress=stop)

    assert "does not respond any more" in result.stopped
    assert (result.failures, result.exit_status) == ((), 2)
    assert result.stopped in {outcome.reason for outcome in result.select(Verdict.NOT_JUDGED)}


def test_time_is_up(target: Target) -> None:
    result = check(target, replace(HEALTH, max_time=1e-9))

    assert result.stopped == "Time is up: --max-time 1e-09 seconds."
    assert sum(outcome.cases for outcome in result.outcomes) == 1
    assert result.exit_status == 2


def test_interrupt(target: Target) -> None:
    def interrupt(progress: Progress) -> None:
        raise KeyboardInterrupt

    result = check(target, HEALTH, on_progress=interrupt)

    assert (result.stopped, result.exit_status) == ("It was interrupted.", 2)


def test_rules_that_are_not_judged_have_a_reason(target: Target) -> None:
    result = check(target, RunOptions(Selection(only=("health", "users"), read_only=True)))

    not_judged = result.select(Verdict.NOT_JUDGED)
    assert {outcome.id.partition(".")[0] for outcome in result.select(Verdict.KEPT)} >= {"health"}
    assert "changes data, and --read-only was passed" in {outcome.reason for outcome in not_judged}
    assert all(outcome.reason for outcome in not_judged)


def test_fault_of_another_operation_keeps_no_rule_from_being_judged(target: Target, mock: MockServer) -> None:
    mock.control.stub(users.LIST, body_patch={"total": "three"})

    assert check(target, HEALTH).verdict is Verdict.KEPT


def test_skipped_check_of_every_response(target: Target, mock: MockServer) -> None:
    mock.control.stub(health.CHATS, body_patch={"uptime": "long"})

    skipped = check(target, RunOptions(Selection(only=("health",), skip=("responses.body",))))
    checked = check(target, HEALTH)

    assert "responses.body" not in {outcome.id for outcome in skipped.outcomes}
    assert "responses.body" not in {failure.rule for failure in skipped.failures}
    assert "responses.body" in {failure.rule for failure in checked.failures}


def test_server_that_is_down(target: Target, mock: MockServer) -> None:
    mock.stop()

    with pytest.raises(PreflightError, match="cannot be reached"):
        check(target, HEALTH)


def test_unknown_rule(target: Target) -> None:
    with pytest.raises(SelectionError, match=r"'healht'\. Did you mean health\?"):
        check(target, RunOptions(Selection(only=("healht",))))


def test_user_configuration_is_not_read(target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n", "utf-8")
    (tmp_path / "conftest.py").write_text("raise AssertionError('it was loaded')", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")

    assert check(target, HEALTH).verdict is Verdict.KEPT
    assert sorted(path.name for path in tmp_path.iterdir()) == ["conftest.py", "pytest.ini"]


def test_generated_requests_leave_other_data_alone(target: Target, mock: MockServer) -> None:
    before = requests.get(f"{mock.base_url}/users", timeout=10).json()["users"]

    result = check(target, RunOptions(Selection(only=("generated",)), seed=7, max_examples=1))

    assert (result.verdict, result.left_over) == (Verdict.KEPT, ())
    assert result.requests > 500, "those of Schemathesis count"
    assert requests.get(f"{mock.base_url}/users", timeout=10).json()["users"] == before


def test_schemathesis_ends_with_a_run_that_ends_early(target: Target, mock: MockServer) -> None:
    users = requests.get(f"{mock.base_url}/users", timeout=10).json()["users"]
    running: list[int] = []

    result = check(
        target,
        RunOptions(Selection(only=("generated", "history.model")), max_time=0.001),
        on_progress=lambda _: running.append(len(psutil.Process().children())),
    )

    assert (result.stopped, result.left_over) == ("Time is up: --max-time 0.001 seconds.", ())
    assert running == [2]
    assert psutil.Process().children() == []
    assert requests.get(f"{mock.base_url}/users", timeout=10).json()["users"] == users


def test_connections_are_closed(target: Target) -> None:
    """Or the run ends where the system limits open files."""
    counts: list[int] = []

    check(target, HEALTH, on_progress=lambda _: counts.append(len(psutil.Process().net_connections())))

    assert len(counts) > 5
    assert counts[-1] - counts[0] < len(counts) / 2


def test_nothing_is_left_behind(target: Target, mock: MockServer) -> None:
    before = requests.get(f"{mock.base_url}/users", timeout=10).json()["users"]

    result = check(target, RunOptions(Selection(only=("users.LIST", "users.CREATE"))))

    assert (result.verdict, result.left_over) == (Verdict.KEPT, ())
    assert requests.get(f"{mock.base_url}/users", timeout=10).json()["users"] == before
