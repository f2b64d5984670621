"""Waiting until so many requests have come, or so many messages."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from typing import Generic

from duologue_mock.control.cooperation import Signal, Sleep, Turns
from duologue_mock.control.journal.bounded_log import BoundedLog, E

MAX_WAITERS = 64

_CHECK_INTERVAL = 0.5
"""Seconds after which a waiting call looks whether its client is still there."""


class TooManyWaitersError(Exception):
    """As many calls wait as may."""


class WaitCancelledError(Exception):
    """The mock stops, or the namespace is dropped."""


class Waiters(Generic[E]):
    """The calls that wait for requests, or for messages, of one namespace.

    Args:
        journal: the journal.
        create_signal: creates what a call waits for.
        sleep: waits a number of seconds without blocking other requests.
    """

    def __init__(self, journal: BoundedLog[E], create_signal: Callable[[], Signal], sleep: Sleep) -> None:
        self._journal = journal
        self._create_signal = create_signal
        self._sleep = sleep
        self._waiting: list[_Waiter[E]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def wait(
        self, matches: Callable[[E], bool], *, count: int, timeout: float, is_connected: Callable[[], bool]
    ) -> list[E]:
        """Return the entries that match, oldest first, once there are so many of them or the time is over.

        Args:
            matches: whether an entry is one of those.
            count: how many there must be; those that are in the journal already count.
            timeout: seconds to wait at most.
            is_connected: whether the caller is still there.

        Raises:
            TooManyWaitersError: `MAX_WAITERS` wait already.
            WaitCancelledError: the mock stops.
            ConnectionResetError: the caller is gone.
        """
        if len(self._waiting) >= MAX_WAITERS:
            raise TooManyWaitersError
        waiter = _Waiter(self._journal, matches, self._create_signal())
        stop_listening = self._journal.listen(waiter.wake)
        self._waiting.append(waiter)
        try:
            return waiter.wait(count, time.monotonic() + timeout, is_connected, Turns(self._sleep))
        finally:
            self._waiting.remove(waiter)
            stop_listening()

    def close(self) -> None:
        """Cancel the calls that wait at this moment."""
        for waiter in self._waiting:
            waiter.cancel()


class _Waiter(Generic[E]):
    """One call that waits."""

    def __init__(self, journal: BoundedLog[E], matches: Callable[[E], bool], signal: Signal) -> None:
        self._journal = journal
        self._matches = matches
        self._signal = signal
        self._cancelled = False
        self._last = 0
        self._matched: set[int] = set()

    def wake(self, _: E) -> None:
        self._signal.set()

    def cancel(self) -> None:
        self._cancelled = True
        self._signal.set()

    def wait(self, count: int, deadline: float, is_connected: Callable[[], bool], turns: Turns) -> list[E]:
        while True:
            self._signal.clear()
            self._match_new(turns)
            remaining = deadline - time.monotonic()
            if len(self._matched) >= count or remaining <= 0:
                return [entry for entry in self._journal if entry.sequence in self._matched]
            self._signal.wait(min(remaining, _CHECK_INTERVAL))
            if self._cancelled:
                raise WaitCancelledError
            if not is_connected():
                raise ConnectionResetError(errno.ECONNRESET, "the client closed the connection")

    def _match_new(self, turns: Turns) -> None:
        for entry in self._journal.list_after(self._last):
            self._last = entry.sequence
            if self._matches(entry):
                self._matched.add(entry.sequence)
            turns.take()
