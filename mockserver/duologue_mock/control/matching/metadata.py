"""Matching the metadata of stubs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.matching.value_matchers import ValueMatcher
from duologue_mock.control.pretty_json import write_pretty


def matches_metadata(matcher: ValueMatcher, metadata: Mapping[str, Any] | None) -> bool:
    """Return whether a matcher matches metadata, as text of JSON; that of a stub without is `null`.

    Args:
        matcher: the matcher.
        metadata: a stub's metadata, or None.
    """
    return matcher.matches(write_pretty(None if metadata is None else dict(metadata)), Evaluation())
