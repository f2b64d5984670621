"""The journal of one namespace: its last requests, bounded by number and by bytes."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from duologue_mock.control.journal.bounded_log import MAX_ENTRIES, MAX_SIZE, BoundedLog
from duologue_mock.control.journal.budget import Budget
from duologue_mock.control.journal.entry import (
    MAX_BODY,
    OVERHEAD,
    Entry,
    Headers,
    Served,
    Stub,
    cut_headers,
    measure_headers,
)
from duologue_mock.control.journal.recorded_stream import RecordedStream
from duologue_mock.control.journal.violation import Violation
from duologue_mock.http.messages import Request, Response
from duologue_mock.store.clock import Clock

_MAX_NAME = 200


@dataclass(frozen=True)
class ShortenedStub:
    """What says which stub it was, of one that is too long for an entry; `/mappings` has all of it."""

    id: uuid.UUID
    json: Mapping[str, Any]
    size: int = OVERHEAD


class Journal(BoundedLog[Entry]):
    """The last requests of one namespace and their responses.

    Args:
        clock: the time of the namespace.
        next_sequence: returns the number of the namespace's next event.
        max_entries: how many requests are stored; 0 for none.
        max_size: how many bytes they may take together.
        budget: how many bytes the journals of all namespaces may take together.
    """

    def __init__(
        self,
        clock: Clock,
        next_sequence: Callable[[], int],
        *,
        max_entries: int = MAX_ENTRIES,
        max_size: int = MAX_SIZE,
        budget: Budget | None = None,
    ) -> None:
        super().__init__(max_entries=max_entries, max_size=max_size, budget=budget)
        self._clock = clock
        self._next_sequence = next_sequence

    def record(
        self,
        request: Request,
        response: Response,
        headers: Headers,
        *,
        violations: tuple[Violation, ...] = (),
        served: Served | None = None,
    ) -> Entry:
        """Record a request and its response, which is about to be sent; return the entry.

        A stream is recorded while it is sent: `response.stream` becomes one that is.

        Args:
            request: the request.
            response: its response.
            headers: all headers of the response.
            violations: how the request broke the contract.
            served: what decided the response, if it was not the mock alone.
        """
        entry = Entry(self._next_sequence(), self._clock.seconds(), request, response, headers, violations)
        if served is not None:
            entry.served = _shorten(served)
            entry.response_headers = cut_headers(headers)
            entry.size += measure_headers(entry.response_headers) + sum(map(len, served.exceeded))
        if not self.max_entries:
            return entry
        if response.stream is not None:
            response.stream = RecordedStream(response.stream, entry, self._grow)
        self.used_at = request.started_at
        self._entries.append(entry)
        self._add(entry.size if served is None else entry.size + self._acquire_stub(entry))
        for listener in self._listeners:
            listener(entry)
        return entry

    def get_by_code(self, code: str) -> Entry | None:
        """Return the newest entry whose `Unique-Reference-Code` or `X-Request-Id` this is; None if there is none."""
        return next((entry for entry in reversed(self._entries) if entry.request_id == code), None)

    def _replace(self, entries: Iterable[Entry]) -> None:
        self._entries = deque(entries)
        self._shared.clear()
        size = sum(entry.size + self._acquire_stub(entry) for entry in self._entries)
        self._budget.size += size - self._size
        self._size = size

    def _release(self, entry: Entry) -> int:
        """Return the bytes of an entry that is dropped."""
        return entry.size + self._release_stub(entry)

    def _acquire_stub(self, entry: Entry) -> int:
        """Return the bytes of an entry's stub, if no other entry refers to it."""
        stub = entry.served.stub
        if stub is None:
            return 0
        count = self._shared[id(stub)] = self._shared.get(id(stub), 0) + 1
        return stub.size if count == 1 else 0

    def _release_stub(self, entry: Entry) -> int:
        """Return the bytes of an entry's stub, if no other entry refers to it any more."""
        stub = entry.served.stub
        if stub is None:
            return 0
        self._shared[id(stub)] -= 1
        if self._shared[id(stub)]:
            return 0
        del self._shared[id(stub)]
        return stub.size

    def _grow(self, entry: Entry, size: int) -> None:
        """Count what a stream adds to an entry, if the journal still has that."""
        if self._entries and entry.sequence >= self._entries[0].sequence and entry in self._entries:
            entry.size += size
            self._add(size)


def shorten_stub(stub: Stub) -> Stub:
    """Return a stub as an entry shows it: of one that is long, what says which one it is.

    An entry refers to its stub, which so outlives its removal.
    """
    if stub.size <= MAX_BODY:
        return stub
    shown = {name: stub.json[name] for name in ("id", "uuid", "priority") if name in stub.json}
    name = str(stub.json.get("name", ""))[:_MAX_NAME]
    response = {"status": stub.json.get("response", {}).get("status", 200)}
    return ShortenedStub(stub.id, {**shown, **({"name": name} if name else {}), "response": response})


def _shorten(served: Served) -> Served:
    stub = served.stub
    return served if stub is None or stub.size <= MAX_BODY else replace(served, stub=shorten_stub(stub))
