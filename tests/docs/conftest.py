from __future__ import annotations

from collections.abc import Iterator

import pytest

from duologue_mock import MockServer


@pytest.fixture
def mock() -> Iterator[MockServer]:
    with MockServer(rate_limit=None) as server:
        yield server
