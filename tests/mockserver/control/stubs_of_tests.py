"""A stub as the journal sees it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, eq=False)
class FakeStub:
    """A stub of some size."""

    id: uuid.UUID = field(default_factory=uuid.uuid4)
    json: Mapping[str, Any] = field(default_factory=dict)
    size: int = 100
