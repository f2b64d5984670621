"""The committed copies of the documents, in `fixtures/`: `make documents` writes them anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from duologue_mock.documentation.documents import build_asyncapi, build_openapi
from duologue_mock.origins import Origins

FIXTURES = Path(__file__).parents[2] / "fixtures"
ORIGINS = Origins("http://localhost:3001", "http://localhost:3002")
BUILDERS = {"openapi.json": build_openapi, "asyncapi.json": build_asyncapi}


def render(name: str) -> str:
    """Return the text of a copy, as the code builds it now."""
    document: dict[str, Any] = BUILDERS[name](ORIGINS)
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the copies."""
    for name in BUILDERS:
        (FIXTURES / name).write_text(render(name), "utf-8")


if __name__ == "__main__":
    main()
