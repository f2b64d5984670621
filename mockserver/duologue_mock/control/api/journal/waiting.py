"""What calls that wait, for requests or for messages, have in common: for how many, how long, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from duologue_mock.control.api.endpoints import ControlCall
from duologue_mock.control.cooperation import is_connected
from duologue_mock.control.errors import ControlError
from duologue_mock.control.journal.bounded_log import BoundedLog, E
from duologue_mock.control.journal.waiting import TooManyWaitersError, WaitCancelledError, Waiters
from duologue_mock.control.json_values import read_integer

MAX_TIMEOUT = 600_000
"""Milliseconds that a call may wait."""
DEFAULT_TIMEOUT = 5_000


@dataclass(frozen=True)
class WaitLimits:
    """When a call that waits gets its response.

    Args:
        count: once there are so many entries.
        timeout: after so many milliseconds.
    """

    count: int
    timeout: int


def take_wait_limits(fields: dict[str, Any], journal: BoundedLog[Any]) -> WaitLimits:
    """Remove `count` and `timeoutMilliseconds` from the JSON of a call, the rest of which is a pattern; return them.

    Args:
        fields: the JSON.
        journal: whose entries are waited for: it never has more than it stores.

    Raises:
        ControlError: one of them is not a whole number, or out of bounds.
    """
    count, timeout = fields.pop("count", 1), fields.pop("timeoutMilliseconds", DEFAULT_TIMEOUT)
    return WaitLimits(
        read_integer(count, "/count", minimum=1, maximum=max(1, journal.max_entries)),
        read_integer(timeout, "/timeoutMilliseconds", minimum=0, maximum=MAX_TIMEOUT),
    )


def wait_for_entries(
    call: ControlCall,
    journal: BoundedLog[E],
    waiters: Waiters[E],
    matches: Callable[[E], bool],
    limits: WaitLimits,
) -> list[E]:
    """Return the entries that match, the oldest first: fewer than `limits.count` if the time is over.

    Raises:
        ControlError: the journal is off (409), too many calls wait already or the mock stops (503).
        ConnectionResetError: the caller is gone.
    """
    if not journal.is_enabled:
        raise ControlError(409, "The journal is off", detail="Start the mock with --journal 1000.")
    try:
        return waiters.wait(
            matches,
            count=limits.count,
            timeout=limits.timeout / 1000,
            is_connected=partial(is_connected, call.request.environ),
        )
    except TooManyWaitersError:
        raise ControlError(503, "Too many calls wait already", headers=(("Retry-After", "1"),)) from None
    except WaitCancelledError:
        raise ControlError(503, "The mock stops") from None
