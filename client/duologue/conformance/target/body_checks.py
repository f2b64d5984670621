"""Checks of statuses and bodies: each returns what is wrong with a response, or None."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError

from duologue.conformance.target.comparison import find_differences
from duologue.conformance.target.exchange import Exchange, Problem
from duologue.conformance.target.responses import get_code
from duologue.contract import ModelSchema
from duologue.contract.error_body import ErrorBodySchema, MetadataSchema

STREAM = "text/event-stream"
INTERNALS = ("Traceback (most recent call last)", 'File "/', "\tat java.", "    at Object.", "node_modules/")
"""What stack traces have, in languages that servers are written in."""


def check_status(exchange: Exchange) -> Problem | None:
    """Find a status that the operation does not have."""
    operation = exchange.operation
    if operation is None:
        return None
    allowed = operation.statuses | ({403} if not operation.safe else set())  # of a page that may not: see CORS
    if exchange.status in allowed:
        return None
    return Problem(f"it has no status {exchange.status}", sorted(allowed), exchange.status)


def check_internals(exchange: Exchange) -> Problem | None:
    """Find a stack trace in an error."""
    if not exchange.is_error or exchange.streamed:
        return None
    sign = next((sign for sign in INTERNALS if sign in exchange.response.text), None)
    return Problem(f"the error shows internals of the server: {sign!r}") if sign else None


def check_media_type(exchange: Exchange) -> Problem | None:
    """Find a body that is not announced as what it is."""
    if exchange.operation is None and not exchange.is_error:
        return None
    if not exchange.streamed and not exchange.response.content:
        return None
    expected = STREAM if _is_stream(exchange) else "application/json"
    actual = (exchange.get_header("Content-Type") or "").partition(";")[0].strip().lower()
    return None if actual == expected else Problem("Content-Type is another", expected, actual)


def _is_stream(exchange: Exchange) -> bool:
    return bool(exchange.operation and exchange.operation.streams and exchange.status == 200)


def check_empty(exchange: Exchange) -> Problem | None:
    """Find a body where there must be none."""
    if exchange.status not in (204, 304) or exchange.streamed or not exchange.response.content:
        return None
    return Problem(f"a {exchange.status} has a body", "", exchange.response.text[:200])


def check_envelope(exchange: Exchange) -> Problem | None:
    """Find an envelope that lacks something, or has too much."""
    operation, body = exchange.operation, exchange.json
    if not exchange.is_success or operation is None or not operation.enveloped or operation.response is None:
        return None
    if not isinstance(body, dict):
        return Problem("the body is not a JSON object", actual=body)
    expected = {"data", "message", "metadata"} | ({"pagination"} & body.keys() if operation.paged else set())
    if body.keys() != expected:
        return Problem("the envelope has other fields", sorted(expected), sorted(body))
    if not isinstance(body["message"], str) or not body["message"]:
        return Problem("the envelope's message is not a text", actual=body["message"])
    return _check_schema(MetadataSchema(), body["metadata"], "the envelope's metadata")


def check_body(exchange: Exchange) -> Problem | None:
    """Find a success body that is not what the contract describes."""
    operation, body = exchange.operation, exchange.json
    if not exchange.is_success or operation is None or operation.response is None or exchange.streamed:
        return None
    if not isinstance(body, dict):
        return Problem("the body is not a JSON object", actual=exchange.response.text[:200])
    if operation.enveloped and operation.paged:
        body = {name: body[name] for name in ("data", "pagination") if name in body}
    elif operation.enveloped:
        body = body.get("data")
    return _check_schema(operation.response, body, "the body")


def check_error_body(exchange: Exchange) -> Problem | None:
    """Find an error without the one error body."""
    if not exchange.is_error or exchange.streamed or exchange.method == "HEAD":
        return None
    problem = _check_schema(ErrorBodySchema(), exchange.json, "the error body")
    if problem is not None:
        return problem
    body = exchange.json
    flat = [f"{name}: {text}" for name, texts in body["details"]["fields"].items() for text in texts]
    missing = [line for line in flat if line not in body["errors"]]
    if missing:
        return Problem("errors lacks what details.fields says", missing, body["errors"])
    empty = [name for name in ("message", "errors") if not body[name]]
    return Problem(f"{empty[0]} is empty", actual=body) if empty else None


def check_code(exchange: Exchange) -> Problem | None:
    """Find an error whose code is that of another status."""
    if not exchange.is_error or not isinstance(exchange.json, dict):
        return None
    expected, actual = get_code(exchange.status), exchange.json.get("code")
    return (
        None if expected in (None, actual) else Problem(f"the code of {exchange.status} is another", expected, actual)
    )


def _check_schema(schema: ModelSchema[Any], value: Any, what: str) -> Problem | None:
    try:
        expected = schema.dump(schema.load(value))
    except ValidationError as error:
        messages = tuple(_list_messages(error.messages, "$"))
        return Problem(f"{what} is not what the contract describes: {messages[0]}", actual=value, differences=messages)
    differences = find_differences(expected, value)
    if differences:
        return Problem(f"{what} is written in another form", expected, value, differences)
    return None


def _list_messages(messages: Any, path: str) -> list[str]:
    if isinstance(messages, dict):
        return [line for name, inner in messages.items() for line in _list_messages(inner, f"{path}.{name}")]
    return [f"{path}: {text}" for text in messages]
