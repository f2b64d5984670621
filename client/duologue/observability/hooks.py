"""Watching calls from outside: the documents' interceptors, except that they only observe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from duologue.errors import APIError
from duologue.observability.logging_setup import log


@dataclass(frozen=True, kw_only=True)
class HookEvent:
    """What a hook is told. Secrets in it are covered.

    Args:
        operation: which call of the contract, as `users.GET`.
        method: the verb.
        path: the path below the base URL, without the query.
        request_id: the call's `Unique-Reference-Code`, the same over its attempts.
        attempt: which try it is, from 1.
        headers: the request's headers.
        status: the answer's status; None where there is no answer.
        response_headers: the answer's headers.
        error: what failed; told to `on_retry` and `on_error`.
        delay: seconds until the next try; told to `on_retry`.
        elapsed: seconds: of this attempt for `on_response`, else since the call began.
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


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """Functions that are told of calls as they happen, on the thread that makes the call.

    An exception in one is logged and changes nothing for the call.

    Args:
        on_request: before each attempt.
        on_response: after each answer, whatever its status.
        on_retry: before the wait for another attempt.
        on_error: when a call has failed for good.
    """

    on_request: Hook | None = None
    on_response: Hook | None = None
    on_retry: Hook | None = None
    on_error: Hook | None = None


def tell(hook: Hook, exchange: HookEvent) -> None:
    """Tell a hook of an exchange."""
    try:
        hook(exchange)
    except Exception as failure:
        log.warning("A hook failed: %s", type(failure).__name__, exc_info=failure)
