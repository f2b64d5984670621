"""A running mock, and a namespace of its own for each test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from duologue_mock import MockServer
from tests.mockserver.control.responses.wire import Wire

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="package")
def server() -> Iterator[MockServer]:
    with MockServer(seed=5) as server:
        yield server


@pytest.fixture
def wire(server: MockServer) -> Iterator[Wire]:
    with Wire(server, f"wire-{next(_NUMBERS)}") as wire:
        yield wire
