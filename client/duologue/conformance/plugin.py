"""The pytest plugin: which server is tested.

It is loaded in every pytest run of everyone who installs Duologue, so it imports nothing at its top but pytest: the
rest of the suite is loaded where its tests are collected.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from duologue.conformance.target.target import Target


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("duologue")
    group.addoption(
        "--duologue-url",
        metavar="URL",
        help="The server to use, as http://localhost:3001: the one that the contract tests check, and a mock that is "
        "running for the fixture `duologue_mock`, which starts one otherwise.",
    )
    group.addoption(
        "--duologue-chat-url",
        metavar="URL",
        help="The chat service of the server to check; beside the platform unless given.",
    )
    group.addoption(
        "--duologue-api-key",
        metavar="KEY",
        default=os.environ.get("DUOLOGUE_API_KEY", "dev-api-key"),
        help="The chat service's API key; that of DUOLOGUE_API_KEY, or dev-api-key, unless given.",
    )


@pytest.fixture(scope="session")
def duologue_target(request: pytest.FixtureRequest) -> Target:
    """The server that the contract tests check. Override it in a `conftest.py` to start one."""
    url = request.config.getoption("--duologue-url")
    if not url:
        raise pytest.UsageError("Which server? Pass --duologue-url, as http://localhost:3001.")
    from duologue.conformance.target.target import Target

    chat_url = request.config.getoption("--duologue-chat-url")
    return Target.from_urls(url, chat_url, api_key=request.config.getoption("--duologue-api-key"))
