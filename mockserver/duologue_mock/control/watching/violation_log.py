"""The requests of one namespace that broke the contract: the last ones, which outlive their entries in the journal."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any

from duologue_mock.control.journal.entry import Entry

MAX_VIOLATIONS = 500
"""Violations that are stored."""

_MAX_URL = 500
"""Characters of a URL that are stored."""


class ViolationLog:
    """The last violations, each with what says which request it was, without secrets.

    Args:
        summarize: returns what a list of requests shows of an entry.
    """

    def __init__(self, summarize: Callable[[Entry], Mapping[str, Any]]) -> None:
        self.by_rule: Counter[str] = Counter()
        """How many there were of each rule, since it was cleared."""
        self._summarize = summarize
        self._stored: deque[dict[str, Any]] = deque(maxlen=MAX_VIOLATIONS)

    def __len__(self) -> int:
        return len(self._stored)

    def add(self, entry: Entry) -> None:
        """Add the violations of a request."""
        summary = dict(self._summarize(entry))
        summary["url"] = summary["url"][:_MAX_URL]
        for violation in summary.pop("violations"):
            self.by_rule[violation["rule"]] += 1
            self._stored.append({**violation, "request": summary})

    def list_newest(self, *, rule: str | None = None) -> list[dict[str, Any]]:
        """Return the violations, of one rule or of all, the newest first."""
        return [one for one in reversed(self._stored) if rule is None or one["rule"] == rule]

    def clear(self) -> None:
        """Forget all of them."""
        self.by_rule.clear()
        self._stored.clear()
