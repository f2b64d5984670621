"""`Client.on_call`: a record of each call that has ended. Monitoring and tracing are built on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from duologue.contract import Operation
from duologue.errors import Attempt


@dataclass(frozen=True, slots=True, eq=False)
class CallRecord:
    """A call that has ended. Secrets in it are masked.

    Args:
        operation: the operation of the contract.
        path: its path below the base URL, without the query string.
        url: the whole URL, without the query string.
        request_id: the server's id of the request, else the client's.
        started_at: when it started, in UTC.
        elapsed: seconds until the whole response had arrived, all attempts and waits included.
        attempts: all attempts made.
        status: the HTTP status of the last response; 0 if none arrived, 408 if it took too long.
        error: what was raised; None if the call succeeded or its stream was left early.
    """

    operation: Operation[Any]
    path: str
    url: str
    request_id: str
    started_at: datetime
    elapsed: float
    attempts: tuple[Attempt, ...]
    status: int
    error: BaseException | None


class ObservableClient(Protocol):
    """What monitoring and tracing need of a client."""

    def on_call(self, callback: Callable[[CallRecord], object], /) -> Callable[[], None]:
        """Call a function with a record of each call that has ended; return a function that unsubscribes it."""
        ...
