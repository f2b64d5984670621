"""What a run of the contract tests found out: plain data, to JSON and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

FORMAT_VERSION = 1
"""Version of the JSON form; it changes when a field is renamed or removed, not when one is added."""


class Verdict(StrEnum):
    """What was found out about a rule, or about a server."""

    KEPT = "kept"
    BROKEN = "broken"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its response, without secrets.

    Args:
        curl: the request as a command line, with `$API_KEY`, `$TOKEN` and `$PASSWORD` for secrets.
        operation: id of the operation that was called; None if the contract has none at this path.
        status: of the response.
        headers: of the response.
        body: of the response, cut where it is long.
        request_id: the server's id of the request; None if it sent none.
    """

    curl: str
    operation: str | None
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """One test, or one case of it, in which the server broke a rule.

    Args:
        rule: id of the rule that was broken.
        found_by: id of the rule whose test found it; another one if it was broken on the way.
        case: what the test was called with, as `POST /users-limit=1`; empty if it has no cases.
        message: what is wrong, in a sentence.
        expected: the JSON value that the contract requires; None if the message says it all.
        actual: the JSON value that the server sent.
        differences: where the two differ, a line for each path.
        exchanges: the last requests of the test; the last one is the one that failed.
        operations: ids of all operations that the test called.
        seed: what the generated cases came from.
    """

    rule: str
    found_by: str
    case: str
    message: str
    expected: Any = None
    actual: Any = None
    differences: tuple[str, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    operations: tuple[str, ...] = ()
    seed: int = 0

    @property
    def failed_at(self) -> str | None:
        """The operation of the last request, if any."""
        return self.exchanges[-1].operation if self.exchanges else None

    @property
    def is_at_own_operation(self) -> bool:
        """Whether the last request was for the operation in the rule's id, or the id has none."""
        operation = self.rule.rpartition(".")[0]
        return operation == self.failed_at or "." not in operation

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Failure:
        """Return the failure of JSON values, as `Result.to_dict` has them."""
        exchanges = tuple(Exchange(**exchange) for exchange in values["exchanges"])
        lists = {name: tuple(values[name]) for name in ("differences", "operations")}
        return cls(**{**values, **lists, "exchanges": exchanges})


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What was found out about one rule.

    Args:
        id: of the rule.
        sentence: what it demands.
        source: where that is written.
        stage: 1 shape of single responses, 2 meaning of operations, 3 across operations, 4 events, 5 histories.
        verdict: kept, broken or not judged.
        reason: why it was not judged; empty otherwise.
        cases: tests that judged it.
        duration: seconds they took.
    """

    id: str
    sentence: str
    source: str
    stage: int
    verdict: Verdict
    reason: str = ""
    cases: int = 0
    duration: float = 0.0

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RuleOutcome:
        """Return the outcome of JSON values."""
        return cls(**{**values, "verdict": Verdict(values["verdict"])})


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which documented responses and events of the contract the run has seen.

    Args:
        responses: how often each documented status of each operation was seen: `{"users.LIST": {"200": 12}}`.
        events: how often each event was seen.
    """

    responses: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    events: Mapping[str, int] = field(default_factory=dict)

    @property
    def percent(self) -> float:
        """Percent of all documented statuses and events that were seen; 100 if there are none."""
        counts = [*self._get_status_counts(), *self.events.values()]
        return 100.0 * sum(map(bool, counts)) / len(counts) if counts else 100.0

    @property
    def statuses(self) -> tuple[int, int]:
        """How many documented statuses were seen, and how many there are."""
        counts = self._get_status_counts()
        return sum(map(bool, counts)), len(counts)

    @property
    def missing(self) -> tuple[str, ...]:
        """What was not seen: `users.LIST 429`, `user:created`."""
        statuses = [f"{one} {status}" for one, seen in self.responses.items() for status, n in seen.items() if not n]
        return (*statuses, *(name for name, count in self.events.items() if not count))

    def _get_status_counts(self) -> list[int]:
        return [count for seen in self.responses.values() for count in seen.values()]


@dataclass(frozen=True, slots=True)
class KnownFailure:
    """A broken rule that is known: it does not fail a run.

    Args:
        id: of the rule.
        case: the one case that is known; None for all of them.
        reason: why it is accepted.
    """

    id: str
    case: str | None = None
    reason: str = ""

    def matches(self, failure: Failure) -> bool:
        """Return whether a failure is this one."""
        return self.id == failure.rule and self.case in (None, failure.case)

    def __str__(self) -> str:
        return self.id if self.case is None else f"{self.id} ({self.case})"


@dataclass(frozen=True, slots=True)
class Result:
    """A whole run.

    Args:
        base_url: of the Platform API.
        chat_base_url: of the Smart Chat API.
        version: of this package.
        started: when, in ISO 8601.
        duration: seconds.
        seed: what generated cases came from; the same seed makes the same cases.
        requests: how many were sent.
        outcomes: of every rule that was selected.
        failures: all, those included that are known.
        coverage: what was seen of the contract.
        fail_under: percent of coverage below which the run fails; 0 for none.
        known: failures that were known before, and happened again.
        fixed: failures that were known before, and did not happen though their rule was judged.
        left_over: what the run created and could not remove.
        stopped: why it ended early; empty if it did not.
    """

    base_url: str
    chat_base_url: str
    version: str
    started: str
    duration: float
    seed: int
    requests: int
    outcomes: tuple[RuleOutcome, ...]
    failures: tuple[Failure, ...] = ()
    coverage: Coverage = field(default_factory=Coverage)
    fail_under: float = 0.0
    known: tuple[KnownFailure, ...] = ()
    fixed: tuple[KnownFailure, ...] = ()
    left_over: tuple[str, ...] = ()
    stopped: str = ""

    @property
    def new_failures(self) -> tuple[Failure, ...]:
        """The failures that were not known before."""
        return tuple(one for one in self.failures if not any(known.matches(one) for known in self.known))

    @property
    def lacks_coverage(self) -> bool:
        """Whether less of the contract was seen than was required."""
        return self.coverage.percent < self.fail_under

    @property
    def verdict(self) -> Verdict:
        """Whether the server keeps the contract, as far as it was judged."""
        if self.new_failures:
            return Verdict.BROKEN
        if self.stopped or not any(one.verdict is not Verdict.NOT_JUDGED for one in self.outcomes):
            return Verdict.NOT_JUDGED
        return Verdict.BROKEN if self.lacks_coverage else Verdict.KEPT

    @property
    def exit_status(self) -> int:
        """0 kept, 1 broken, 2 could not be judged."""
        return {Verdict.KEPT: 0, Verdict.BROKEN: 1, Verdict.NOT_JUDGED: 2}[self.verdict]

    def select(self, verdict: Verdict) -> tuple[RuleOutcome, ...]:
        """Return the outcomes with this verdict."""
        return tuple(one for one in self.outcomes if one.verdict is verdict)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values, with the verdict and the percentage of coverage added."""
        values = asdict(self)
        values["coverage"]["percent"] = round(self.coverage.percent, 1)
        return {"version": FORMAT_VERSION, "duologue": values.pop("version"), "verdict": self.verdict.value} | values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Result:
        """Return the result of JSON values.

        Raises:
            ValueError: they have another version of the format.
        """
        if values["version"] != FORMAT_VERSION:
            raise ValueError(f"The report has version {values['version']!r}; this program reads {FORMAT_VERSION}.")
        parts = {
            "version": values["duologue"],
            "outcomes": tuple(map(RuleOutcome.from_dict, values["outcomes"])),
            "failures": tuple(map(Failure.from_dict, values["failures"])),
            "coverage": Coverage(values["coverage"]["responses"], values["coverage"]["events"]),
            "known": _read_known(values["known"]),
            "fixed": _read_known(values["fixed"]),
            "left_over": tuple(values["left_over"]),
        }
        return cls(**{name: value for name, value in values.items() if name not in _DERIVED} | parts)


_DERIVED = ("duologue", "verdict", "groups")
"""What the JSON form has besides the fields of `Result`."""


def _read_known(values: Sequence[Mapping[str, Any]]) -> tuple[KnownFailure, ...]:
    return tuple(KnownFailure(**one) for one in values)
