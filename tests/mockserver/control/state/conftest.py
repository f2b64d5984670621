"""A mock without a network."""

from __future__ import annotations

import pytest

from tests.mockserver.clocks import ManualClock
from tests.mockserver.control.state.calls import Calls, create_calls


@pytest.fixture
def calls(clock: ManualClock) -> Calls:
    """Users 1 (admin) and 2, and one chat with one message; the machine's clock stands still."""
    return create_calls(clock)
