"""Server-sent events (the HTML standard, section 9.2): a smart-chat reply in pieces."""

from __future__ import annotations

import json
from typing import Any

from duologue.contract.core import Model, Operation
from duologue.contract.headers import IDEMPOTENCY_REPLAYED
from duologue.contract.smart_chat import SSE_COMPLETED, SSE_DELTA, SSE_ERROR, Delta, DeltaSchema
from duologue_mock.http.messages import NO_STORE, Request, Response, json_bytes

MEDIA_TYPE = "text/event-stream"

_DELTA_SCHEMA = DeltaSchema()


def is_wanted(operation: Operation[Any], request: Request) -> bool:
    """Return whether the caller wants the response as a stream."""
    return operation.streams and any(map(_names_stream, (request.header("HTTP_ACCEPT") or "").split(",")))


def is_last(item: Model) -> bool:
    """Return whether an item of a handler is the whole message, after its pieces."""
    return not isinstance(item, Delta)


def build_headers() -> list[tuple[str, str]]:
    """Return the headers of a stream."""
    return [("Content-Type", f"{MEDIA_TYPE}; charset=utf-8"), NO_STORE]


def format_item(item: Model, operation: Operation[Any]) -> bytes:
    """Return the event for a piece of the message, or for the whole message."""
    if isinstance(item, Delta):
        return _format_event(SSE_DELTA, json_bytes(_DELTA_SCHEMA.dump(item)))
    assert operation.response is not None
    return _format_event(SSE_COMPLETED, json_bytes(operation.response.dump(item)))


def format_error(response: Response) -> bytes:
    """Return the event for a failure: the common error body."""
    return _format_event(SSE_ERROR, response.body)


def convert_replay(replay: Response) -> Response:
    """Return a replayed response as a stream: one piece, then the whole message."""
    if replay.status >= 400:
        return replay
    message = json.loads(replay.body)["data"]
    delta = {"id": message["_id"], "delta": message["content"]}
    body = _format_event(SSE_DELTA, json_bytes(delta)) + _format_event(SSE_COMPLETED, json_bytes(message))
    return Response(200, [*build_headers(), (IDEMPOTENCY_REPLAYED, "true")], body)


def _names_stream(media_range: str) -> bool:
    """Return whether an element of `Accept` asks for a stream, and does not refuse it by the weight 0."""
    media_type, *parameters = media_range.lower().split(";")
    refusals = ("q=0", "q=0.", "q=0.0", "q=0.00", "q=0.000")
    return media_type.strip() == MEDIA_TYPE and not any(one.strip() in refusals for one in parameters)


def _format_event(event: str, data: bytes) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (event.encode(), data)
