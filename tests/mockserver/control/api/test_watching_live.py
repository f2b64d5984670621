"""Waiting and watching over a real connection: others are served meanwhile, and nothing outlives its client."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from duologue_mock import MockServer
from duologue_mock.context import get_context
from tests.mockserver import raw
from tests.waiting import eventually


@pytest.fixture
def mock() -> Iterator[MockServer]:
    with MockServer() as mock:
        yield mock


def get_control(mock: MockServer) -> Any:
    """Return what steers the default namespace."""
    assert mock._app is not None
    return get_context(mock._app).namespaces.default.interceptor


def start_waiting(mock: MockServer, **fields: Any) -> raw.Peer:
    """Return a connection whose call waits."""
    connection = raw.Peer(mock.port)
    body = json.dumps(fields).encode()
    connection.send(raw.head("POST /__admin/requests/wait HTTP/1.1", f"Content-Length: {len(body)}") + body)
    assert eventually(lambda: len(get_control(mock).recorder.waiters) > 0)
    return connection


def start_reading(mock: MockServer, *headers: str) -> raw.Peer:
    """Return a connection that reads the live stream."""
    connection = raw.Peer(mock.port)
    connection.send(raw.head("GET /__admin/events HTTP/1.1", *headers))
    assert b"text/event-stream" in connection.until(b"\r\n\r\n")
    connection.until(b"this namespace\n\n")
    return connection


def test_requests_are_served_while_a_call_waits(mock: MockServer) -> None:
    connection = start_waiting(mock, operation="users.GET", count=2)
    for id in ("1", "2"):
        assert requests.get(f"{mock.base_url}/users/{id}", timeout=10).status_code == 200
    response = connection.read_response()
    assert (response.status, response.json["count"]) == (200, 2)
    connection.close()


def test_client_of_a_waiting_call_leaves(mock: MockServer) -> None:
    start_waiting(mock, url="/never", timeoutMilliseconds=600_000).close()
    assert eventually(lambda: len(get_control(mock).recorder.waiters) == 0)


def test_reader_leaves(mock: MockServer) -> None:
    start_reading(mock).close()

    def is_gone() -> bool:
        requests.get(f"{mock.base_url}/users/1", timeout=10)  # an event that cannot be sent
        return not get_control(mock).events.readers

    assert eventually(is_gone)


def test_stream_over_http(mock: MockServer) -> None:
    requests.get(f"{mock.base_url}/users/1", timeout=10)
    connection = start_reading(mock, "Last-Event-ID: 0")
    assert b'"url":"/api/users/1"' in connection.until(b"\n\n\r\n")
    requests.get(f"{mock.base_url}/users/2", timeout=10)
    assert b'"url":"/api/users/2"' in connection.until(b"\n\n\r\n")
    connection.close()


@pytest.mark.parametrize("id", ["x", "-1", "1e3"])
def test_last_event_id_that_is_none(mock: MockServer, id: str) -> None:
    assert raw.ask(mock.port, "GET /__admin/events HTTP/1.1", f"Last-Event-ID: {id}").status == 400


def test_head_of_the_stream_reads_nothing(mock: MockServer) -> None:
    assert raw.ask(mock.port, "HEAD /__admin/events HTTP/1.1").status == 200
    assert not get_control(mock).events.readers


def test_stopping_ends_what_waits(mock: MockServer) -> None:
    """Long before the time that requests in flight have."""
    waiting, reading = start_waiting(mock, url="/never", timeoutMilliseconds=600_000), start_reading(mock)
    stopping = threading.Thread(target=mock.stop)
    stopping.start()
    assert waiting.read_response().status == 503
    assert reading.rest().endswith(b"0\r\n\r\n")
    stopping.join(timeout=raw.PATIENCE)
    assert not stopping.is_alive()
    for connection in (waiting, reading):
        connection.close()


def test_dropped_namespace_ends_its_streams(mock: MockServer) -> None:
    connection = start_reading(mock, "X-Mock-Namespace: w1")
    assert requests.delete(f"{mock.origin}/__admin/namespaces/w1", timeout=10).status_code == 200
    assert connection.until(b"0\r\n\r\n")
    connection.close()
