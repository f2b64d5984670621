"""The page on WireMock's clients shows every difference."""

from __future__ import annotations

from pathlib import Path

from tests.wiremock.differences import DIFFERENCES, RULES

PAGE = Path(__file__).parents[2] / "docs" / "control" / "wiremock.md"


def test_page_lists_every_difference() -> None:
    """The page's lists are those of `differences.py`, in their order."""
    _, _, lists = PAGE.read_text("utf-8").partition("## Differences on purpose\n")
    shown = [line.removeprefix("- ") for line in lists.splitlines() if line.startswith("- ")]
    assert shown == [*RULES, *(difference.reason for difference in DIFFERENCES)]
