"""Mappings and requests that no one thought of: the mock and the real WireMock answer alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.wiremock.cases import Admin, Case, Send, Step, matching, stub
from tests.wiremock.compare import find_difference
from tests.wiremock.run import run_case
from tests.wiremock.strategies import documents, mappings, texts

pytestmark = [pytest.mark.node, pytest.mark.slow]

EXAMPLES = 60

bounded = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
"""The same examples in every run, and not too many."""

Compare = Callable[..., None]


@pytest.fixture
def compare(mock_port: int, real_port: int) -> Compare:
    """Send steps to both servers, and check that the answers are equal."""

    def compare(*steps: Step) -> None:
        case = Case("generated", steps)
        assert find_difference(case, run_case(mock_port, case), run_case(real_port, case)) is None

    return compare


def send_bodies(pattern: dict[str, Any], bodies: list[str]) -> tuple[Step, ...]:
    return matching("body", {"bodyPatterns": [pattern]}, *(Send(method="POST", body=body) for body in bodies)).steps


@bounded
@given(pattern=mappings.request_patterns(), sent=st.lists(mappings.requests(), min_size=5, max_size=8))
def test_request_patterns(compare: Compare, pattern: dict[str, Any], sent: list[Send]) -> None:
    compare(*matching("request", pattern, *sent).steps)


@bounded
@given(expression=texts.regular_expressions, bodies=st.lists(texts.words, min_size=6, max_size=6))
def test_regular_expressions(compare: Compare, expression: str, bodies: list[str]) -> None:
    compare(*send_bodies({"matches": expression}, bodies))


@bounded
@given(example=documents.json_equality())
def test_equality_of_json(compare: Compare, example: tuple[dict[str, Any], list[str]]) -> None:
    compare(*send_bodies(*example))


@bounded
@given(example=documents.json_path())
def test_paths_into_json(compare: Compare, example: tuple[dict[str, Any], list[str]]) -> None:
    compare(*send_bodies(*example))


@bounded
@given(example=documents.json_schema())
def test_schemas_of_json(compare: Compare, example: tuple[dict[str, Any], list[str]]) -> None:
    compare(*send_bodies(*example))


@bounded
@given(steps=mappings.histories())
def test_priorities_and_scenarios(compare: Compare, steps: list[Step]) -> None:
    compare(*steps)


@bounded
@given(patterns=st.lists(mappings.request_patterns(), min_size=1, max_size=4), sent=mappings.requests())
def test_distances_of_near_misses(compare: Compare, patterns: list[dict[str, Any]], sent: Send) -> None:
    stubs = [stub(pattern, {"body": str(number)}) for number, pattern in enumerate(patterns)]
    compare(*stubs, sent, Admin("GET", "/requests/unmatched/near-misses"))
