"""What a run has seen of what the contract documents."""

from __future__ import annotations

from collections.abc import Mapping

from duologue.conformance.running.result import Coverage
from duologue.contract import events, operations


def build_coverage(responses: Mapping[tuple[str, int], int], received: Mapping[str, int]) -> Coverage:
    """Return the coverage of a run.

    Args:
        responses: how often each status of an operation was seen.
        received: how often each event was received, by name.
    """
    return Coverage(
        {
            one.id: {str(status): responses.get((one.id, status), 0) for status in sorted(one.statuses)}
            for one in operations()
            if not one.always_fails
        },
        {event.name: received.get(event.name, 0) for event in events()},
    )
