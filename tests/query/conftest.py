from __future__ import annotations

from collections.abc import Iterator

import pytest

from duologue.query import QueryClient
from tests.query.fakes import FakeClock, ManualExecutor, Stage


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def executor() -> ManualExecutor:
    return ManualExecutor()


@pytest.fixture
def queries(clock: FakeClock, executor: ManualExecutor) -> Iterator[QueryClient]:
    with QueryClient(clock=clock, executor=executor) as client:
        yield client


@pytest.fixture
def stage(queries: QueryClient, executor: ManualExecutor, clock: FakeClock) -> Stage:
    return Stage(queries, executor, clock)
