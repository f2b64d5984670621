"""Node, with the tools that read the documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.node_packages import find_node


@pytest.fixture(scope="session")
def node() -> str:
    """The path of Node, with the tools installed."""
    return find_node(Path(__file__).parent)
