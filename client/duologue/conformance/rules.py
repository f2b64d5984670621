"""What a test states."""

from __future__ import annotations

from typing import Any

import pytest

from duologue.contract import Operation


def covers(operation: Operation[Any], *statuses: int) -> pytest.MarkDecorator:
    """Mark a test to cover these statuses of an operation; it fails if no response has them."""
    return pytest.mark.covers(operation, *statuses)
