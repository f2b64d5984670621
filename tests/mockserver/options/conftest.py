"""Servers with options of their own, called as the contract suite calls any server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from duologue.conformance.session import pytest_runtest_call, watch
from duologue.conformance.target.listener import Listen, Listener
from duologue.conformance.target.server import Server
from duologue_mock import MockServer

__all__ = ["pytest_runtest_call"]


@pytest.fixture
def serve(request: pytest.FixtureRequest) -> Iterator[Callable[..., Server]]:
    """Start a server of the test's own, with options."""
    with ExitStack() as servers:

        def start(**options: Any) -> Server:
            mock = servers.enter_context(MockServer(**{"rate_limit": None, **options}))
            server = Server(mock.base_url, mock.chat_base_url, mock.api_key, obeys_limits=False)
            servers.callback(server.session.close)
            watch(request.node, server)
            return server

        yield start


@pytest.fixture
def listen() -> Iterator[Listen]:
    """Connect to an origin; disconnected when the test is over."""
    with ExitStack() as stack:
        yield lambda origin, **options: stack.enter_context(closing(Listener(origin, **options)))
