"""What Schemathesis reports: the checks that failed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

MAX_LINES = 12
"""Lines of a failure: the check, what it found, and a command line that repeats it."""


@dataclass(frozen=True)
class GeneratedFailure:
    """A check that failed.

    Args:
        operation: method and path.
        lines: what Schemathesis says.
    """

    operation: str
    lines: tuple[str, ...]


def read_failures(junit: Path) -> list[GeneratedFailure]:
    """Return what a JUnit file says failed."""
    cases = ET.parse(junit).getroot().iter("testcase")  # noqa: S314 - Schemathesis has written it
    return [
        GeneratedFailure(case.get("name", ""), _read_lines(failure))
        for case in cases
        for failure in [*case.iter("failure"), *case.iter("error")]
    ]


def _read_lines(failure: ET.Element) -> tuple[str, ...]:
    text = f"{failure.get('message') or ''}\n{failure.text or ''}"
    return tuple(line.strip() for line in text.splitlines() if line.strip())[:MAX_LINES]
