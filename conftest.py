"""The contract tests run against a mock of this process, unless `--duologue-url` names a server."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from duologue_mock import MockServer

if TYPE_CHECKING:
    from duologue.conformance.target.target import Target


def pytest_collection() -> None:
    """Collect no garbage meanwhile: there is hardly any among thousands of tests."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Let the garbage collector not look at them again, each time it runs."""
    gc.enable()
    gc.freeze()


@pytest.fixture(scope="session")
def duologue_target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """The server that the contract tests check."""
    from duologue.conformance.target.target import Target

    if request.config.getoption("--duologue-url"):
        yield request.getfixturevalue("duologue_target")
        return
    with MockServer(rate_limit=None) as mock:
        yield Target(mock.base_url, mock.chat_base_url, mock.api_key)
