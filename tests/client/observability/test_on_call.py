"""`api.on_call`: a record of each call that has ended, for any number of callbacks."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest

from duologue import CallRecord, Client, ConnectError, NotFoundError, PerformanceMonitor, Response
from tests.client.fakes import SESSION, USER, FakeClock, FakeTransport, enveloped, reply

Talk = Callable[..., tuple[Client, FakeTransport]]


def test_record(talk: Talk, clock: FakeClock) -> None:
    api, _ = talk(ConnectError(), Response(404, {"X-Request-Id": "r-1"}), retry_delay=1)
    records: list[CallRecord] = []
    api.on_call(records.append)
    started = clock.time
    with pytest.raises(NotFoundError) as caught:
        api.users.get("a/b")
    (record,) = records
    assert (record.operation.id, record.path, record.request_id, record.status) == (
        "users.GET",
        "/users/a%2Fb",
        "r-1",
        404,
    )
    assert record.url == "http://localhost:3001/api/users/a%2Fb"
    assert record.error is caught.value
    assert [attempt.outcome for attempt in record.attempts] == ["ConnectError", "404"]
    assert record.elapsed == pytest.approx(sum(clock.slept), abs=1e-5)  # the clock counts microseconds
    assert abs(record.started_at - started) < timedelta(milliseconds=1)


def test_url_without_query(talk: Talk) -> None:
    api, _ = talk(enveloped([SESSION]), chat_base_url="https://chats.example.com/v1/")
    records: list[CallRecord] = []
    api.on_call(records.append)
    api.chats.list(search="doe")
    assert records[0].url == "https://chats.example.com/v1/chats"
    assert records[0].error is None


def test_unsubscribe(talk: Talk) -> None:
    api, _ = talk(reply(200, USER))
    first: list[CallRecord] = []
    second: list[CallRecord] = []
    unsubscribe = api.on_call(first.append)
    api.on_call(second.append)
    api.users.get("1")
    unsubscribe()
    unsubscribe()
    api.users.get("1")
    assert (len(first), len(second)) == (1, 2)


def test_views(talk: Talk) -> None:
    """A callback sees the calls of its client and of all views of it, whichever it was passed to."""
    api, _ = talk(reply(200, USER))
    records: list[CallRecord] = []
    view = api.with_options(max_retries=0)
    view.on_call(records.append)
    api.users.get("1")
    view.users.get("1")
    assert len(records) == 2


def test_masked(talk: Talk) -> None:
    """A token that was passed as an id, by mistake, is in no record."""
    api, _ = talk(reply(200, USER), access_token="secret-token")
    records: list[CallRecord] = []
    api.on_call(records.append)
    api.users.get("secret-token")
    assert (records[0].path, records[0].url) == ("/users/***", "http://localhost:3001/api/users/***")


def test_failing_callback(talk: Talk, caplog: pytest.LogCaptureFixture) -> None:
    """What a callback raises is logged; the call and the other callbacks do not notice."""

    def fail(_: CallRecord) -> None:
        raise RuntimeError("my own mistake")

    api, _ = talk(reply(200, USER))
    api.on_call(fail)
    monitor = PerformanceMonitor().attach(api)
    with caplog.at_level(logging.ERROR, logger="duologue"):
        assert api.users.get("1").id == "1"
    assert monitor.report()["users.GET"].count == 1
    assert "my own mistake" in caplog.text
