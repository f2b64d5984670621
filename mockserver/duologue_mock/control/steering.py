"""Carrying out what is decided for each request of a namespace: stubs, preferences, delays, faults."""

from __future__ import annotations

import re
from random import Random

from duologue_mock.control.cooperation import Sleep, Turns
from duologue_mock.control.global_settings import GlobalSettings
from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.outcome import OUTCOME_KEY, Outcome
from duologue_mock.control.precedence import decide_response
from duologue_mock.control.preferences import APPLIED, HEADER_KEY, NO_PREFERENCE, parse_preference
from duologue_mock.control.received import receive
from duologue_mock.control.responses.definition import OWN_RESPONSE, ResponseDefinition
from duologue_mock.control.responses.responder import ErrorResponse, Perform, Responder
from duologue_mock.control.responses.waiting import Waiter
from duologue_mock.control.stubs.stubs import Stubs
from duologue_mock.errors import HTTPError
from duologue_mock.http.messages import Request, Response

_VISIBLE = re.compile(r"[\x20-\x7e\x80-\xff]+")
_AUTHORITY = re.compile(r"https?://[^/?]*", re.ASCII | re.IGNORECASE)


class Steering:
    """Responds to the requests of one namespace.

    Args:
        stubs: its stubs.
        settings: its global settings.
        seed: what delays are drawn from; None draws at random.
        sleep: waits a number of seconds without blocking other requests.
        waiter: waits for delays.
        error_response: builds the response that reports an error.
    """

    def __init__(
        self,
        stubs: Stubs,
        settings: GlobalSettings,
        *,
        seed: int | None,
        sleep: Sleep,
        waiter: Waiter,
        error_response: ErrorResponse,
    ) -> None:
        self._stubs = stubs
        self._settings = settings
        self._seed = seed
        self._sleep = sleep
        self._random = Random(seed)  # noqa: S311  # to be predictable
        self._error_response = error_response
        self._responder = Responder(waiter, self._random, error_response)

    def reset(self) -> None:
        """Begin the sequence of delays anew."""
        self._random.seed(self._seed)

    def steers(self, request: Request) -> bool:
        """Return whether the response to a request may be another than the mock's own, or later."""
        if HEADER_KEY in request.environ or self._settings.has_delay:
            return True
        return bool(self._stubs) and self._stubs.may_match(*_get_indexed(request))

    def respond(self, request: Request, perform: Perform) -> Response:
        """Return the response to a request.

        Args:
            request: the request.
            perform: does what is requested and returns the mock's own response.
        """
        header = request.environ.get(HEADER_KEY)
        try:
            outcome = Outcome(NO_PREFERENCE if header is None else parse_preference(header))
            definition = decide_response(
                outcome.preference, lambda: self._find_stub(request, outcome), self._settings, request.operation
            )
        except HTTPError as error:
            return self._error_response(error, request)
        if definition is not OWN_RESPONSE or outcome.exceeded:
            request.environ[OUTCOME_KEY] = outcome
        if definition is OWN_RESPONSE:
            return perform()
        outcome.fault = definition.fault
        outcome.replaces_operation = definition.replaces_operation
        outcome.delay = self._responder.draw_delay(definition)
        response = self._responder.respond(definition, request, perform, delay=outcome.delay)
        return _add_headers(response, outcome)

    def _find_stub(self, request: Request, outcome: Outcome) -> ResponseDefinition | None:
        evaluation = Evaluation()
        stub = self._stubs.match(
            *_get_indexed(request),
            receive=lambda: receive(request),
            evaluation=evaluation,
            take_turn=Turns(self._sleep).take,
        )
        outcome.stub, outcome.exceeded = stub, tuple(evaluation.exceeded)
        return None if stub is None else stub.response


def _get_indexed(request: Request) -> tuple[str, str, str | None]:
    """Return what stubs are found by: the request's method, its URL, and the operation that it names."""
    operation = request.operation
    return request.method, _get_url(request), None if operation is None else operation.id


def _get_url(request: Request) -> str:
    """Return path and query string, as they were sent."""
    uri: str | None = request.environ.get("REQUEST_URI")
    if uri is None:
        return request.path + (f"?{request.query_string}" if request.query_string else "")
    return uri if uri.startswith("/") else _AUTHORITY.sub("", uri, count=1) or "/"


def _add_headers(response: Response, outcome: Outcome) -> Response:
    """Say in a response what decided it, in the words of WireMock and of RFC 7240."""
    if outcome.preference != NO_PREFERENCE:
        response.headers = [*response.headers, (APPLIED, str(outcome.preference))]
    stub = outcome.stub
    if stub is not None:
        response.headers = [*response.headers, ("Matched-Stub-Id", str(stub.id))]
        if stub.name is not None and _VISIBLE.fullmatch(stub.name):
            response.headers.append(("Matched-Stub-Name", stub.name))
    return response
