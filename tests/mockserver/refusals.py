"""Expecting a refusal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from duologue_mock.refusal import Refusal


@contextmanager
def refused(status: int, *naming: str) -> Iterator[None]:
    """Expect a refusal with this status that names these fields."""
    with pytest.raises(Refusal) as caught:
        yield
    assert caught.value.status == status, caught.value.message
    assert set(naming) <= set(caught.value.fields), caught.value.fields
