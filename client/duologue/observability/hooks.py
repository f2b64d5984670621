"""Hooks: functions called at each step of a call. They are the specifications' interceptors, but only observe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from duologue.errors import APIError
from duologue.observability.logging_setup import log


@dataclass(frozen=True, kw_only=True, eq=False)
class HookEvent:
    """What a hook is called with. Secrets in it are masked.

    Args:
        operation: the operation of the contract, as `users.GET`.
        method: the HTTP method.
        path: the path below the base URL, without the query string.
        request_id: the call's `Unique-Reference-Code`, the same over its attempts.
        attempt: the number of the attempt, from 1.
        headers: the request's headers.
        status: the response's status, for `on_response`.
        response_headers: the response's headers, for `on_response`.
        error: what failed, for `on_retry` and `on_error`.
        delay: seconds until the next attempt, for `on_retry`.
        elapsed: seconds: of this attempt for `on_response`, else since the call started.
    """

    operation: str
    method: str
    path: str
    request_id: str
    attempt: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    status: int | None = None
    response_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    error: APIError | None = None
    delay: float | None = None
    elapsed: float = 0.0


Hook = Callable[[HookEvent], object]


@dataclass(frozen=True, kw_only=True, eq=False)
class Hooks:
    """Functions called as a call proceeds, on the thread that makes the call.

    An exception in one is logged and changes nothing for the call.

    Args:
        on_request: before each attempt.
        on_response: after each response, whatever its status.
        on_retry: before the wait for another attempt.
        on_error: when a call has failed for good.
    """

    on_request: Hook | None = None
    on_response: Hook | None = None
    on_retry: Hook | None = None
    on_error: Hook | None = None


def run_hook(hook: Hook, event: HookEvent) -> None:
    """Call a hook; an exception in it is logged."""
    try:
        hook(event)
    except Exception as failure:
        log.warning("A hook failed: %s", type(failure).__name__, exc_info=failure)
