"""From a response to a model or an error. Pure functions, but for reading the body.

The errors hold what the server sent; `Call` masks the secrets in them, and cuts what is long, before a caller sees it.
"""

from __future__ import annotations

import codecs
import functools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar, cast
from urllib.parse import SplitResult, urljoin, urlsplit

import marshmallow

from duologue.contract import ModelSchema, Operation, headers, strict_json
from duologue.contract.lazy_property import lazy_property
from duologue.errors import (
    APIError,
    Attempt,
    DecodingError,
    RedirectError,
    ResponseValidationError,
    error_from_body,
)
from duologue.http.retry import parse_retry_after
from duologue.http.transport import Response
from duologue.observability.redaction import CUT, MAX_TEXT, shorten

T = TypeVar("T")

_EXCERPT = 120
_JSON_TYPE = re.compile(r"\s*application/(?:[\w.+-]+\+)?json\s*(?:;.*)?", re.IGNORECASE | re.DOTALL)
_LOCATION = re.compile(r"[!-~]+")


@dataclass(frozen=True, eq=False)
class RawResponse(Generic[T]):
    """What a call returned, and the HTTP response it came from.

    Args:
        parsed: what the method returned.
        status: the HTTP status.
        headers: the response's headers; names are lower case.
        body: the bytes of the body, decompressed.
        request_id: the server's id of the request, else the client's.
        attempts: all attempts made.
        elapsed: seconds the call took.
    """

    parsed: T
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    request_id: str
    attempts: tuple[Attempt, ...]
    elapsed: float

    @lazy_property
    def data(self) -> Any:
        """The body's JSON value, with fields that are not in the contract; None where there is no body."""
        return parse_json(self.body, self.status) if self.body else None


# ---- redirects


def find_redirect(response: Response, method: str, url: str) -> str | None:
    """Return the URL that a response redirects to, None if it does not. Only `GET` and `HEAD` are redirected, and only
    to a path of the same server.

    Args:
        response: the response.
        method: the request's HTTP method.
        url: the request's URL.

    Raises:
        RedirectError: it redirects another method, or to another server, or to an invalid URL.
    """
    if response.status not in (301, 302, 303, 307, 308):
        return None
    target = _parse_location(url, response.header("Location") or "")
    reason = f"{method} requests are not redirected" if method not in ("GET", "HEAD") else _find_fault(target, url)
    if target is None or reason:
        response.close()
        raise build_redirect_error(response, reason)
    return target._replace(fragment="").geturl()


def build_redirect_error(response: Response, reason: str | None = None) -> RedirectError:
    """Return the error for a redirect that is not followed."""
    message = f"Redirect refused: the server responded with status {response.status}"
    return RedirectError(message, status=response.status, details={"reason": reason} if reason else None)


def _parse_location(url: str, location: str) -> SplitResult | None:
    if not _LOCATION.fullmatch(location):  # urljoin drops the tabs in `/us\ters`
        return None
    try:
        target = urlsplit(urljoin(url, location))
        return target if target.hostname and target.port != 0 else None
    except ValueError:
        return None


def _find_fault(target: SplitResult | None, url: str) -> str | None:
    """Return why a redirect's target is refused, None if it is not."""
    if target is None or target.username is not None:
        return "the Location header is not a valid URL"
    return None if _get_origin(target) == _get_origin(urlsplit(url)) else "it leads to another server"


def _get_origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


# ---- errors


def error_from_response(response: Response, now: datetime, max_response_size: int | None = None) -> APIError | None:
    """Return the error for a response, None if it is a success; an error's body is read.

    Args:
        response: the response.
        now: the time, for a `Retry-After` that is a date.
        max_response_size: the largest body to read, in bytes; None for no limit.
    """
    if 200 <= response.status < 300:
        return None
    if response.status < 400:
        response.close()
        return build_redirect_error(response)
    retry_after = parse_retry_after(response.header(headers.RETRY_AFTER), now)
    return error_from_body(response.status, _read_error_body(response, max_response_size), retry_after=retry_after)


def _read_error_body(response: Response, max_response_size: int | None) -> object:
    """Return an error's body as well as it can be read: the status counts, not what a proxy's page is written in, nor
    whether it arrives whole."""
    try:
        body = response.read(max_response_size)
    except APIError:
        return None
    try:
        return _load_json(body)
    except strict_json.StrictJSONError:
        return build_excerpt(body, MAX_TEXT) or None


# ---- successes


