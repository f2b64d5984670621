"""`Call`: what one call knows, and how errors, hooks, log lines and records are annotated with it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from duologue._version import __version__
from duologue.concurrency.clock import Clock
from duologue.config import Config
from duologue.contract import CHAT, Model, Operation, headers
from duologue.contract.core import Access
from duologue.errors import APIError, Attempt, DeadlineExceeded, HTTPStatusError
from duologue.http import request_ids
from duologue.http.encoding import build_path, encode_body, encode_query
from duologue.http.transport import Response
from duologue.observability.hooks import HookEvent
from duologue.observability.logging_setup import log
from duologue.observability.on_call import CallRecord
from duologue.observability.redaction import (
    collect_secrets,
    is_secret,
    is_secret_header,
    redact,
    redact_headers,
    redact_value,
)

JSON_TYPE = "application/json"
EVENT_STREAM_TYPE = "text/event-stream"
_USER_AGENT = f"duologue/{__version__}"


@dataclass(slots=True, eq=False, repr=False)
class Call:
    """One call: its request, which stays the same over all attempts, and what has come of it so far."""

    operation: Operation[Any]
    model: Model | None
    path: str
    url: str  # without the query string, which starts with its `?`
    query: str
    headers: dict[str, str]
    body: bytes | None
    timeout: float | None
    stream: bool
    reference_code: str
    clock: Clock
    started: float  # on `clock.monotonic`'s scale
    deadline: float | None  # seconds the call may take altogether
    access_token: str | None

    token: str | None = None  # of the last attempt
    token_refreshed: bool = False
    retries: int = 0
    waited: float = 0.0  # seconds before the last attempt
    status: int = 0
    request_id: str | None = None
    attempts: list[Attempt] = field(default_factory=list)
    request_headers: Mapping[str, str] = field(default_factory=dict)  # of the last attempt
    refresh_error: APIError | None = None
    """The error of a token refresh, a call of its own, that ended this one; it keeps its own annotations."""
    _secrets: tuple[str, ...] | None = None
    _redacted_path: str | None = None

    @property
    def elapsed(self) -> float:
        """Seconds since the call started."""
        return self.clock.monotonic() - self.started

    @property
    def time_left(self) -> float | None:
        """Seconds until the deadline, None if there is none."""
        return None if self.deadline is None else self.started + self.deadline - self.clock.monotonic()

    @property
    def takes_token(self) -> bool:
        """Whether the call carries the login's token: not to the chat service, nor where the contract wants none."""
        return self.operation.service is not CHAT and self.operation.access is not Access.PUBLIC

    @property
    def is_about_login(self) -> bool:
        """Whether the call itself logs in or out; its token is never refreshed."""
        return self.operation.path.startswith("/auth/")

    def start_attempt(self, request_headers: Mapping[str, str]) -> None:
        """Set the headers of the next attempt; they may bring new secrets."""
        self.request_headers = request_headers
        self._secrets = self._redacted_path = None

    def end_attempt(self, outcome: Response | APIError, elapsed: float) -> None:
        """Add an attempt, and log it."""
        attempt = Attempt(len(self.attempts) + 1, get_outcome_name(outcome), elapsed, self.waited)
        self.attempts.append(attempt)
        if log.isEnabledFor(logging.DEBUG):
            log.debug(
                "%s: %s in %.0f ms (attempt %d of %s, headers %s)",
                self,
                attempt.outcome,
                elapsed * 1000,
                attempt.number,
                self.reference_code,
                self.redact_headers(self.request_headers),
            )

    # What follows is needed by hooks, log lines and errors only; most calls have none.

    @property
    def secrets(self) -> tuple[str, ...]:
        """What the call has sent that must not be shown; computed once for each attempt."""
        if self._secrets is None:
            body = self.operation.body.dump(self.model) if self.model and self.operation.body else {}
            values = [value for name, value in body.items() if is_secret(name) and isinstance(value, str)]
            for name, text in self.request_headers.items():
                if is_secret_header(name):
                    values += text.split()  # `Bearer` or `Basic` stands before the secret itself
            self._secrets = collect_secrets([*values, self.token])
        return self._secrets

    @property
    def redacted_path(self) -> str:
        """The path to show: a token might have been passed as an id."""
        if self._redacted_path is None:
            self._redacted_path = redact(self.path, self.secrets)
        return self._redacted_path

    @property
    def redacted_request_id(self) -> str:
        """The server's id of the request, else the client's, to show."""
        return redact(self.request_id or self.reference_code, self.secrets)

    def __str__(self) -> str:
        return f"{self.operation.method} {self.redacted_path}"

    def __repr__(self) -> str:
        return f"<Call {self}>"

    def redact_headers(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return headers with their secrets masked."""
        return redact_headers(values, self.secrets)

    def redact_error(self, error: APIError) -> None:
        """Mask the call's secrets in an error: a server may echo them."""
        secrets = self.secrets
        error.message = redact(error.message, secrets)
        error.args = (error.message,)
        error.code = error.code and redact(error.code, secrets)
        error.details, error.data = redact_value(error.details, secrets), redact_value(error.data, secrets)
        error.errors = tuple(redact_value(error.errors, secrets))

    def annotate_error(self, error: APIError) -> None:
        """Add to an error which call it ended, and what happened before."""
        if error is self.refresh_error:
            return
        if type(error) is DeadlineExceeded and self.deadline is not None:
            error.message = f"The call took longer than its deadline of {self.deadline:g} s"
        self.redact_error(error)
        error.request_id = self.redacted_request_id
        error.method, error.path = self.operation.method, self.redacted_path
        error.attempts = tuple(self.attempts)
        error.elapsed = self.elapsed

    def build_hook_event(self, **values: Any) -> HookEvent:
        """Return what a hook is called with; `values` are its fields that depend on the hook."""
        return HookEvent(
            operation=self.operation.id,
            method=self.operation.method,
            path=self.redacted_path,
            request_id=self.reference_code,
            attempt=max(1, len(self.attempts) + (values.get("error") is None)),
            headers=self.redact_headers(self.request_headers),
            **{"elapsed": self.elapsed, **values},
        )

    def build_record(self, error: BaseException | None) -> CallRecord:
        """Return the record of the call, which has ended."""
        elapsed = self.elapsed
        return CallRecord(
            operation=self.operation,
            path=self.redacted_path,
            url=self.url.removesuffix(self.path) + self.redacted_path,
            request_id=self.redacted_request_id,
            started_at=self.clock.now() - timedelta(seconds=elapsed),
            elapsed=elapsed,
            attempts=tuple(self.attempts),
            status=error.status if isinstance(error, APIError) else self.status,
            error=error,
        )


def create_call(
    operation: Operation[Any],
    model: Model | None,
    ids: Mapping[str, str],
    *,
    config: Config,
    clock: Clock,
    stream: bool = False,
    access_token: str | None = None,
    idempotency_key: str | None = None,
) -> Call:
    """Return a call that has not been sent.

    Args:
        operation: the operation of the contract.
        model: its query or its body.
        ids: the parameters of its path.
        config: the client's settings.
        clock: the time.
        stream: whether the response is read as server-sent events.
        access_token: the access token to send instead of that of the login.
        idempotency_key: the key to send, where the operation takes one; None for a new one.

    Raises:
        ValueError: an argument that cannot be sent.
    """
    service = config.for_service(operation.service)
    path = build_path(operation, ids)
    body = encode_body(operation, model)
    reference_code = request_ids.create_reference_code(clock.now())
    return Call(
        operation=operation,
        model=model,
        path=path,
        url=service.base_url + path,
        query=encode_query(operation, model),
        headers=_build_constant_headers(operation, reference_code, idempotency_key, body, stream),
        body=body,
        timeout=service.timeout,
        stream=stream,
        reference_code=reference_code,
        clock=clock,
        started=clock.monotonic(),
        deadline=config.options["deadline"],
        access_token=access_token,
    )


def _build_constant_headers(
    operation: Operation[Any], reference_code: str, idempotency_key: str | None, body: bytes | None, stream: bool
) -> dict[str, str]:
    constant = {
        "User-Agent": _USER_AGENT,
        "Accept": EVENT_STREAM_TYPE if stream else JSON_TYPE,
        "Accept-Encoding": "identity" if stream else "gzip, deflate",
        headers.REFERENCE_CODE: reference_code,
    }
    if body is not None:
        constant["Content-Type"] = JSON_TYPE
    if operation.takes_idempotency_key:
        constant[headers.IDEMPOTENCY_KEY] = idempotency_key or request_ids.create_idempotency_key()
    return constant


def get_outcome_name(outcome: Response | APIError) -> str:
    """Return the status of a response, or the name of an error."""
    has_status = isinstance(outcome, (Response, HTTPStatusError))
    return str(outcome.status) if has_status else type(outcome).__name__
