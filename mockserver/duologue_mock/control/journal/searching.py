"""Finding entries of a journal; by patterns, which match requests as they were sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from duologue_mock.control.cooperation import Turns
from duologue_mock.control.journal.entry import Entry
from duologue_mock.control.journal.journal import Journal
from duologue_mock.control.matching import metadata
from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.matching.request_pattern import RequestPattern
from duologue_mock.control.matching.value_matchers import ValueMatcher

_SECONDS_AFTER_OVERRUN = 0.001

E = TypeVar("E")


def search(entries: Iterable[E], matches: Callable[[E], bool], turns: Turns) -> list[E]:
    """Return the entries that match, in their order.

    Args:
        entries: the entries.
        matches: whether one matches.
        turns: gives others their turn.
    """
    matching = []
    for entry in entries:
        if matches(entry):
            matching.append(entry)
        turns.take()
    return matching


class RequestMatcher:
    """Matches entries' requests with one pattern.

    Args:
        journal: the journal.
        pattern: the pattern.
    """

    def __init__(self, journal: Journal, pattern: RequestPattern) -> None:
        self._journal = journal
        self._pattern = pattern
        self._overruns = 0

    def __call__(self, entry: Entry) -> bool:
        """Return whether an entry's request is as the pattern says.

        Once a regular expression has run out of time with one request, it gets little with the others.
        """
        evaluation = Evaluation(seconds=_SECONDS_AFTER_OVERRUN) if self._overruns else Evaluation()
        matches = self._pattern.matches(entry.to_received(self._journal.get_id(entry)), evaluation)
        self._overruns += evaluation.overruns
        return matches


def matches_metadata(matcher: ValueMatcher, entry: Entry) -> bool:
    """Return whether the metadata of the stub that responded match; where there are none, they are null."""
    stub = entry.served.stub
    return metadata.matches_metadata(matcher, None if stub is None else stub.json.get("metadata"))
