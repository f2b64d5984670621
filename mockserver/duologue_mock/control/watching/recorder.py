"""What watches one namespace: every request passes by here, on its way out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from duologue_mock.control.cooperation import Sleep, create_signal
from duologue_mock.control.journal.budget import Budget
from duologue_mock.control.journal.entry import SERVED_KEY, Headers, Served
from duologue_mock.control.journal.journal import Journal
from duologue_mock.control.journal.rendering import EntryRenderer
from duologue_mock.control.journal.violation import Violation
from duologue_mock.control.journal.waiting import Waiters
from duologue_mock.control.watching.coverage import Coverage
from duologue_mock.control.watching.event_stream import EventStream
from duologue_mock.control.watching.repetitions import Repetitions
from duologue_mock.control.watching.rules import VIOLATIONS_KEY, find_unknown_parameters, find_violations
from duologue_mock.control.watching.violation_log import ViolationLog
from duologue_mock.http.authentication import REFERENCE_CODE
from duologue_mock.http.idempotency import IDEMPOTENCY_KEY
from duologue_mock.http.messages import Request, Response
from duologue_mock.settings import Settings
from duologue_mock.store import State


class Recorder:
    """The journal of a namespace, and what is made of it: violations, coverage, the live stream.

    Args:
        settings: how many requests are stored, and the API keys, which are shown nowhere.
        state: whose clock dates the entries.
        sleep: waits a number of seconds without blocking other requests.
        budget: the memory of the journals of all namespaces; None for one of its own.
    """

    def __init__(self, settings: Settings, state: State, sleep: Sleep, budget: Budget | None = None) -> None:
        values = settings.values
        secrets = [*values["api_keys"], *filter(None, (values["secret"], values["reply_api_key"]))]
        self.events = EventStream(self._redact, create_signal, sleep)
        self.journal = Journal(state.clock, self.events.next_number, max_entries=values["journal"] or 0, budget=budget)
        self.renderer = EntryRenderer(self.journal, secrets)
        self.waiters = Waiters(self.journal, create_signal, sleep)
        self.violations = ViolationLog(self.renderer.render_summary)
        self.repetitions = Repetitions(state.clock)
        self.coverage = Coverage()
        self.events.add_source("request", self._replay)

    def record(self, request: Request, response: Response, headers: Headers) -> None:
        """Record a request and its response, which is about to be sent.

        A preflight is not recorded: a browser sends it, not the front end.

        Args:
            request: the request.
            response: its response.
            headers: all headers of the response.
        """
        if request.method == "OPTIONS" and request.is_preflight:
            return
        environ, operation = request.environ, request.operation
        served: Served | None = environ.get(SERVED_KEY)
        violations: tuple[Violation, ...] = ()
        if (  # Every request passes here: what breaks no rule and repeats nothing is known without a call.
            response.error is not None
            or served is not None
            or operation is None
            or (request.body and operation.body is None)
            or request.path[-1] == "/"
            or (REFERENCE_CODE in environ and operation.takes_idempotency_key)
            or IDEMPOTENCY_KEY in environ
            or self.repetitions.attempts
            or self.repetitions.waits
            or ((query := environ["QUERY_STRING"]) and find_unknown_parameters(query, operation))
        ):
            violations = self._find_violations(request, response, headers, served)
        environ[VIOLATIONS_KEY] = violations
        self.coverage.responses[operation, response.status] += 1
        entry = self.journal.record(request, response, headers, violations=violations, served=served)
        if violations:
            self.violations.add(entry)
        if self.events.readers:
            self.events.announce("request", entry.sequence, lambda: self.renderer.render_summary(entry))

    def clear(self) -> None:
        """Forget what came so far."""
        self.journal.clear()
        self.violations.clear()
        self.repetitions.clear()

    def reset(self) -> None:
        """Forget what came so far, and begin to count coverage anew."""
        self.clear()
        self.coverage.clear()

    def end_waiting(self) -> None:
        """End the live streams and the waiting calls of this moment, as the mock stops."""
        self.events.close()
        self.waiters.close()

    def close(self) -> None:
        """End the live streams and the waiting calls."""
        self.end_waiting()
        self.journal.close()

    def _find_violations(
        self, request: Request, response: Response, headers: Headers, served: Served | None
    ) -> tuple[Violation, ...]:
        violations = find_violations(request, response, is_refused=served is None or not served.replaces_operation)
        fault = None if served is None else served.fault
        return violations + tuple(self.repetitions.find(request, response, headers, fault))

    def _redact(self, data: Any) -> Any:
        return self.renderer.redact(data)

    def _replay(self, after: int) -> Iterator[tuple[int, Mapping[str, Any]]]:
        for entry in self.journal.list_after(after):
            yield entry.sequence, self.renderer.render_summary(entry)
