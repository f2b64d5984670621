"""A mock that is steered by its control API."""

from __future__ import annotations

import pytest

from tests.mockserver.clocks import ManualClock
from tests.mockserver.control.state.calls import Calls, create_calls
from tests.mockserver.control.steered_mock import SteeredMock


@pytest.fixture
def mock() -> SteeredMock:
    return SteeredMock()


@pytest.fixture
def calls(clock: ManualClock) -> Calls:
    """Users 1 (admin) and 2, and one chat with one message; the machine's clock stands still."""
    return create_calls(clock)
