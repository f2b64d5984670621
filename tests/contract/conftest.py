"""The server that the contract tests call: one of ours, or any by its URL.

    pytest tests/contract
    DUOLOGUE_TEST_PLATFORM_URL=http://localhost:3001/api \
        DUOLOGUE_TEST_CHAT_URL=http://localhost:3002/chats-service/api/v1 \
        DUOLOGUE_TEST_API_KEY=dev-api-key pytest tests/contract

A URL without a path is completed with the service's usual prefix; the chat service is looked for beside the platform
unless named.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from duologue.contract import CHAT, PLATFORM
from duologue_mock import MockServer
from tests.contract.listener import Listen, Listener
from tests.contract.server import RUNNING, Api, Record, Server

RECORDS = pytest.StashKey[list[Record]]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "covers(operation, *statuses): the operation returns these statuses in this test"
    )


def pytest_report_header() -> str:
    if not RUNNING:
        return "contract: a mock server of our own"
    return f"contract: {RUNNING}; where it limits requests, the tests wait as long as it says"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    result = yield
    claimed = {(mark.args[0].id, int(status)) for mark in item.iter_markers("covers") for status in mark.args[1:]}
    seen = {pair for record in item.stash.get(RECORDS, []) for pair in record.statuses()}
    assert claimed <= seen, f"the test is marked to cover {sorted(claimed - seen)}, but no response had such a status"
    return result


@pytest.fixture(scope="session")
def urls() -> Iterator[tuple[str, str, str]]:
    """Platform URL, chat URL and API key of the server that most tests share."""
    if RUNNING:
        chat = os.environ.get("DUOLOGUE_TEST_CHAT_URL") or RUNNING
        yield (
            PLATFORM.complete_url(RUNNING),
            CHAT.complete_url(chat),
            os.environ.get("DUOLOGUE_TEST_API_KEY", "dev-api-key"),
        )
        return
    with MockServer(rate_limit=None) as mock:
        yield mock.base_url, mock.chat_base_url, mock.api_key


@pytest.fixture
def server(urls: tuple[str, str, str], request: pytest.FixtureRequest) -> Iterator[Server]:
    """The shared server. What the test creates there is deleted at its end."""
    server = Server(*urls)
    _watch(request, server)
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
            return stack.enter_context(closing(Listener(origin or server.platform_origin, **options)))

        yield connect


@pytest.fixture
def serve(request: pytest.FixtureRequest) -> Iterator[Callable[..., Server]]:
    """Start a server of the test's own, with options; impossible where a running server is tested."""
    if RUNNING:
        pytest.skip("needs a server with options or data of its own, and a running one is tested")
    with ExitStack() as servers:

        def start(**options: Any) -> Server:
            mock = servers.enter_context(MockServer(**{"rate_limit": None, **options}))
            server = Server(mock.base_url, mock.chat_base_url, mock.api_key)
            servers.callback(server.session.close)
            _watch(request, server)
            return server

        yield start


def _watch(request: pytest.FixtureRequest, server: Server) -> None:
    request.node.stash.setdefault(RECORDS, []).append(server.record)
