"""A mock that is steered by its control API."""

from __future__ import annotations

import pytest

from tests.mockserver.control.steered_mock import SteeredMock


@pytest.fixture
def mock() -> SteeredMock:
    return SteeredMock()
