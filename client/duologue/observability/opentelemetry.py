"""OpenTelemetry spans for the calls of a client, if `opentelemetry-api` is installed: `duologue[opentelemetry]`.

    from duologue.observability.opentelemetry import Tracing

    Tracing().attach(api)

The only importer of opentelemetry. Names and attributes are those of the semantic conventions for HTTP clients
(https://opentelemetry.io/docs/specs/semconv/http/http-spans/).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from duologue.errors import HTTPStatusError

if TYPE_CHECKING:
    from duologue.client import Client
    from duologue.config import Config
    from duologue.http.api_requestor import CallRecord

try:
    from opentelemetry import trace
except ModuleNotFoundError:  # then attaching does nothing
    trace = None  # type: ignore[assignment]  # the extra is not installed


class Tracing:
    """Makes a span of each call that has ended, with the times it had, inside the span that is current then.

    Args:
        tracer_provider: an OpenTelemetry `TracerProvider`; by default the one that the program has set up.
    """

    def __init__(self, tracer_provider: Any = None) -> None:
        self._tracer = trace.get_tracer("duologue", tracer_provider=tracer_provider) if trace else None
        self._attached: WeakKeyDictionary[Client, _Observer] = WeakKeyDictionary()

    def attach(self, api: Client) -> Self:
        """Trace the calls of a client, and return this object; without opentelemetry, do nothing."""
        if self._tracer is not None and api not in self._attached:
            self._attached[api] = observer = _Observer(self._tracer, api.config)
            api._requestor.observers.append(observer)
        return self

    def detach(self, api: Client) -> None:
        """Trace the calls of a client no longer."""
        observer = self._attached.pop(api, None)
        if observer is not None:
            api._requestor.observers.remove(observer)


class _Observer:
    def __init__(self, tracer: Any, config: Config) -> None:
        self._tracer = tracer
        self._config = config

    def __call__(self, record: CallRecord) -> None:
        began = round(record.started_at.timestamp() * 1e9)
        operation = record.operation
        span = self._tracer.start_span(
            f"{operation.method} {operation.path}",
            kind=trace.SpanKind.CLIENT,
            start_time=began,
            attributes={**self._attributes(record), **_outcome(record)},
        )
        if record.error is not None:
            span.set_status(trace.Status(trace.StatusCode.ERROR, type(record.error).__name__))
        span.end(end_time=began + round(record.elapsed * 1e9))

    def _attributes(self, record: CallRecord) -> dict[str, str | int]:
        operation = record.operation
        base = self._config.for_service(operation.service).base_url
        parts = urlsplit(base)
        return {
            "http.request.method": operation.method,
            "url.template": operation.path,
            "url.full": base + record.path,
            "server.address": parts.hostname or "",
            "server.port": parts.port or (443 if parts.scheme == "https" else 80),
            "duologue.operation": operation.id,
            "duologue.request_id": record.request_id,
        }


def _outcome(record: CallRecord) -> dict[str, str | int]:
    found: dict[str, str | int] = {"http.request.resend_count": max(0, len(record.attempts) - 1)}
    answered = record.error is None or isinstance(record.error, HTTPStatusError)
    if answered and record.status:
        found["http.response.status_code"] = record.status
    if record.error is not None:
        found["error.type"] = _error_type(record.error)
    return found


def _error_type(error: BaseException) -> str:
    """The status where there is one, as the conventions have it, else the name of the exception."""
    return str(error.status) if isinstance(error, HTTPStatusError) else type(error).__name__
