"""The journal is bounded, keeps order, and holds nothing of a request but what it shows."""

from __future__ import annotations

import gc
import tracemalloc
import uuid
import weakref
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from duologue_mock.control.journal.budget import Budget
from duologue_mock.control.journal.entry import MAX_BODY, OVERHEAD, Served
from duologue_mock.control.journal.journal import Journal
from duologue_mock.errors import HTTPError
from duologue_mock.http.messages import Response
from tests.mockserver.clocks import ManualClock
from tests.mockserver.control.recording import build_request, build_response, create_recorder
from tests.mockserver.control.stubs_of_tests import FakeStub


def create_journal(**bounds: Any) -> Journal:
    numbers = iter(range(1, 1_000_000))
    return Journal(ManualClock(), lambda: next(numbers), **bounds)


def fill(journal: Journal, count: int, **request: Any) -> None:
    for index in range(count):
        response = build_response()
        journal.record(build_request(url=f"/api/users/{index}", **request), response, response.headers)


def get_urls(journal: Journal) -> list[str]:
    return [entry.split_request_line()[1] for entry in journal]


@given(st.integers(1, 8), st.integers(0, 20))
def test_newest_entries_are_stored(limit: int, count: int) -> None:
    journal = create_journal(max_entries=limit)
    fill(journal, count)
    assert get_urls(journal) == [f"/api/users/{index}" for index in range(count)][-limit:]
    assert journal.dropped == max(0, count - limit)


@given(st.lists(st.tuples(st.integers(0, 3 * MAX_BODY), st.integers(0, 3 * MAX_BODY), st.integers(0, 3)), max_size=12))
def test_bytes_are_bounded(sizes: list[tuple[int, int, int]]) -> None:
    """Whatever is sent, what is held stays within the bound: bodies, heads, stubs and their headers, streams."""
    limit = 4 * MAX_BODY
    journal = create_journal(max_size=limit)
    stubs = [None, *(FakeStub(size=size) for size in (500, MAX_BODY, 9 * MAX_BODY))]
    for sent, returned, kind in sizes:
        response = build_response(200, b"r" * returned, ("X-Long", "h" * returned))
        response.stream = iter([b"s" * sent] * 2) if kind == 3 else None
        served = Served(stub=stub) if (stub := stubs[kind]) else None
        journal.record(build_request("POST", body=b"b" * sent), response, response.headers, served=served)
        for _ in response.stream or ():
            pass
        held = {id(entry.served.stub): entry.served.stub.size for entry in journal if entry.served.stub is not None}
        assert journal.size == sum(entry.size for entry in journal) + sum(held.values())
        texts = [len(entry.head) + len(entry.body) + len(entry.response_body) for entry in journal]
        headers = [sum(map(len, header)) for entry in journal for header in entry.response_headers if entry.served.stub]
        assert sum(texts) + sum(headers) + sum(held.values()) + OVERHEAD * len(journal) <= journal.size <= limit


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, MAX_BODY)), max_size=30))
@example([(number % 4, MAX_BODY - 2 * OVERHEAD) for number in range(12)])  # more than all may have together
def test_bytes_of_all_journals_are_bounded(sent: list[tuple[int, int]]) -> None:
    """The journal that is in use keeps what its own bounds allow; others make room, the longest unused first."""
    budget = Budget(5 * MAX_BODY)
    journals = [create_journal(max_size=2 * MAX_BODY, budget=budget) for _ in range(4)]
    for moment, (index, size) in enumerate(sent):
        request, response = build_request("POST", body=b"b" * size), build_response()
        request.started_at = moment
        held = {journal: len(journal) for journal in journals}
        journals[index].record(request, response, response.headers)
        emptied = [journal for journal in journals if held[journal] and not len(journal)]
        rest = [journal for journal in journals if len(journal) and journal is not journals[index]]
        assert all(one.used_at < other.used_at for one in emptied for other in rest)
        assert list(journals[index])[-1].body_size == size
        assert sum(journal.size for journal in journals) == budget.size <= budget.limit
    for journal in journals:
        journal.close()
    assert budget.size == 0


