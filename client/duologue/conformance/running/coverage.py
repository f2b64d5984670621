"""What a run has seen of what the contract documents."""

from __future__ import annotations

from collections.abc import Mapping

from duologue.conformance.running.result import Coverage
from duologue.contract import Operation, events, operations


def build_coverage(responses: Mapping[tuple[str, int], int], received: Mapping[str, int]) -> Coverage:
    """Return the coverage of a run.

    Args:
        responses: how often each status of an operation was seen.
        received: how often each event was received, by name.
    """
    documented = {one.id: _list_statuses(one) for one in operations() if not one.always_fails}
    return Coverage(
        {
            id: {str(status): responses.get((id, status), 0) for status in statuses}
            for id, statuses in documented.items()
        },
        {event.name: received.get(event.name, 0) for event in events()},
    )


def _list_statuses(operation: Operation[object]) -> list[int]:
    not_modified = [304] if operation.safe and operation.has_etag else []
    return sorted({operation.status, *operation.failures, *not_modified})
