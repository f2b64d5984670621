"""Names that nothing else has, so that a test compares what it created with itself."""

from __future__ import annotations

import re
import uuid
from typing import Any


def unique(word: str) -> str:
    """Return a name that nothing else has."""
    return f"{word}-{uuid.uuid4().hex[:16]}"


def is_unique(name: str) -> bool:
    """Return whether a name is one that `unique` has made."""
    return re.fullmatch(r".+-[0-9a-f]{16}", name) is not None


def build_user(**fields: Any) -> dict[str, Any]:
    """Return the body of a `POST /users` that no other test sends."""
    name = unique("Ada")
    return {"name": name, "email": f"{name}@example.com".lower(), **fields}
