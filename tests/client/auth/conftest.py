from __future__ import annotations

import pytest

from tests.client.auth.fake_platform import Platform


@pytest.fixture
def platform() -> Platform:
    return Platform()
