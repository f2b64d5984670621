"""What came near: the requests nearest to a pattern, and the stubs nearest to a request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from duologue_mock.control.cooperation import Turns
from duologue_mock.control.journal.entry import Entry, Stub
from duologue_mock.control.journal.journal import Journal, shorten_stub
from duologue_mock.control.journal.redaction import Redactor
from duologue_mock.control.journal.rendering import EntryRenderer, build_request
from duologue_mock.control.matching.differences import describe_differences
from duologue_mock.control.matching.near_misses import find_nearest_patterns, find_nearest_requests
from duologue_mock.control.matching.request_pattern import RequestPattern
from duologue_mock.control.received import ReceivedRequest

_MAX_UNMATCHED = 100
"""Requests for which the nearest stubs are looked for at once."""


class StubWithPattern(Stub, Protocol):
    """A stub that can be near to a request."""

    @property
    def pattern(self) -> RequestPattern:
        """Which requests it matches."""


class NearMisses:
    """Finds what came near, and renders it in WireMock's shape; `differences` says in words what is not as expected.

    Args:
        journal: the requests.
        renderer: renders them without secrets.
        turns: gives others their turn.
    """

    def __init__(self, journal: Journal, renderer: EntryRenderer, turns: Turns) -> None:
        self._journal = journal
        self._renderer = renderer
        self._turns = turns

    def find_requests(self, pattern: RequestPattern, entries: Iterable[Entry]) -> list[dict[str, Any]]:
        """Return the requests nearest to a pattern: three at most, nearest first.

        Args:
            pattern: the pattern.
            entries: the requests to look at; of two that are equally near, the first comes first.
        """
        candidates = ((entry, self._receive(entry)) for entry in entries)
        nearest = find_nearest_requests(pattern, candidates, self._turns.take)
        shown = {"requestPattern": pattern.dump()}
        return [
            self._render(self._receive(one.candidate), pattern, shown, one.distance, one.candidate) for one in nearest
        ]

    def find_stubs(
        self, request: ReceivedRequest, stubs: Sequence[StubWithPattern], entry: Entry | None = None
    ) -> list[dict[str, Any]]:
        """Return the stubs nearest to a request: three at most, nearest first.

        Args:
            request: the request.
            stubs: the stubs to look at; of two that are equally near, the first comes first.
            entry: the request's entry, if it is in the journal.
        """
        candidates = ((stub, stub.pattern) for stub in stubs)
        nearest = find_nearest_patterns(request, candidates, self._turns.take)
        return [
            self._render(
                request, one.candidate.pattern, {"stubMapping": shorten_stub(one.candidate).json}, one.distance, entry
            )
            for one in nearest
        ]

    def find_stubs_of_unmatched(self, stubs: Sequence[StubWithPattern]) -> list[dict[str, Any]]:
        """Return the stubs nearest to each of the last requests that nothing responded to, of the newest first."""
        unmatched = [entry for entry in self._journal if entry.is_unmatched][: -_MAX_UNMATCHED - 1 : -1]
        return [near for entry in unmatched for near in self.find_stubs(self._receive(entry), stubs, entry)]

    def _receive(self, entry: Entry) -> ReceivedRequest:
        return entry.to_received(self._journal.get_id(entry))

    def _render(
        self,
        request: ReceivedRequest,
        pattern: RequestPattern,
        shown: dict[str, Any],
        distance: float,
        entry: Entry | None,
    ) -> dict[str, Any]:
        def build(redactor: Redactor) -> dict[str, Any]:
            named = redactor.redact_json(shown)
            return {
                "request": build_request(request, redactor, entry),
                **named,
                "matchResult": {"subEvents": [], "diffDescriptions": [], "distance": distance},
                "differences": [
                    redactor.redact_text(sentence)
                    for sentence in describe_differences(pattern, request, shown=_redact(request, redactor))
                ],
            }

        return self._renderer.build(build)


def _redact(request: ReceivedRequest, redactor: Redactor) -> ReceivedRequest:
    """Return a request whose values may be shown."""
    body = redactor.redact_body(request.body, request.get_header("content-type") or "")
    return replace(
        request,
        url=redactor.redact_url(request.url),
        body=body.encode("utf-8", "replace"),
        sent_headers=tuple((name, redactor.redact_header(name, value)) for name, value in request.sent_headers),
    )
