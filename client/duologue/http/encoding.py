"""From an operation of the contract to a request, and from an answer to a model or an error.

Pure functions: nothing here sends, waits or looks at a clock.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar, cast
from urllib.parse import SplitResult, quote, urlencode, urljoin, urlsplit

import marshmallow

from duologue.contract import Model, ModelSchema, Operation, headers, strict_json
from duologue.errors import APIError, DecodingError, RedirectError, ResponseValidationError, error_from_body
from duologue.http.retry import retry_after_seconds
from duologue.http.transport import Response
from duologue.observability.redaction import redact, redact_value

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


_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FRAMING = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect"}
)


def header_name(name: str) -> str:
    """Return a header's name, if a caller may send such a header.

    Raises:
        ValueError: it is no name (RFC 9110, section 5.1), or one that says where a request ends or goes.
    """
    if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be the name of a header")
    if name.lower() in _FRAMING:
        raise ValueError(f"the header {name} is not for callers to set")
    return name


def build_path(operation: Operation[Any], ids: Mapping[str, str]) -> str:
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


def encode_query(operation: Operation[Any], sent: Model | None) -> str:
    """Return the query string, with its `?`; empty where nothing is asked."""
    if operation.query is None or sent is None:
        return ""
    pairs = operation.query.dump(sent)
    return f"?{urlencode(pairs, quote_via=quote)}" if pairs else ""


def encode_body(operation: Operation[Any], sent: Model | None) -> bytes | None:
    """Return the JSON body, None where the operation has none.

    Raises:
        ValueError: a number that JSON cannot write, or half of a surrogate pair.
        TypeError: a value that is not JSON's.
    """
    if operation.body is None or sent is None:
        return None
    text = json.dumps(operation.body.dump(sent), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8")


def redirect_of(response: Response, method: str, url: str) -> str | None:
    """Return where an answer sends us, None if it does not: to a path of the same server, and only what reads.

    Args:
        response: the answer.
        method: the verb of the request.
        url: its address.

    Raises:
        RedirectError: it sends us to another server, without an address, or with a request that changes something.
    """
    if response.status not in (301, 302, 303, 307, 308):
        return None
    target = _address(url, response.header("Location") or "")
    refused = "a request that changes something stays where it is" if method not in ("GET", "HEAD") else None
    refused = refused or _unfit(target, url)
    if target is None or refused:
        response.close()
        raise RedirectError(
            f"Redirect refused: the server answered {response.status}",
            status=response.status,
            details={"reason": refused or "it says no address that can be meant"},
        )
    return target._replace(fragment="").geturl()


_ADDRESS = re.compile(r"[!-~]+")


def _address(url: str, location: str) -> SplitResult | None:
    if not _ADDRESS.fullmatch(location):  # urljoin drops the tabs in `/us\ters`
        return None
    try:
        made = urlsplit(urljoin(url, location))
        return made if made.hostname and made.port != 0 else None
    except ValueError:
        return None


def _unfit(target: SplitResult | None, url: str) -> str | None:
    """Say what is wrong with a redirect's target."""
    if target is None:
        return "it says no address that can be meant"
    if target.username is not None:
        return "it says an address that cannot be meant"
    return None if _origin(target) == _origin(urlsplit(url)) else "it leads to another server"


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def error_from_response(response: Response, now: datetime, max_response_size: int | None = None) -> APIError | None:
    """Return the error that an answer stands for, None if it is a success; an error's body is read.

    Args:
        response: the answer.
        now: the time, for a `Retry-After` that is a date.
        max_response_size: the largest body to read, in bytes.
    """
    if 200 <= response.status < 300:
        return None
    if response.status < 400:
        response.close()
        return RedirectError(f"Redirect refused: the server answered {response.status}", status=response.status)
    wait = retry_after_seconds(response.header(headers.RETRY_AFTER), now)
    return error_from_body(response.status, _body_of_error(response, max_response_size), retry_after=wait)


def _body_of_error(response: Response, max_response_size: int | None) -> object:
    """An error's body is told as well as it can be: the status counts, not what a proxy's page is written in, nor
    whether it arrives whole."""
    try:
        body = response.read(max_response_size)
    except APIError:
        return None
    try:
        return strict_json.loads(body)
    except strict_json.StrictJSONError:
        return body[:2000].decode("utf-8", "replace") or None


