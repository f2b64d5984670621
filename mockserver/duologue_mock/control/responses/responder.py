"""From a response definition to the response of a request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Any

from duologue.contract import strict_json
from duologue_mock.control.responses.definition import ResponseDefinition
from duologue_mock.control.responses.delays import Dribble
from duologue_mock.control.responses.faults import (
    ConnectionFaultError,
    abandon,
    break_body,
    break_connection,
    close_stream,
)
from duologue_mock.control.responses.merge_patch import apply_merge_patch
from duologue_mock.control.responses.reason_phrases import get_wiremock_phrase
from duologue_mock.control.responses.waiting import Waiter
from duologue_mock.errors import HTTPError, build_requested_error, get_reason_phrase
from duologue_mock.http.messages import Deliver, Request, Response, json_bytes

Perform = Callable[[], Response]
"""Does what is requested and returns the mock's own response."""
ErrorResponse = Callable[[HTTPError, Request], Response]

_CONDITIONS = ("HTTP_IF_NONE_MATCH",)
_FRAMING = frozenset({"content-length", "transfer-encoding"})


class Responder:
    """Does what response definitions say.

    Args:
        waiter: waits for delays.
        random: what delays are drawn from.
        error_response: builds the response that reports an error.
    """

    def __init__(self, waiter: Waiter, random: Random, error_response: ErrorResponse) -> None:
        self._waiter = waiter
        self._random = random
        self._error_response = error_response

    def draw_delay(self, definition: ResponseDefinition) -> float:
        """Return the milliseconds to wait before a response: fixed delay and distribution add, as WireMock's."""
        milliseconds = float(max(definition.fixed_delay or 0, 0))
        if definition.delay_distribution is not None:
            milliseconds += definition.delay_distribution.sample(self._random)
        return milliseconds

    def respond(self, definition: ResponseDefinition, request: Request, perform: Perform, *, delay: float) -> Response:
        """Return the response to a request: delayed, patched or broken, as it is defined.

        Args:
            definition: what to send.
            request: the request.
            perform: does what is requested and returns the mock's own response.
            delay: the milliseconds that were drawn for it.
        """
        # The delay comes first, of faults too: an operation is done when a slow server would have done it.
        if not self._waiter.wait(request.environ, delay / 1000):
            return abandon()
        # A connection that breaks has no response. What passes through is done all the same: its response is lost.
        fault = definition.fault
        if fault is not None and not fault.keeps_response:
            if not definition.replaces_operation:
                _discard(perform())
            return break_connection(fault, self._waiter, _build_stub_response(definition))
        # The response: the own one with changes, an error of the contract, or what the stub defines.
        if definition.passes_through:
            response = self._pass_through(definition, request, perform)
        else:
            response = _build_stub_response(definition)
        # At last what happens to a whole response: its body breaks off, or dribbles.
        if fault is not None:
            return break_body(fault, response)
        if definition.dribble is not None:
            self._dribble(definition.dribble, request, response)
        if response.deliver is None and _needs_delivery(definition):
            response.deliver = _deliver_as_defined(definition, response)
        return response

    def _pass_through(self, definition: ResponseDefinition, request: Request, perform: Perform) -> Response:
        if definition.replaces_operation:
            assert definition.status is not None
            error = build_requested_error(
                definition.status, hint="It was requested of the mock: the operation is not done."
            )
            response = self._error_response(error, request)
        else:
            response = _perform(definition, request, perform)
        if definition.body_patch is not None:
            _patch_body(response, definition.body_patch)
        _lay_over(response, definition.headers)
        return response

    def _dribble(self, dribble: Dribble, request: Request, response: Response) -> None:
        body = response.stream if response.stream is not None else (response.body,)
        response.stream = self._send_slowly(dribble, request, body)
        response.body = b""  # it is the stream's now, and recorded as it is sent

    def _send_slowly(self, dribble: Dribble, request: Request, body: Iterable[bytes]) -> Iterator[bytes]:
        for piece in body:
            for pause, part in dribble.split(piece):
                if not self._waiter.wait(request.environ, pause):
                    raise ConnectionFaultError("The client has left.")
                yield part


