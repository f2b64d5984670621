"""Coverage: which operations, statuses and events of the contract a namespace has responded with since its reset."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from duologue.contract import events, operations
from duologue.contract.core import Operation


class Coverage:
    """Counts responses by operation and status, and the events that were sent to clients."""

    def __init__(self) -> None:
        self.responses: defaultdict[tuple[Operation[Any] | None, int], int] = defaultdict(int)
        """How often each status of an operation was sent, and of requests that are for none."""
        self._events: dict[str, int] = {}

    def count_event(self, name: str) -> None:
        """Count an event that was sent, to one client or to several."""
        self._events[name] = self._events.get(name, 0) + 1

    def clear(self) -> None:
        """Start again from zero."""
        self.responses.clear()
        self._events.clear()

    def render(self) -> dict[str, Any]:
        """Return for each operation and each event of the contract how often it was seen, and what was not.

        An operation that exists to fail is left out until it was called: its statuses are what callers ask for.
        """
        rows = [self._render_operation(one) for one in operations()]
        rows = [row for row, one in zip(rows, operations(), strict=True) if not one.always_fails or row["count"]]
        names = sorted(event.name for event in events())
        statuses = sum(len(row["documented"]) for row in rows)
        return {
            "summary": {
                "operations": _ratio(sum(row["count"] > 0 for row in rows), len(rows)),
                "statuses": _ratio(statuses - sum(len(row["missing"]) for row in rows), statuses),
                "events": _ratio(sum(name in self._events for name in names), len(names)),
            },
            "operations": rows,
            "events": [{"event": name, "count": self._events.get(name, 0)} for name in names],
        }

    def _render_operation(self, operation: Operation[Any]) -> dict[str, Any]:
        counts = {status: count for (one, status), count in self.responses.items() if one is operation}
        documented = sorted(operation.statuses)
        return {
            "operation": operation.id,
            "method": operation.method,
            "path": operation.route,
            "count": sum(counts.values()),
            "statuses": {str(status): counts[status] for status in sorted(counts)},
            "documented": documented,
            "missing": [status for status in documented if status not in counts],
        }


def _ratio(seen: int, total: int) -> dict[str, int]:
    return {"seen": seen, "total": total}