def parse_response(
    operation: Operation[T],
    response: Response,
    *,
    max_response_size: int | None = None,
    on_unknown_field: Callable[[str], None] | None = None,
) -> T:
    """Return the model in a successful response.

    Args:
        operation: the operation that was called.
        response: the response.
        max_response_size: the largest body to read, in bytes; None for no limit.
        on_unknown_field: called with each field that is not in the contract, as `users[].nickname`; the model is
            without it.

    Raises:
        DecodingError: the body is not strict JSON.
        ResponseTooLargeError: the body is larger than `max_response_size`.
        ResponseValidationError: the body does not match the contract.
    """
    body = response.read(max_response_size)
    if operation.response is None:
        return cast(T, None)
    _check_content_type(response, body)
    value = parse_json(body, response.status)
    if on_unknown_field:
        for name in find_unknown_fields(operation, value):
            on_unknown_field(name)
    if operation.enveloped and not operation.paged:
        value = _get_enveloped_data(value, response.status)
    return load_model(operation.response, value, response.status)


def _check_content_type(response: Response, body: bytes) -> None:
    """Raise if a response declares another type than JSON; one that declares none is read as JSON.

    If it declares several, the last one counts (RFC 9110, section 8.3).
    """
    content_type = response.header("Content-Type")
    if content_type and not any(map(_JSON_TYPE.fullmatch, (content_type, content_type.rpartition(",")[2]))):
        raise DecodingError(
            f"The response is not JSON but {shorten(content_type, 80)}",
            status=response.status,
            details={"excerpt": build_excerpt(body)},
        )


def build_excerpt(body: bytes, limit: int = _EXCERPT) -> str:
    """Return the start of a body as text, to recognize it by; it ends between two characters."""
    start = codecs.getincrementaldecoder("utf-8")("replace").decode(body[: 4 * limit])
    return start[:limit] + CUT if len(start) > limit or len(body) > 4 * limit else start


def parse_json(body: bytes, status: int) -> object:
    """Return the JSON value of a body, or raise `DecodingError` with its start."""
    try:
        return _load_json(body)
    except strict_json.StrictJSONError as error:
        reason = str(error)
    raise DecodingError(
        f"The response is not JSON: {reason}" if body else "The response is empty",
        status=status,
        details={"reason": reason, "excerpt": build_excerpt(body)},
    )


def _load_json(body: bytes) -> object:
    """Return the JSON value of a body; a byte order mark before it is ignored (RFC 8259, section 8.1)."""
    return cast(object, strict_json.loads(body.removeprefix(codecs.BOM_UTF8)))


def load_model(schema: ModelSchema[T], value: object, status: int) -> T:
    """Return the model for a JSON value, or raise `ResponseValidationError` naming the fields that are invalid."""
    try:
        return schema.load(value, unknown="exclude")
    except marshmallow.ValidationError as error:
        fields = error.messages
    raise _build_validation_error(type(schema).__name__, fields, value, status)


def _get_enveloped_data(value: object, status: int) -> object:
    if not isinstance(value, dict) or "data" not in value:
        missing = {"data": ["Missing data for required field."]}
        raise _build_validation_error("the envelope has no `data`", missing, value, status)
    return value["data"]


def _build_validation_error(what: str, fields: object, value: object, status: int) -> ResponseValidationError:
    return ResponseValidationError(
        f"The response does not match the contract ({what})",
        status=status,
        details={"fields": fields},
        data=value,
    )


# ---- fields that are not in the contract


def find_unknown_fields(operation: Operation[Any], value: object) -> Iterator[str]:
    """Yield the fields of a response that are not in the contract, as `users[].nickname`."""
    assert operation.response is not None
    if operation.paged:  # the page is the envelope
        unknown = _find_unknown(operation.response, value, "")
        yield from (name for name in unknown if name not in ("message", "metadata"))
    elif operation.enveloped and isinstance(value, dict):
        yield from value.keys() - {"data", "message", "metadata"}
        yield from _find_unknown(operation.response, value.get("data"), "data")
    else:
        yield from _find_unknown(operation.response, value, "")


def _find_unknown(schema: marshmallow.Schema, value: object, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _find_unknown(schema, item, f"{path}[]")
    elif isinstance(value, dict):
        fields = _get_fields(schema)
        prefix = f"{path}." if path else ""
        if not fields.keys() >= value.keys():
            yield from (f"{prefix}{name}" for name in value.keys() - fields.keys())
        for name in value.keys() & _get_nested(schema):
            yield from _find_unknown(fields[name], value[name], f"{prefix}{name}")


@functools.lru_cache
def _get_fields(schema: marshmallow.Schema) -> dict[str, Any]:
    """Return a schema's fields by their JSON name, each with the schema inside it, or None."""
    return {field.data_key or name: getattr(field, "schema", None) for name, field in schema.load_fields.items()}


@functools.lru_cache
def _get_nested(schema: marshmallow.Schema) -> frozenset[str]:
    return frozenset(name for name, inner in _get_fields(schema).items() if inner is not None)
