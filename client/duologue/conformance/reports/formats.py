"""The reports that are files, by the name of their format."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from duologue.conformance.reports.html.page import render_html
from duologue.conformance.reports.junit import render_junit
from duologue.conformance.running.grouping import group_result
from duologue.conformance.running.result import Result


def build_report(result: Result) -> dict[str, Any]:
    """Return the result as JSON values, which `Result.from_dict` reads, with its failures grouped."""
    rows = [
        {"rule": group.rule, "failures": len(group.failures), "folded": [one.rule for one in group.folded]}
        for group in group_result(result)
    ]
    return {**result.to_dict(), "groups": rows}


def render_json(result: Result) -> str:
    """Return the result as JSON."""
    return json.dumps(build_report(result), indent=2) + "\n"


FORMATS: dict[str, Callable[[Result], str]] = {"html": render_html, "json": render_json, "junit": render_junit}
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
