"""Names that nothing else has, so that a test compares what it created with itself."""

from __future__ import annotations

import uuid
from typing import Any


def unique(word: str) -> str:
    """Return a name that nothing else has."""
    return f"{word}-{uuid.uuid4().hex[:16]}"


def build_user(**fields: Any) -> dict[str, Any]:
    """Return the body of a `POST /users` that no other test sends."""
    name = unique("Ada")
    return {"name": name, "email": f"{name}@example.com".lower(), **fields}
