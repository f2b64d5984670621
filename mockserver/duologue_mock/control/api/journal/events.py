"""`/events`: what happens in a namespace, live, as server-sent events."""

from __future__ import annotations

from duologue_mock.control.api.endpoints import ControlCall, ControlResponse, Endpoints
from duologue_mock.control.errors import ControlError
from duologue_mock.control.watching.event_stream import TooManyReadersError

endpoints = Endpoints("events")


@endpoints.add("GET", "/events", response={"type": "string"}, statuses={503: "too many read the stream already"})
def stream_events(call: ControlCall) -> ControlResponse:
    """Stream what happens: `request`, `message`, `channel`, `stub`, `state` and `clock`, as server-sent events.

    With `Last-Event-ID`, which browsers send when they reconnect, those that were missed come first.
    """
    try:
        reader = call.control.events.open(_read_last_event_id(call))
    except TooManyReadersError:
        raise ControlError(503, "Too many read the events already", headers=(("Retry-After", "1"),)) from None
    return ControlResponse(200, stream=reader, content_type="text/event-stream; charset=utf-8")


def _read_last_event_id(call: ControlCall) -> int | None:
    value = call.request.header("HTTP_LAST_EVENT_ID")
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 20):
        raise ControlError(400, f"Last-Event-ID is the id of an event, a whole number, not {value[:100]!r}")
    return int(value)
