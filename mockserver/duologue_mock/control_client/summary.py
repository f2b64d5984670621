"""What a test run has done with a mock: coverage of the contract, and the rules that requests broke."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any


class Summary:
    """The coverage and the violations of several namespaces together."""

    def __init__(self) -> None:
        self._statuses: dict[str, dict[str, bool]] = {}
        """Of each operation its documented statuses, and whether one was seen; and `` for whether any was."""
        self._events: dict[str, bool] = {}
        self._rules: Counter[str] = Counter()

    @property
    def is_empty(self) -> bool:
        """Whether nothing was requested."""
        return not (self._rules or any(seen[""] for seen in self._statuses.values()))

    def add(self, coverage: Mapping[str, Any], violations: Mapping[str, int]) -> None:
        """Add what a namespace has seen.

        Args:
            coverage: what `MockControl.coverage` returns.
            violations: what `MockControl.count_violations` returns.
        """
        self._rules.update(violations)
        for row in coverage["operations"]:
            seen = self._statuses.setdefault(row["operation"], {"": False})
            seen[""] = seen[""] or row["count"] > 0
            for status in map(str, row["documented"]):
                seen[status] = seen.get(status, False) or status in row["statuses"]
        for row in coverage["events"]:
            self._events[row["event"]] = self._events.get(row["event"], False) or row["count"] > 0

    def describe(self) -> list[str]:
        """Return two lines for people; none if nothing was requested."""
        if self.is_empty:
            return []
        statuses = [seen for one in self._statuses.values() for status, seen in one.items() if status]
        counted = {
            "operations": [seen[""] for seen in self._statuses.values()],
            "statuses": statuses,
            "events": list(self._events.values()),
        }
        shares = (f"{sum(seen)} of {len(seen)} {name}" for name, seen in counted.items())
        broken = ", ".join(f"{rule} ({count})" for rule, count in self._rules.most_common())
        return [f"Coverage of the contract: {', '.join(shares)}.", f"Violations of the contract: {broken or 'none'}."]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, for another process."""
        return {"statuses": self._statuses, "events": self._events, "rules": dict(self._rules)}

    def merge(self, other: Mapping[str, Any]) -> None:
        """Add what `to_json` of another returned."""
        self._rules.update(other["rules"])
        for operation, statuses in other["statuses"].items():
            _merge(self._statuses.setdefault(operation, {}), statuses)
        _merge(self._events, other["events"])


def _merge(seen: dict[str, bool], other: Mapping[str, bool]) -> None:
    for name, was_seen in other.items():
        seen[name] = seen.get(name, False) or was_seen
