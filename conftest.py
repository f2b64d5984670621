"""The contract tests run against a mock of this process, unless `--duologue-url` names a server."""

from __future__ import annotations

import gc
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

from duologue_mock import MockServer

if TYPE_CHECKING:
    from duologue.conformance.target.target import Target


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage meanwhile, and do not look for any among the thousands of tests later: it takes a second."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        if not gc.get_freeze_count():  # a test may run pytest in this process, which is no reason to keep its garbage
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