def test_size_returns_to_zero() -> None:
    journal = create_journal()
    stub = FakeStub(size=700)
    for _ in range(3):
        response = build_response()
        journal.record(build_request(), response, response.headers, served=Served(stub=stub))
    journal.remove(list(journal)[:2])
    assert journal.size > 700
    journal.clear()
    assert (len(journal), journal.size, journal.dropped) == (0, 0, 0)


@pytest.mark.slow
def test_memory_stays_flat() -> None:
    """What ten times as many requests leave behind is not more: counted in bytes."""
    recorder = create_recorder(journal=50)

    def record_many(count: int) -> int:
        for index in range(count):
            error = HTTPError(400, "Validation failed", fields={f"field-{index}": ["Unknown field."]})
            response = build_response(400, b"x" * 500, error=error)
            request = build_request("POST", f"/api/users?a{index % 700}=1", body=b"y" * 500, id=f"req-{index}")
            recorder.record(request, response, response.headers)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        first = record_many(700)
        assert record_many(2100) - first < 50_000
    finally:
        tracemalloc.stop()


class Environ(dict[str, Any]):
    """An environ that can be watched."""


@pytest.mark.parametrize("status", [200, 400])
def test_connection_is_let_go(status: int) -> None:
    recorder = create_recorder()
    request = build_request()
    environ = request.environ = Environ(request.environ)
    error = HTTPError(400, "No")
    try:
        raise error
    except HTTPError as raised:  # its traceback refers to this frame
        response: Response | None = build_response(status, error=raised if status == 400 else None)
    recorder.record(request, response, response.headers)  # type: ignore[arg-type,union-attr]
    watched: list[weakref.ref[Any]] = [weakref.ref(environ), weakref.ref(error)]
    del request, environ, error, response
    gc.collect()
    assert [one() for one in watched] == [None, None]
    assert len(recorder.journal) == 1


def test_ids_are_uuids_of_their_entries() -> None:
    journal, other = create_journal(), create_journal()
    fill(journal, 3)
    fill(other, 3)
    ids = [journal.get_id(entry) for entry in journal]
    assert [journal.get(id) for id in ids] == list(journal)
    assert {id.version for id in ids} == {4}
    assert [other.get(id) for id in ids] == [None] * 3
    assert journal.get(uuid.uuid4()) is None


def test_newest_of_a_code_is_found() -> None:
    journal = create_journal()
    fill(journal, 2, id="ref-1")
    assert journal.get_by_code("ref-1") is list(journal)[-1]
    assert journal.get_by_code("ref-2") is None


def test_stream_is_recorded_as_it_is_sent() -> None:
    journal = create_journal()
    response = build_response(200, b"")
    closed = []

    class Stream:
        def __iter__(self) -> Any:
            return iter([b"ab", b"c" * MAX_BODY, b"d"])

        def close(self) -> None:
            closed.append(True)

    response.stream = Stream()
    entry = journal.record(build_request(), response, response.headers)
    sent = b"".join(response.stream)
    response.stream.close()  # type: ignore[attr-defined,unused-ignore]
    assert sent == b"ab" + b"c" * MAX_BODY + b"d"
    assert (entry.response_body, entry.response_size) == (sent[:MAX_BODY], len(sent))
    assert closed == [True]
    assert journal.size == entry.size


def test_no_entries_when_it_is_off() -> None:
    recorder = create_recorder(journal=0)
    error = HTTPError(404, "There is nothing at this path")
    recorder.record(build_request(url="/nowhere"), build_response(404, error=error), [])
    assert len(recorder.journal) == 0
    assert [one["rule"] for one in recorder.violations.list_newest()] == ["path"]


def test_preflights_are_not_recorded() -> None:
    recorder = create_recorder()
    request = build_request("OPTIONS", "/api/users", ("Access-Control-Request-Method", "POST"))
    recorder.record(request, build_response(204), [])
    assert len(recorder.journal) == 0
