"""The journals of requests and of messages of all namespaces together stay inside one bound."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from duologue_mock.control.journal.bounded_log import MAX_SIZE
from duologue_mock.control.journal.budget import MAX_TOTAL_SIZE, Budget
from duologue_mock.control.journal.entry import MAX_BODY
from duologue_mock.control.journal.journal import Journal
from duologue_mock.control.realtime.message_journal import MAX_PAYLOAD, MessageJournal
from duologue_mock.realtime.messages import Message
from tests.mockserver.clocks import ManualClock
from tests.mockserver.control.recording import build_request, build_response
from tests.mockserver.control.state.calls import Calls, create_calls

LARGE = Message("sent", "event", event="x", payload="x" * MAX_PAYLOAD, size=MAX_PAYLOAD)
NAMES = [f"w{number}" for number in range(8)]


def get_control(calls: Calls, name: str) -> Any:
    return calls.in_namespace(name).namespace.interceptor


def fill_with_messages(calls: Calls, name: str) -> MessageJournal:
    """Record more messages in a namespace than its journal has room for."""
    journal: MessageJournal = get_control(calls, name).realtime.journal
    for _ in range(MAX_SIZE // (4 * MAX_PAYLOAD) + 10):
        get_control(calls, name).realtime.record(LARGE)
    return journal


def test_messages_of_many_namespaces() -> None:
    calls = create_calls()
    journals = [fill_with_messages(calls, name) for name in NAMES]
    assert sum(journal.size for journal in journals) <= MAX_TOTAL_SIZE
    sizes = [journal.size for journal in journals]
    assert sizes[0] == 0, "the longest unused made room"
    assert sizes[-1] > MAX_SIZE - 5 * MAX_PAYLOAD, "the newest has all that its own bound allows"
    assert journals[0].dropped == MAX_SIZE // (4 * MAX_PAYLOAD) + 10


def test_requests_make_room_for_messages() -> None:
    calls = create_calls()
    calls.in_namespace("w0").create_user("ada@example.com")
    before = calls.in_namespace("w0").get("/requests")["meta"]
    for name in NAMES:
        fill_with_messages(calls, name)
    assert (before, calls.in_namespace("w0").get("/requests")["meta"]) == ({"total": 1}, {"total": 0, "dropped": 1})


def test_dropped_namespace_gives_its_memory_back() -> None:
    calls = create_calls()
    fill_with_messages(calls, "w0")
    budget = get_control(calls, "default").journal.budget
    assert budget.size > 0
    calls.check("DELETE", "/namespaces/w0")
    assert budget.size == 0


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, MAX_BODY)), max_size=30))
def test_bytes_of_both_kinds_are_bounded(sent: list[tuple[int, int]]) -> None:
    budget = Budget(12 * MAX_BODY)
    numbers = iter(range(1, 1_000_000))
    requests = [Journal(ManualClock(), numbers.__next__, max_size=5 * MAX_BODY, budget=budget) for _ in range(2)]
    messages = [MessageJournal(ManualClock(), numbers.__next__, max_size=5 * MAX_BODY, budget=budget) for _ in range(2)]
    journals: list[Journal | MessageJournal] = [*requests, *messages]
    for index, size in sent:
        if index < 2:
            response = build_response()
            requests[index].record(build_request("POST", body=b"b" * size), response, response.headers)
        else:
            messages[index - 2].record(Message("sent", "event", payload="x" * size, size=size))
        assert len(journals[index]) > 0
        assert sum(journal.size for journal in journals) == budget.size <= budget.limit
    for journal in journals:
        journal.close()
    assert budget.size == 0
