from __future__ import annotations

from collections.abc import Iterator

import pytest

from duologue.query import QueryClient
from tests.query.fakes import Later, SteppedClock


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def later() -> Later:
    return Later()


@pytest.fixture
def queries(clock: SteppedClock, later: Later) -> Iterator[QueryClient]:
    with QueryClient(clock=clock, executor=later) as client:
        yield client
