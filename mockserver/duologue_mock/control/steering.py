"""Carrying out what is decided for each request of a namespace: stubs, preferences, delays, faults."""

from __future__ import annotations

import re
from random import Random

from duologue_mock.control.cooperation import Sleep, Turns
from duologue_mock.control.global_settings import GlobalSettings
from duologue_mock.control.journal.entry import SERVED_KEY, Served
from duologue_mock.control.matching.evaluation import Evaluation
from duologue_mock.control.precedence import decide_response
from duologue_mock.control.preferences import APPLIED, HEADER_KEY, NO_PREFERENCE, parse_preference
from duologue_mock.control.received import receive
from duologue_mock.control.responses.definition import OWN_RESPONSE, ResponseDefinition
from duologue_mock.control.responses.responder import ErrorResponse, Perform, Responder
from duologue_mock.control.responses.waiting import Waiter
from duologue_mock.control.stubs.mapping import StubMapping
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
        return not self._stubs.is_empty and self._stubs.may_match(*_get_indexed(request))

    def respond(self, request: Request, perform: Perform) -> Response:
        """Return the response to a request.

        Args:
            request: the request.
            perform: does what is requested and returns the mock's own response.
        """
        try:
            definition, served = self._decide(request)
        except HTTPError as error:
            return self._error_response(error, request)
        if definition is not OWN_RESPONSE or served.exceeded:
            request.environ[SERVED_KEY] = served
        if definition is OWN_RESPONSE:
            return perform()
        response = self._responder.respond(definition, request, perform, delay=served.delay)
        return _add_headers(response, served)

    def _decide(self, request: Request) -> tuple[ResponseDefinition, Served]:
        """Return what is sent in response to a request, and what decided it."""
        header = request.environ.get(HEADER_KEY)
        preference = NO_PREFERENCE if header is None else parse_preference(header)
        stub, evaluation = None, Evaluation()

        def find_stub() -> ResponseDefinition | None:
            nonlocal stub
            stub = self._match(request, evaluation)
            return None if stub is None else stub.response

        definition = decide_response(preference, find_stub, self._settings, request.operation)
        return definition, Served(
            stub=stub,
            preference=str(preference) or None,
            fault=definition.fault,
            delay=self._responder.draw_delay(definition),
            replaces_operation=definition.replaces_operation,
            exceeded=tuple(evaluation.exceeded),
        )

    def _match(self, request: Request, evaluation: Evaluation) -> StubMapping | None:
        return self._stubs.match(
            *_get_indexed(request),
            receive=lambda: receive(request),
            evaluation=evaluation,
            take_turn=Turns(self._sleep).take,
        )


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


def _add_headers(response: Response, served: Served) -> Response:
    """Say in a response what decided it, in the words of WireMock and of RFC 7240."""
    if served.preference is not None:
        response.headers = [*response.headers, (APPLIED, served.preference)]
    stub = served.stub
    if stub is not None:
        response.headers = [*response.headers, ("Matched-Stub-Id", str(stub.id))]
        name = stub.json.get("name")
        if name is not None and _VISIBLE.fullmatch(name):
            response.headers.append(("Matched-Stub-Name", name))
    return response