def parse_response(
    operation: Operation[T],
    response: Response,
    *,
    max_response_size: int | None = None,
    unknown: Callable[[str], None] | None = None,
) -> T:
    """Return the model in a successful answer.

    Args:
        operation: which call it answers.
        response: the answer.
        max_response_size: the largest body to read, in bytes.
        unknown: is told of each field that the contract does not know, as `users[].nickname`; the model is without it.

    Raises:
        DecodeError: it is not JSON that we accept.
        ResponseTooLargeError: there is too much of it.
        ResponseValidationError: it is not what the contract promises.
    """
    body = response.read(max_response_size)
    if operation.response is None:
        return cast(T, None)
    _check_type(response, body)
    value = json_of(body, response.status)
    if unknown:
        for field in unknown_fields(operation, value):
            unknown(field)
    if operation.enveloped and not operation.paged:
        value = _unwrapped(value, response.status)
    return parsed(operation.response, value, response.status)


_JSON_TYPE = re.compile(r"\s*application/(?:[\w.+-]+\+)?json\s*(?:;.*)?", re.IGNORECASE | re.DOTALL)


def _check_type(response: Response, body: bytes) -> None:
    """An answer that says it is something else than JSON is believed; one that says nothing is read as JSON."""
    kind = response.header("Content-Type")
    if kind and not _JSON_TYPE.fullmatch(kind):
        raise DecodingError(
            f"The answer is not JSON but {redact(kind[:80])}",
            status=response.status,
            details={"excerpt": excerpt(body)},
        )


def excerpt(body: bytes) -> str:
    """Return a short, harmless piece of a body, for people to recognise it by."""
    return redact(body[:_EXCERPT].decode("utf-8", "replace"))


def unknown_fields(operation: Operation[Any], value: object) -> Iterator[str]:
    """Yield the fields of an answer that the contract does not know, as `users[].nickname`."""
    assert operation.response is not None
    if operation.paged:  # the page is the envelope
        found = _strangers(operation.response, value, "")
        yield from (name for name in found if name not in ("message", "metadata"))
    elif operation.enveloped and isinstance(value, dict):
        yield from value.keys() - {"data", "message", "metadata"}
        yield from _strangers(operation.response, value.get("data"), "data")
    else:
        yield from _strangers(operation.response, value, "")


def _strangers(schema: marshmallow.Schema, value: object, where: str) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _strangers(schema, item, f"{where}[]")
    elif isinstance(value, dict):
        known = _known(schema)
        prefix = f"{where}." if where else ""
        if not known.keys() >= value.keys():
            yield from (f"{prefix}{name}" for name in value.keys() - known.keys())
        for name in value.keys() & _embedded(schema):
            yield from _strangers(known[name], value[name], f"{prefix}{name}")


@functools.lru_cache
def _known(schema: marshmallow.Schema) -> dict[str, Any]:
    """The names a schema knows, each with the schema inside it if there is one."""
    return {field.data_key or name: getattr(field, "schema", None) for name, field in schema.load_fields.items()}


@functools.lru_cache
def _embedded(schema: marshmallow.Schema) -> frozenset[str]:
    return frozenset(name for name, inner in _known(schema).items() if inner is not None)


def json_of(body: bytes, status: int) -> object:
    """Return the JSON value of a body, or raise `DecodeError` with a short, harmless piece of it."""
    try:
        return cast(object, strict_json.loads(body))
    except strict_json.StrictJSONError as error:
        reason = redact(str(error))
    raise DecodingError(
        f"The answer is not JSON: {reason}" if body else "The answer is empty",
        status=status,
        details={"reason": reason, "excerpt": excerpt(body)},
    )


def parsed(schema: ModelSchema[T], value: object, status: int) -> T:
    """Return the model that a value describes, or raise `ResponseValidationError` naming the fields that do not fit."""
    try:
        return schema.load(value, unknown="exclude")
    except marshmallow.ValidationError as error:
        fields = error.messages
    raise _violation(f"{type(schema).__name__}: {json.dumps(fields, default=str)}", status, fields, value)


def _unwrapped(value: object, status: int) -> object:
    if not isinstance(value, dict) or "data" not in value:
        raise _violation("the envelope has no `data`", status, {"data": ["Missing data for required field."]}, value)
    return value["data"]


def _violation(what: str, status: int, fields: object, value: object) -> ResponseValidationError:
    return ResponseValidationError(
        f"The answer breaks the contract: {redact(what)}",
        status=status,
        details={"fields": redact_value(fields)},
        data=redact_value(value),
    )
