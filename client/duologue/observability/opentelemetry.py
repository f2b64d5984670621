"""OpenTelemetry spans for the calls of a client, if `opentelemetry-api` is installed: `duologue[opentelemetry]`.

    from duologue.observability.opentelemetry import Tracing

    Tracing().attach(api)

This is the only module that imports opentelemetry. Names and attributes are those of the semantic conventions for HTTP
clients (https://opentelemetry.io/docs/specs/semconv/http/http-spans/).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from duologue.errors import HTTPStatusError
from duologue.observability.on_call import CallRecord, ObservableClient

try:
    from opentelemetry import trace
except ModuleNotFoundError:  # then attaching does nothing
    trace = None  # type: ignore[assignment]  # the extra is not installed


class Tracing:
    """Creates a span for each call that has ended, with the times it had, inside the current span.

    Args:
        tracer_provider: an OpenTelemetry `TracerProvider`; by default the global one.
    """

    def __init__(self, tracer_provider: Any = None) -> None:
        self._tracer = trace.get_tracer("duologue", tracer_provider=tracer_provider) if trace else None
        self._attached: WeakKeyDictionary[ObservableClient, Callable[[], None]] = WeakKeyDictionary()

    def attach(self, api: ObservableClient) -> Self:
        """Trace the calls of a client, and return this object; without opentelemetry, do nothing."""
        if self._tracer is not None and api not in self._attached:
            self._attached[api] = api.on_call(self._create_span)
        return self

    def detach(self, api: ObservableClient) -> None:
        """Stop tracing the calls of a client."""
        self._attached.pop(api, lambda: None)()

    def _create_span(self, record: CallRecord) -> None:
        assert self._tracer is not None
        start_time = round(record.started_at.timestamp() * 1e9)
        span = self._tracer.start_span(
            f"{record.operation.method} {record.operation.path}",
            kind=trace.SpanKind.CLIENT,
            start_time=start_time,
            attributes={**_describe_request(record), **_describe_outcome(record)},
        )
        if record.error is not None:
            span.set_status(trace.Status(trace.StatusCode.ERROR, type(record.error).__name__))
        span.end(end_time=start_time + round(record.elapsed * 1e9))


def _describe_request(record: CallRecord) -> dict[str, str | int]:
    url = urlsplit(record.url)
    return {
        "http.request.method": record.operation.method,
        "url.template": record.operation.path,
        "url.full": record.url,
        "server.address": url.hostname or "",
        "server.port": url.port or (443 if url.scheme == "https" else 80),
        "duologue.operation": record.operation.id,
        "duologue.request_id": record.request_id,
    }


def _describe_outcome(record: CallRecord) -> dict[str, str | int]:
    attributes: dict[str, str | int] = {"http.request.resend_count": max(0, len(record.attempts) - 1)}
    has_response = record.error is None or isinstance(record.error, HTTPStatusError)
    if has_response and record.status:
        attributes["http.response.status_code"] = record.status
    if record.error is not None:
        attributes["error.type"] = _get_error_type(record.error)
    return attributes


def _get_error_type(error: BaseException) -> str:
    """Return the status where there is one, as the conventions say, else the name of the exception."""
    return str(error.status) if isinstance(error, HTTPStatusError) else type(error).__name__
