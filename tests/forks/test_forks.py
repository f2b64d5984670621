"""A forked process has a usable client, whatever the threads of its parent were doing at that moment."""

from __future__ import annotations

import os

import pytest

from tests.forks import client_cases, query_cases
from tests.forks.script import run_script

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
]


@pytest.mark.parametrize("case", query_cases.CASES)
def test_fork_of_query_layer(case: str) -> None:
    run_script("tests.forks.query_cases", case)


@pytest.mark.parametrize("case", client_cases.CASES)
def test_fork_of_client(case: str) -> None:
    run_script("tests.forks.client_cases", case)
