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


_PACKAGES = ("generated", "histories", "http", "limits", "realtime", "resources")
_MODULES = ("administrators", "examples", "golden", "listener", "responses")
pytest.register_assert_rewrite(
    *(f"duologue.conformance.{name}" for name in _PACKAGES),
    *(f"duologue.conformance.target.{name}" for name in _MODULES),
)  # what the tests share has to say which values differed


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
    group.addoption(
        "--duologue-login",
        action="append",
        default=os.environ.get("DUOLOGUE_LOGIN", "").split(),
        metavar="EMAIL:PASSWORD",
        help="A login on the platform; repeat it for an administrator and a user.",
    )
    group.addoption(
        "--duologue-without", action="append", default=[], choices=["events"], help="What the server does not have."
    )
    _add_run_options(group)


def _add_run_options(group: pytest.OptionGroup) -> None:
    names = {"action": "append", "default": [], "metavar": "ID"}
    group.addoption("--duologue-only", **names, help="Only rules whose ids start so; repeat it for more.")
    group.addoption("--duologue-skip", **names, help="No rules whose ids start so; repeat it for more.")
    group.addoption("--duologue-read-only", action="store_true", help="Only rules whose tests change nothing.")
    group.addoption("--duologue-quick", action="store_true", help="Only the rules that find most faults.")
    group.addoption("--duologue-seed", type=int, metavar="N", help="The same seed makes the same generated cases.")
    group.addoption(
        "--duologue-max-examples", type=int, default=3, metavar="N", help="Random cases of each operation, per phase."
    )
    group.addoption("--duologue-rate-limit", metavar="RATE", help="Requests at most, as 300/m or 5/s.")
    group.addoption("--duologue-max-time", type=float, metavar="SECONDS", help="End the run of the rules then.")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers of the contract tests."""
    config.addinivalue_line("markers", "covers(operation, *statuses): the operation returns these in this test")
    config.addinivalue_line("markers", "rule(rule): what the contract test states")


@pytest.fixture(scope="session")
def duologue_target(request: pytest.FixtureRequest) -> Target:
    """The server that the contract tests check. Override it in a `conftest.py` to start one."""
    url = request.config.getoption("--duologue-url")
    if not url:
        raise pytest.UsageError("Which server? Pass --duologue-url, as http://localhost:3001.")
    from duologue.conformance.target.target import Login, Target

    option = request.config.getoption
    logins = map(Login.parse, option("--duologue-login"))
    return Target.from_urls(url, option("--duologue-chat-url"), api_key=option("--duologue-api-key"), logins=logins)
