from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from duologue import Client
from duologue_mock import MockControl, MockServer


@pytest.fixture(scope="module")
def mock() -> Iterator[MockServer]:
    """The mock that the tests of a file share: each has a namespace of its own."""
    with MockServer(seed=7) as server:
        yield server


@pytest.fixture
def control(mock: MockServer, request: pytest.FixtureRequest) -> Iterator[MockControl]:
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:60].strip("-")
    namespace = mock.control.namespace(name)
    yield namespace
    namespace.drop()


@pytest.fixture
def api(control: MockControl) -> Iterator[Client]:
    with Client(base_url=control.base_url, chat_base_url=control.chat_base_url, max_retries=0, environ={}) as client:
        yield client
