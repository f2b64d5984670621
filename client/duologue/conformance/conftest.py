"""Fixtures of the contract tests: the server under test, which they know by its URLs only, and its callers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from duologue.conformance.running.registration import register_plugins
from duologue.conformance.session import pytest_runtest_call, watch
from duologue.conformance.target.caller import Api
from duologue.conformance.target.listener import Listen, Listener
from duologue.conformance.target.server import Server
from duologue.conformance.target.target import Target

__all__ = ["pytest_runtest_call"]


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers."""
    config.addinivalue_line(
        "markers", "covers(operation, *statuses): the operation returns these statuses in this test"
    )
    config.addinivalue_line("markers", "rule(rule): what the test states")
    config.addinivalue_line("markers", "slow: one of those that take longest")
    register_plugins(config)


@pytest.fixture
def server(duologue_target: Target, request: pytest.FixtureRequest) -> Iterator[Server]:
    """The shared server. What the test creates there is deleted at its end."""
    server = Server(duologue_target.base_url, duologue_target.chat_base_url, duologue_target.api_key)
    watch(request.node, server)
    yield server
    server.close()


@pytest.fixture
def platform(server: Server) -> Api:
    """The shared server's platform, for an anonymous caller."""
    return server.platform


@pytest.fixture
def chat(server: Server) -> Api:
    """The shared server's chat service, for a new user."""
    return server.chat


@pytest.fixture
def listen(server: Server) -> Iterator[Listen]:
    """Connect to the shared server's platform origin, or to another; disconnected when the test is over."""
    with ExitStack() as stack:

        def connect(origin: str | None = None, **options: Any) -> Listener:
            listener = Listener(origin or server.platform_origin, record=server.record, **options)
            return stack.enter_context(closing(listener))

        yield connect
