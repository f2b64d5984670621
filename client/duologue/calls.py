"""From an operation of the contract to a request, and from an answer to a model or an error.

Pure functions: nothing here sends, waits or looks at a clock.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar, cast
from urllib.parse import quote, urlencode

import marshmallow

from duologue.contract import Model, ModelSchema, Operation, headers, strict_json
from duologue.errors import ApiException, ContractViolation, DecodeError, RedirectRefused, error_of_body
from duologue.redact import redact
from duologue.retry import retry_after_seconds
from duologue.transport import Response

T = TypeVar("T")

_HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?|")
_EXCERPT = 120


def header_value(name: str, value: str) -> str:
    """Return a header's value, if it can be one.

    Raises:
        ValueError: it is not printable ASCII, or begins or ends with a space; the value is not shown, it may be secret.
    """
    if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
        raise ValueError(f"{name} must be printable ASCII without line breaks or surrounding spaces")
    return value


def path_of(operation: Operation[Any], ids: Mapping[str, str]) -> str:
    """Return an operation's path below the base URL, with the ids quoted: `a/b` becomes `a%2Fb`.

    Raises:
        ValueError: an id that no path can carry: empty, `.`, `..`, or with a line break or NUL.
    """
    return operation.path.format_map({name: _quoted(name, value) for name, value in ids.items()})


def _quoted(name: str, value: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, not {type(value).__name__}")
    if value in ("", ".", ".."):
        raise ValueError(f"{name} must not be {value!r}: servers and proxies take such a path for another one")
    if re.search(r"[\r\n\0]", value):
        raise ValueError(f"{name} must not hold line breaks or NUL")
    return quote(value, safe="")


def query_of(operation: Operation[Any], sent: Model | None) -> str:
    """Return the query string, with its `?`; empty where nothing is asked."""
    if operation.query is None or sent is None:
        return ""
    pairs = operation.query.wire(sent)
    return f"?{urlencode(pairs, quote_via=quote)}" if pairs else ""


def body_of(operation: Operation[Any], sent: Model | None) -> bytes | None:
    """Return the JSON body, None where the operation has none.

    Raises:
        ValueError: a number that JSON cannot write, or half of a surrogate pair.
        TypeError: a value that is not JSON's.
    """
    if operation.body is None or sent is None:
        return None
    text = json.dumps(operation.body.wire(sent), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8")


def error_of(response: Response, now: datetime) -> ApiException | None:
    """Return the error that an answer stands for, None if it is a success; an error's body is read.

    Args:
        response: the answer.
        now: the time, for a `Retry-After` that is a date.
    """
    if 200 <= response.status < 300:
        return None
    if 300 <= response.status < 400:
        response.close()
        return RedirectRefused(f"Redirect refused: the server answered {response.status}", status=response.status)
    wait = retry_after_seconds(response.header(headers.RETRY_AFTER), now)
    return error_of_body(response.status, _loosely(response.read()), retry_after=wait)


def _loosely(body: bytes) -> object:
    """An error's body is told as well as it can be: the status counts, not what a proxy's page is written in."""
    try:
        return strict_json.loads(body)
    except strict_json.StrictJSONError:
        return body[:2000].decode("utf-8", "replace") or None


def answer_of(operation: Operation[T], response: Response) -> T:
    """Return the model in a successful answer; fields that the contract does not know are left out.

    Raises:
        DecodeError: it is not JSON that we accept.
        ContractViolation: it is not what the contract promises.
    """
    body = response.read()
    if operation.answer is None:
        return cast(T, None)
    value = json_of(body, response.status)
    if operation.enveloped and not operation.paged:
        value = _unwrapped(value, response.status)
    return parsed(operation.answer, value, response.status)


def json_of(body: bytes, status: int) -> object:
    """Return the JSON value of a body, or raise `DecodeError` with a short, harmless piece of it."""
    try:
        return cast(object, strict_json.loads(body))
    except strict_json.StrictJSONError as error:
        excerpt = redact(body[:_EXCERPT].decode("utf-8", "replace"))
        raise DecodeError(
            f"The answer is not JSON: {error}" if body else "The answer is empty",
            status=status,
            details={"reason": redact(str(error)), "excerpt": excerpt},
        ) from None


def parsed(schema: ModelSchema[T], value: object, status: int) -> T:
    """Return the model that a value describes, or raise `ContractViolation` naming the fields that do not fit."""
    try:
        return schema.parse(value, unknown="exclude")
    except marshmallow.ValidationError as error:
        fields = error.messages
        raise _violation(f"{type(schema).__name__}: {json.dumps(fields, default=str)}", status, fields, value) from None


def _unwrapped(value: object, status: int) -> object:
    if not isinstance(value, dict) or "data" not in value:
        raise _violation("the envelope has no `data`", status, {"data": ["Missing data for required field."]}, value)
    return value["data"]


def _violation(what: str, status: int, fields: object, value: object) -> ContractViolation:
    return ContractViolation(
        f"The answer breaks the contract: {redact(what)}", status=status, details={"fields": fields}, data=value
    )
