"""Node with the recipes' packages, and a browser."""

from __future__ import annotations

import pytest

from tests.node_packages import find_chromium, find_node
from tests.recipes.projects import HERE


@pytest.fixture(scope="session")
def node() -> str:
    """The path of a Node that the tools run on, with their packages installed."""
    return find_node(HERE)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium."""
    return find_chromium()
