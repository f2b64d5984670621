"""Schemathesis against both services: every check it has, in all its phases, with nothing excused."""

from __future__ import annotations

import re

import pytest

from duologue.conformance import sources
from duologue.conformance.generated.generation import GENERATED, PATHS, Generation, Generations
from duologue.conformance.rules import BrokenRuleError, rule
from duologue.conformance.target.server import Server


@rule(
    GENERATED,
    "Requests that are generated from the OpenAPI document, valid and invalid, get the responses that it describes.",
    source=sources.REQUESTS,
    stage=5,
    needs=["admin", "openapi"],
)
@pytest.mark.slow
@pytest.mark.parametrize("service", PATHS)
def test_schemathesis(server: Server, generations: Generations, service: str) -> None:
    generation = generations.take(server, service)
    try:
        _check(generation)
    finally:
        generation.end(server)


def _check(generation: Generation) -> None:
    status = generation.wait()
    failures = generation.read_failures() if status == 1 else []
    if failures:
        first = failures[0]
        raise BrokenRuleError(
            GENERATED, f"{len(failures)} failures, the first at {first.operation}", differences=first.lines
        )
    output = generation.read_output()
    assert status == 0, output
    assert re.search(r"\b[1-9]\d* generated\b", output), output
    warnings = re.findall(r"⚠️ *(.+)", output)  # by chance it may have tried unknown ids only: no fault of the server
    assert all(warning.startswith("Missing test data") for warning in warnings), output
