"""OpenTelemetry spans, read back with the SDK's own exporter."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from duologue import Client, ConnectError, NotFoundError, Request, Response
from duologue.observability.opentelemetry import Tracing
from tests.client.fakes import SESSION, USER, FakeClock, FakeTransport, enveloped, reply

Talk = Callable[..., tuple[Client, FakeTransport]]


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> Iterator[TracerProvider]:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider
    provider.shutdown()


def only(exporter: InMemorySpanExporter) -> ReadableSpan:
    (span,) = exporter.get_finished_spans()
    return span


def test_span(talk: Talk, clock: FakeClock, provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
    def slow(request: Request) -> Response:
        clock.time += timedelta(seconds=2)
        return reply(200, USER, {"X-Request-Id": "r-1"})

    api, _ = talk(slow)
    Tracing(provider).attach(api)
    started = clock.time
    api.users.get("1")
    span = only(exporter)
    assert (span.name, span.kind) == ("GET /users/{id}", SpanKind.CLIENT)
    assert span.start_time is not None
    assert span.end_time is not None
    assert span.start_time == pytest.approx(started.timestamp() * 1e9, abs=1e6)
    assert span.end_time - span.start_time == pytest.approx(2e9, abs=1e6)
    assert span.status.status_code is StatusCode.UNSET
    assert dict(span.attributes or {}) == {
        "http.request.method": "GET",
        "url.template": "/users/{id}",
        "url.full": "http://localhost:3001/api/users/1",
        "server.address": "localhost",
        "server.port": 3001,
        "duologue.operation": "users.GET",
        "duologue.request_id": "r-1",
        "http.request.resend_count": 0,
        "http.response.status_code": 200,
    }


@pytest.mark.parametrize(
    ("outcome", "kind", "status"), [(reply(404), "404", 404), (ConnectError(), "ConnectError", None)]
)
def test_failure(
    talk: Talk,
    provider: TracerProvider,
    exporter: InMemorySpanExporter,
    outcome: Response,
    kind: str,
    status: int | None,
) -> None:
    api, _ = talk(ConnectError(), outcome, max_retries=1)
    Tracing(provider).attach(api)
    with pytest.raises((NotFoundError, ConnectError)):
        api.users.get("1")
    span = only(exporter)
    attributes = dict(span.attributes or {})
    assert span.status.status_code is StatusCode.ERROR
    assert attributes["error.type"] == kind
    assert attributes.get("http.response.status_code") == status
    assert attributes["http.request.resend_count"] == 1


def test_parent_span(talk: Talk, provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
    api, _ = talk(enveloped(SESSION), chat_base_url="https://chats.example.com/v1")
    tracing = Tracing(provider).attach(api).attach(api)
    with provider.get_tracer("mine").start_as_current_span("my work") as mine:
        api.chats.get("1")
    call, _ = exporter.get_finished_spans()
    assert call.parent is not None
    assert call.parent.span_id == mine.get_span_context().span_id
    assert (call.attributes or {})["server.port"] == 443
    tracing.detach(api)
    tracing.detach(api)
    api.chats.get("1")
    assert len(exporter.get_finished_spans()) == 2


def test_without_opentelemetry() -> None:
    script = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from duologue import Client\n"
        "from duologue.observability.opentelemetry import Tracing\n"
        "with Client() as api:\n"
        "    Tracing().attach(api).detach(api)\n"
        "    print(Tracing().attach(api) and api._requestor.calls.has_listeners('call'))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
