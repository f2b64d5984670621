"""The live stream: in order, without loss for readers that come back, bounded for slow ones."""

from __future__ import annotations

import json
import re
from typing import Any

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_mock.control.watching import event_stream
from duologue_mock.control.watching.event_stream import MAX_READERS, EventReader, TooManyReadersError
from duologue_mock.control.watching.recorder import Recorder
from tests.mockserver.control.recording import build_request, create_recorder, record

Event = tuple[int | None, str, Any]

EVENT = re.compile(r"(?:id: (\d+)\n)?event: (\w+)\ndata: (.*)\n\n")


def parse(pieces: bytes) -> list[Event]:
    return [(int(id) if id else None, kind, json.loads(data)) for id, kind, data in EVENT.findall(pieces.decode())]


def read_all(reader: EventReader) -> list[Event]:
    """Return what there is to read, and end the stream."""
    first = next(reader)
    reader.end()
    return parse(first + b"".join(reader))


def open_reader(recorder: Recorder, after: int | None = None) -> EventReader:
    """Return a reader that has begun to read."""
    reader = recorder.events.open(after)
    assert next(reader).startswith(b":")
    return reader


def act(recorder: Recorder, action: str) -> None:
    """Let something happen that the stream reports."""
    if action == "request":
        record(recorder)
    else:
        recorder.events.publish(action, {"did": action})


ACTIONS = st.lists(st.sampled_from(["request", "stub", "clock", "state"]), max_size=12)


@given(before=ACTIONS, live=ACTIONS, missed=ACTIONS)
def test_readers_that_come_back_miss_nothing(before: list[str], live: list[str], missed: list[str]) -> None:
    recorder = create_recorder()
    for action in before:
        act(recorder, action)
    reader = open_reader(recorder)
    for action in live:
        act(recorder, action)
    reader.end()
    first = parse(b"".join(reader))
    reader.close()
    last = first[-1][0] if first else recorder.events.next_number()
    for action in missed:
        act(recorder, action)
    second = read_all(recorder.events.open(last))
    assert [kind for _, kind, _ in first] == live
    assert [kind for _, kind, _ in second] == missed
    ids = [id or 0 for id, _, _ in first + second]
    assert ids == sorted(set(ids))
    assert all(id > len(before) for id in ids)


def test_event_of_a_request() -> None:
    recorder = create_recorder()
    reader = open_reader(recorder)
    record(recorder, build_request("GET", "/api/users/1?token=s3cr3t-token"))
    [(number, kind, data)] = parse(next(reader))
    assert (number, kind, data["url"], data["status"], data["operation"]) == (
        1, "request", "/api/users/1?token=[REDACTED]", 200, "users.GET"
    )  # fmt: skip
    assert [one["rule"] for one in data["violations"]] == ["secret-in-url"]


def test_published_secrets_are_hidden() -> None:
    recorder = create_recorder()
    reader = open_reader(recorder)
    recorder.events.publish("stub", {"request": {"headers": {"Authorization": {"equalTo": "Bearer abc-def-ghi"}}}})
    assert b"abc-def-ghi" not in next(reader)


def test_nothing_is_built_without_readers() -> None:
    def build() -> Any:
        raise AssertionError("There are no readers.")

    recorder = create_recorder()
    recorder.events.announce("message", recorder.events.next_number(), build)
    reader = open_reader(recorder)
    reader.close()
    recorder.events.announce("message", recorder.events.next_number(), build)


def test_messages_come_from_their_journal() -> None:
    """Sources are merged by number."""
    recorder = create_recorder()
    numbers = [recorder.events.next_number()]
    record(recorder)
    numbers.append(recorder.events.next_number())
    recorder.events.add_source("message", lambda after: [(one, {"n": one}) for one in numbers if one > after])
    recorder.events.publish("clock", {})
    events = read_all(recorder.events.open(0))
    assert [(id, kind) for id, kind, _ in events] == [(1, "message"), (2, "request"), (3, "message"), (4, "clock")]


def test_events_during_the_replay_come_once() -> None:
    recorder = create_recorder()
    for _ in range(40):
        recorder.events.publish("clock", {})
    reader = open_reader(recorder, after=0)
    recorder.events.publish("stub", {})
    first = parse(next(reader))
    record(recorder)
    reader.end()
    events = first + parse(b"".join(reader))
    assert [kind for _, kind, _ in events] == ["clock"] * 40 + ["stub", "request"]


def test_number_from_before_a_restart() -> None:
    """A reader that knows more events than there were gets all that are stored."""
    recorder = create_recorder()
    record(recorder)
    assert [id for id, _, _ in read_all(recorder.events.open(99))] == [1]


@pytest.mark.parametrize(
    ("size", "limit"), [(10, event_stream.MAX_QUEUE), (50_000, event_stream.MAX_QUEUE_SIZE // 50_000)]
)
def test_slow_reader_gets_the_newest(size: int, limit: int) -> None:
    recorder = create_recorder()
    reader = open_reader(recorder)
    for _ in range(600):
        recorder.events.publish("state", {"text": "x" * size})
    events = parse(next(reader))
    assert events[0][:2] == (None, "dropped")
    assert events[0][2]["count"] + len(events) - 1 == 600
    assert limit - 1 <= len(events) - 1 <= limit
    assert events[-1][0] == 600


def test_stored_events_are_bounded() -> None:
    recorder = create_recorder()
    for _ in range(600):
        recorder.events.publish("state", {"text": "x" * 1000})
    events = read_all(recorder.events.open(0))
    assert sum(len(data["text"]) for _, _, data in events) <= event_stream.MAX_STORED_SIZE
    assert events[-1][0] == 600


def test_silence_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT", 0.001)
    reader = open_reader(create_recorder())
    assert next(reader) == b": still here\n\n"


def test_reader_waits_for_events() -> None:
    recorder = create_recorder()
    reader = open_reader(recorder)
    greenlet = gevent.spawn(next, reader)
    gevent.sleep(0)
    assert not greenlet.ready()
    record(recorder)
    assert len(parse(greenlet.get(timeout=60))) == 1


def test_streams_end_as_the_mock_stops() -> None:
    recorder = create_recorder()
    greenlet = gevent.spawn(list, open_reader(recorder))
    gevent.sleep(0)
    recorder.end_waiting()
    assert greenlet.get(timeout=60) == []


def test_number_of_readers_is_bounded() -> None:
    recorder = create_recorder()
    unread = [recorder.events.open() for _ in range(2 * MAX_READERS)]
    readers = [open_reader(recorder) for _ in range(MAX_READERS)]
    with pytest.raises(TooManyReadersError):
        recorder.events.open()
    for reader in (*readers, *unread):
        reader.close()
    assert not recorder.events.readers
    recorder.events.open()
