"""The mock answers as the real WireMock did, or differs on purpose."""

from __future__ import annotations

import pytest

from tests.wiremock import differences, records
from tests.wiremock.cases import Case
from tests.wiremock.compare import find_difference, simplify_all
from tests.wiremock.corpus import CASES, FILES
from tests.wiremock.normalize import Answer
from tests.wiremock.run import run_case

pytestmark = pytest.mark.slow

EQUAL = [case for case in CASES if differences.find(case) is None]
LISTED = [case for case in CASES if differences.find(case) is not None]


def get_id(case: Case) -> str:
    return case.id


@pytest.fixture(scope="session")
def recorded() -> dict[str, list[Answer]]:
    """The recorded answers of WireMock, by the ids of the cases."""
    return {id: answers for name in FILES for id, answers in records.load(name).items()}


@pytest.mark.parametrize("case", EQUAL, ids=get_id)
def test_same_as_wiremock(mock_port: int, recorded: dict[str, list[Answer]], case: Case) -> None:
    assert find_difference(case, run_case(mock_port, case), recorded[case.id]) is None


@pytest.mark.parametrize("case", LISTED, ids=get_id)
def test_different_on_purpose(mock_port: int, recorded: dict[str, list[Answer]], case: Case) -> None:
    """What the mock answers is recorded too; a difference that is no more is not listed."""
    answers = run_case(mock_port, case)
    assert simplify_all(case, answers) == records.load_ours()[case.id]
    assert find_difference(case, answers, recorded[case.id]) is not None


def test_every_case_is_recorded(recorded: dict[str, list[Answer]]) -> None:
    assert sorted(recorded) == sorted(case.id for case in CASES)
    assert sorted(records.load_ours()) == sorted(case.id for case in LISTED)


@pytest.mark.parametrize("difference", differences.DIFFERENCES, ids=lambda one: one.cases[0])
def test_listed_patterns_match_cases(difference: differences.Difference) -> None:
    for pattern in difference.cases:
        single = differences.Difference(difference.reason, (pattern,))
        assert any(single.includes(case) for case in CASES), pattern
