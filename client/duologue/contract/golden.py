"""The golden examples: written by hand from the specifications, as a witness that is neither client nor server.

They are the files in `fixtures/wire/`, and ship with the package. They are read when a document or a test asks for
one, and by nothing else at run time.
"""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import Any

ERRORS = "error"
"""The name of the example that has an error body for each status."""


@functools.cache
def load(name: str) -> dict[str, Any]:
    """Return the example `name`, such as `users.CREATE`; callers share it and must not change it.

    Raises:
        FileNotFoundError: there is no such example.
    """
    example: dict[str, Any] = json.loads((resources.files("duologue.golden") / f"{name}.json").read_text("utf-8"))
    return example


def list_names() -> set[str]:
    """Return the names of all examples, except that of the errors."""
    files = (file.name for file in resources.files("duologue.golden").iterdir())
    return {name.removesuffix(".json") for name in files if name.endswith(".json")} - {ERRORS}
