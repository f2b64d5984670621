"""A call waits until so many requests have come, and no longer than its client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from duologue_mock.control.journal.entry import Entry
from duologue_mock.control.journal.waiting import MAX_WAITERS, TooManyWaitersError, WaitCancelledError
from duologue_mock.control.watching.recorder import Recorder
from tests.mockserver.control.recording import build_request, create_recorder, record

LONG = 60.0
"""Seconds: longer than any test."""


def get_url(entry: Entry) -> str:
    return entry.split_request_line()[1]


def is_wanted(entry: Entry) -> bool:
    return get_url(entry).startswith("/api/users")


def start_waiting(
    recorder: Recorder, count: int = 1, timeout: float = LONG, is_connected: Callable[[], bool] = lambda: True
) -> Any:
    """Return a greenlet that waits."""
    greenlet = gevent.spawn(recorder.waiters.wait, is_wanted, count=count, timeout=timeout, is_connected=is_connected)
    gevent.sleep(0)
    return greenlet


def test_requests_that_came_before_count() -> None:
    recorder = create_recorder()
    for url in ("/api/users/1", "/nowhere", "/api/users/2"):
        record(recorder, build_request(url=url))
    entries = start_waiting(recorder, count=2).get(timeout=LONG)
    assert [get_url(entry) for entry in entries] == ["/api/users/1", "/api/users/2"]


def test_waiting_for_requests_to_come() -> None:
    recorder = create_recorder()
    greenlet = start_waiting(recorder, count=2)
    for url in ("/api/users/1", "/nowhere"):
        record(recorder, build_request(url=url))
        gevent.sleep(0)
        assert not greenlet.ready()
    record(recorder, build_request(url="/api/users/2"))
    assert len(greenlet.get(timeout=LONG)) == 2
    assert len(recorder.waiters) == 0


def test_time_is_over() -> None:
    recorder = create_recorder()
    record(recorder)
    assert len(start_waiting(recorder, count=2, timeout=0.001).get(timeout=LONG)) == 1


def test_journal_is_cleared_meanwhile() -> None:
    recorder = create_recorder()
    record(recorder)
    greenlet = start_waiting(recorder, count=2)
    recorder.clear()
    record(recorder)
    assert len(greenlet.get(timeout=LONG)) == 1, "of those that came, what is left"


def test_client_that_leaves() -> None:
    recorder = create_recorder()
    greenlet = start_waiting(recorder, is_connected=lambda: False)
    record(recorder, build_request(url="/nowhere"))
    with pytest.raises(ConnectionResetError):
        greenlet.get(timeout=LONG)
    assert len(recorder.waiters) == 0


def test_mock_that_stops() -> None:
    recorder = create_recorder()
    greenlets = [start_waiting(recorder) for _ in range(2)]
    recorder.end_waiting()
    for greenlet in greenlets:
        with pytest.raises(WaitCancelledError):
            greenlet.get(timeout=LONG)
    assert len(start_waiting(recorder, timeout=0.001).get(timeout=LONG)) == 0, "a mock that starts again waits again"


def test_number_of_waiters_is_bounded() -> None:
    recorder = create_recorder()
    greenlets = [start_waiting(recorder) for _ in range(MAX_WAITERS)]
    with pytest.raises(TooManyWaitersError):
        recorder.waiters.wait(is_wanted, count=1, timeout=LONG, is_connected=lambda: True)
    record(recorder)
    gevent.joinall(greenlets, timeout=LONG)
    assert [greenlet.successful() for greenlet in greenlets] == [True] * MAX_WAITERS
