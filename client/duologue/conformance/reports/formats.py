"""The reports that are files, by the name of their format."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from duologue.conformance.reports.junit import render_junit
from duologue.conformance.running.result import Result


def render_json(result: Result) -> str:
    """Return the result as JSON, which `Result.from_dict` reads."""
    return json.dumps(result.to_dict(), indent=2) + "\n"


FORMATS: dict[str, Callable[[Result], str]] = {"json": render_json, "junit": render_junit}
"""What makes the text of each format."""


def write_report(format: str, path: Path, result: Result) -> None:
    """Write a report; folders that do not exist are made.

    Args:
        format: one of `FORMATS`.
        path: of the file; it is replaced.
        result: of the run.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(FORMATS[format](result), "utf-8", errors="backslashreplace")
