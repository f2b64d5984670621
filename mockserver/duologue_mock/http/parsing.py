"""Reading a request's query and body as the operation's models; refusing what breaks the contract."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from marshmallow import ValidationError

from duologue.contract import strict_json
from duologue.contract.core import Model, ModelSchema, Operation
from duologue_mock.errors import HTTPError, validation_error
from duologue_mock.http.messages import Request, query_values


@lru_cache(maxsize=512)
def query_model(operation: Operation[Any], query_string: str) -> Model:
    """Return the operation's query; parameters that it does not know are ignored, as any server's are."""
    assert operation.query is not None
    values = query_values(query_string)
    known = {field.data_key or name for name, field in operation.query.fields.items()}
    return _parsed(operation.query, {name: value for name, value in values.items() if name in known})


def body_model(operation: Operation[Any], request: Request, limit: int) -> Model | None:
    """Return the operation's body, or None where there is none and none is needed."""
    assert operation.body is not None
    data = request.read_body(limit)
    if not data and not operation.body_required:
        return None
    if not data and not request.header("CONTENT_TYPE"):
        raise HTTPError(
            400, "A JSON body is required", hint="Send a JSON object with `Content-Type: application/json`."
        )
    _check_media_type(request.header("CONTENT_TYPE") or "")
    if not data:
        raise HTTPError(400, "A JSON body is required", hint="The body is empty; send a JSON object.")
    try:
        value = strict_json.loads(data)
    except strict_json.StrictJSONError as error:
        raise HTTPError(400, "MalformedBodyError JSON", hint=str(error)) from None
    if not isinstance(value, dict):
        raise HTTPError(400, "The body must be a JSON object", hint=f"It is {_json_kind(value)}.")
    return _parsed(operation.body, value)


def _parsed(schema: ModelSchema[Any], values: Mapping[str, Any]) -> Model:
    try:
        model: Model = schema.load(values)
    except ValidationError as error:
        raise validation_error(_by_field(error.messages)) from None
    return model


def _by_field(messages: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, reasons in messages.items() if isinstance(messages, dict) else [("body", messages)]:
        found[str(name)[:200]] = [str(reason) for reason in reasons] if isinstance(reasons, list) else [str(reasons)]
    return found


def _check_media_type(content_type: str) -> None:
    kind, _, parameters = content_type.partition(";")
    kind = kind.strip().lower()
    charset = parameters.lower().replace(" ", "").replace('"', "").partition("charset=")[2].partition(";")[0]
    if (kind == "application/json" or kind.endswith("+json")) and charset in ("", "utf-8", "utf8"):
        return
    sent = f"It says {content_type[:100]!r}." if content_type else "It has no Content-Type."
    raise HTTPError(415, "The body must be JSON in UTF-8", hint=f"{sent} Send `Content-Type: application/json`.")


def _json_kind(value: Any) -> str:
    if value is None:
        return "null"
    kinds = {bool: "a boolean", str: "a string", list: "a list", int: "a number", float: "a number"}
    return kinds.get(type(value), "something else")
