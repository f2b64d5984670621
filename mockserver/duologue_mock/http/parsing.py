"""Parsing a request's query and body into the operation's models."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from marshmallow import ValidationError

from duologue.contract import strict_json
from duologue.contract.core import Model, ModelSchema, Operation
from duologue_mock.errors import MAX_FIELDS, HTTPError, validation_error
from duologue_mock.http.messages import Request, parse_query_string


@lru_cache(maxsize=512)
def parse_query(operation: Operation[Any], query_string: str) -> Model:
    """Return the operation's query. Parameters that it does not know are ignored, as by most servers.

    Raises:
        HTTPError: a parameter is invalid.
    """
    assert operation.query is not None
    names = {field.data_key or name for name, field in operation.query.fields.items()}
    return _load(operation.query, parse_query_string(query_string, names))


def parse_body(operation: Operation[Any], request: Request) -> Model | None:
    """Return the operation's body; None where there is none and none is required.

    Args:
        operation: the operation.
        request: its request, the body read.

    Raises:
        HTTPError: the body is missing, compressed, not JSON, or not what the contract says.
    """
    assert operation.body is not None
    data = request.body
    if not data and not operation.body_required:
        return None
    if data and request.header("HTTP_CONTENT_ENCODING") is not None:
        _check_content_coding(request.environ["HTTP_CONTENT_ENCODING"])
    if not data and not request.header("CONTENT_TYPE"):
        raise HTTPError(
            400, "A JSON body is required", hint="Send a JSON object with `Content-Type: application/json`."
        )
    content_type = request.header("CONTENT_TYPE") or ""
    if not _is_json(content_type):
        received = f"Its Content-Type is {content_type[:100]!r}." if content_type else "It has no Content-Type."
        hint = f"{received} Send `Content-Type: application/json`."
        raise HTTPError(415, "The body must be JSON in UTF-8", hint=hint)
    if not data:
        raise HTTPError(400, "A JSON body is required", hint="The body is empty; send a JSON object.")
    try:
        value = strict_json.loads(data)
    except strict_json.StrictJSONError as error:
        raise HTTPError(400, "Malformed JSON", hint=str(error)) from None
    if not isinstance(value, dict):
        raise HTTPError(400, "The body must be a JSON object", hint=f"It is {_describe_json_type(value)}.")
    return _load(operation.body, value)


def _load(schema: ModelSchema[Any], values: Mapping[str, Any]) -> Model:
    omitted = 0
    if len(values) > len(schema.fields) + MAX_FIELDS:
        # marshmallow would take longer for an error of each unknown field than it took to read them
        known = {field.data_key or name for name, field in schema.fields.items()}
        unknown = [name for name in values if name not in known]
        omitted = len(unknown[MAX_FIELDS:])
        values = {name: values[name] for name in (*known & values.keys(), *unknown[:MAX_FIELDS])}
    try:
        model: Model = schema.load(values)
    except ValidationError as error:
        raise validation_error(_group_by_field(error.messages), omitted=omitted) from None
    return model


def _group_by_field(messages: Any) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for name, reasons in messages.items() if isinstance(messages, dict) else [("body", messages)]:
        fields[str(name)] = [str(reason) for reason in reasons] if isinstance(reasons, list) else [str(reasons)]
    return fields


def _check_content_coding(value: str) -> None:
    """Raise `HTTPError` for every content coding but `identity`; `Accept-Encoding` says so (RFC 9110, 15.5.16)."""
    if any(coding.strip().lower() not in ("", "identity") for coding in value.split(",")):
        hint = "Send the body as it is, without `Content-Encoding`."
        headers = [("Accept-Encoding", "identity")]
        raise HTTPError(415, "The body must not have a content coding", hint=hint, headers=headers)


@lru_cache(maxsize=64)
def _is_json(content_type: str) -> bool:
    media_type, _, parameters = content_type.partition(";")
    media_type = media_type.strip().lower()
    charset = parameters.lower().replace(" ", "").replace('"', "").partition("charset=")[2].partition(";")[0]
    return (media_type == "application/json" or media_type.endswith("+json")) and charset in ("", "utf-8", "utf8")


def _describe_json_type(value: Any) -> str:
    if value is None:
        return "null"
    kinds = {bool: "a boolean", str: "a string", list: "a list", int: "a number", float: "a number"}
    return kinds.get(type(value), "something else")