def _perform(definition: ResponseDefinition, request: Request, perform: Perform) -> Response:
    """Return a copy of the own response: other requests may be sent the same one."""
    if definition.body_patch is not None and request.method in ("GET", "HEAD"):
        # What the client has is perhaps not patched: it would be told that it is current.
        for condition in _CONDITIONS:
            request.environ.pop(condition, None)
    own = perform()
    response = Response(own.status, list(own.headers), own.body, own.stream, own.error)
    response.deliver = own.deliver
    if definition.status is not None:
        response.status = definition.status
    return response


def _patch_body(response: Response, patch: Any) -> None:
    """Lay a patch over a JSON body. A stream's is sent as it is made, and stays as it is."""
    if response.stream is not None or response.deliver is not None or response.status in (204, 304):
        return
    try:
        target = strict_json.loads(response.body) if response.body else None
    except strict_json.StrictJSONError:
        return  # a page, not JSON
    response.body = json_bytes(apply_merge_patch(target, patch))
    # The tag is of the own body; with it, the patched one would stay in caches after the stub is gone.
    response.headers = [header for header in response.headers if header[0] != "ETag"]


def _lay_over(response: Response, headers: tuple[tuple[str, str], ...]) -> None:
    """Replace the headers of the same names, and have the common ones left out that these replace."""
    if headers:
        names = {name.lower() for name, _ in headers}
        response.headers = [*(header for header in response.headers if header[0].lower() not in names), *headers]
        response.is_stub = True


def _build_stub_response(definition: ResponseDefinition) -> Response:
    status = definition.status or 200  # there is none where a fault takes the place of the mock's own response
    body = b"" if status in (204, 304) else definition.content or b""
    response = Response(status, list(definition.headers), body)
    response.is_stub = True
    return response


def _needs_delivery(definition: ResponseDefinition) -> bool:
    """Return whether the head differs from what the server makes of a status and a body."""
    has_framing = any(name.lower() in _FRAMING for name, _ in definition.headers)
    return has_framing or _get_status_message(definition) is not None


def _get_status_message(definition: ResponseDefinition) -> str | None:
    """Return the reason phrase that a stub defines, or WireMock's if it is not the server's; None for the server's."""
    if definition.status_message is not None or definition.passes_through or definition.status is None:
        return definition.status_message
    phrase = get_wiremock_phrase(definition.status)
    return None if phrase == get_reason_phrase(definition.status) else phrase


def _deliver_as_defined(definition: ResponseDefinition, response: Response) -> Deliver:
    """Return what sends a response with a status message or framing of the stub's own."""

    def deliver(
        environ: dict[str, Any], start_response: Callable[..., Any], status_line: str, headers: list[tuple[str, str]]
    ) -> Iterable[bytes]:
        message = _get_status_message(definition)
        line = status_line if message is None else f"{response.status} {message}"
        # Without a length, the server sends the parts of an iterator in chunks.
        chunked = [header for header in headers if header[0].lower() == "transfer-encoding"]
        headers = [header for header in headers if header not in chunked]
        start_response(line, _frame(response, headers, is_chunked=bool(chunked)))
        if environ["REQUEST_METHOD"] == "HEAD":
            return ()
        return response.stream if response.stream is not None else iter((response.body,))

    return deliver


def _frame(response: Response, headers: list[tuple[str, str]], *, is_chunked: bool) -> list[tuple[str, str]]:
    lengths = [value for name, value in headers if name.lower() == "content-length"]
    if not lengths:
        bare = is_chunked or response.stream is not None or response.status in (204, 304)
        return headers if bare else [*headers, ("Content-Length", str(len(response.body)))]
    if any(int(length) != len(response.body) for length in lengths):
        return [*headers, ("Connection", "close")]  # the next response would be taken for a part of this one
    return headers


def _discard(response: Response) -> None:
    if response.stream is not None:
        close_stream(response.stream)
