"""The rules of the contract that a request may break: each has an id, which stays the same, and a cure.

A refusal that depends on data or time breaks none: a resource that does not exist, a conflict, a failed login, an
expired token, a rate limit. A client that handles these does what it should.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote_plus

from duologue.contract import headers
from duologue.contract.core import CHAT, Access, Operation
from duologue_mock.control.journal.redaction import is_secret_name
from duologue_mock.control.journal.violation import Violation
from duologue_mock.errors import HTTPError
from duologue_mock.http.idempotency import IDEMPOTENCY_KEY
from duologue_mock.http.messages import Request, Response

RULES = MappingProxyType(
    {
        "api-key": "Send the header `x-api-key` with a key that the chat service accepts.",
        "body-field": "Send the field as the contract describes it, and no others; GET /openapi.json has its schema.",
        "body-json": "Send a JSON object in UTF-8.",
        "body-required": "Send a JSON object with `Content-Type: application/json`.",
        "body-size": "Send a smaller body, or start the mock with a higher --max-request-size.",
        "body-unexpected": "Send no body: the operation takes none and ignores it.",
        "content-type": "Send `Content-Type: application/json`, and no `Content-Encoding`.",
        "header": "Send the header with a value that the contract allows.",
        "host": "Send requests to localhost, or start the mock with --allow-host.",
        "http": "Send HTTP/1.1 as RFC 9112 has it: use a library, and a URL with the scheme that the mock serves.",
        "idempotency-key-ignored": "Send `Idempotency-Key` with POST and PATCH only; elsewhere it has no effect.",
        "idempotency-key-reused": "Use a new `Idempotency-Key` for each new request; the same one only to repeat it.",
        "method": "Use a method that `Allow` names.",
        "origin": "Start the mock with --allow-origin if pages of this origin may use it.",
        "path": "Use a path of the contract; GET / lists them.",
        "path-trailing-slash": "Leave out the slash at the end of the path; other servers may not serve it.",
        "permission": "Log in as an administrator, or offer this only to users who may do it.",
        "query-parameter": "Send the parameter once, with a value that the contract allows.",
        "query-unknown": "Leave out the parameter, or correct its name: the operation ignores it.",
        "refresh-token-spent": "Refresh once at a time, and store the new refresh token in place of the old one.",
        "retry-after": "Wait as many seconds as `Retry-After` says before the request is sent again.",
        "retry-without-key": "Send the same `Idempotency-Key` with each attempt: else what is done may be done twice.",
        "secret-in-url": "Send it in a header or in the body: URLs are stored in histories and logs.",
        "token": "Log in, and send `Authorization: Bearer <token>` with the token of the response.",
    }
)
"""The cure of each rule, where the refusal itself has none."""

_STATE_DEPENDENT = frozenset({"Token expired", "Token revoked"})
"""Refusals of a token that was right once."""
_BY_STATUS = MappingProxyType(
    {405: "method", 413: "body-size", 415: "content-type", 421: "host", 422: "idempotency-key-reused"}
)
_HEADERS = frozenset(
    {"if-match", "if-none-match", *(name.lower() for name in (*headers.ACCEPTED, "X-Mock-Namespace", "Prefer"))}
)
_CONTROL_ERROR = "CONTROL_ERROR"
"""The code of what the control API refuses, which is not the contract's."""
_MAX_SHOWN = 100
_MAX_VIOLATIONS = 20


VIOLATIONS_KEY = "duologue.violations"
"""Where in the environ of a request the violations are that its namespace has recorded."""


def get_violations(request: Request, response: Response) -> tuple[Violation, ...]:
    """Return how a request broke the contract: what its namespace recorded, or what can be seen of it alone."""
    recorded: tuple[Violation, ...] | None = request.environ.get(VIOLATIONS_KEY)
    return find_violations(request, response) if recorded is None else recorded


def find_violations(request: Request, response: Response, *, is_refused: bool = True) -> tuple[Violation, ...]:
    """Return how a request broke the contract: what the mock refused, and what it tolerated.

    Args:
        request: the request, after it was handled.
        response: its response.
        is_refused: whether an error is the mock's refusal; one that was requested of it is none.
    """
    violations: tuple[Violation, ...] = ()
    operation, error = request.operation, response.error
    if error is not None and is_refused and not error.is_requested and error.code != _CONTROL_ERROR:
        violations = tuple(_find_refusals(request, error))
    if operation is None:
        return violations[:_MAX_VIOLATIONS]
    violations += tuple(_find_tolerated(request, operation))
    violations += find_unknown_parameters(request.query_string, operation)
    return violations[:_MAX_VIOLATIONS]


def _find_refusals(request: Request, error: HTTPError) -> Iterator[Violation]:
    if error.status == 400 and error.fields:
        for name, reasons in error.fields.items():
            rule = _classify_field(name, request.operation)
            yield Violation(rule, f"{name}: {' '.join(reasons)}", error.hint or RULES[rule])
        return
    broken = _classify(request, error)
    if broken is not None:
        yield Violation(broken, error.message, error.hint or RULES[broken])


def _classify_field(name: str, operation: Operation[Any] | None) -> str:
    if name.lower() in _HEADERS:
        return "header"
    if operation is None or name == "query" or name in _get_query_names(operation):
        return "query-parameter"
    return "body-field"


def _classify(request: Request, error: HTTPError) -> str | None:
    """Return the rule of a refusal that names no field; None if it breaks none."""
    operation = request.operation
    if not request.method:
        return "http"
    if error.broken_rule is not None:
        return error.broken_rule
    if error.status == 400 and operation is None:
        return "host" if "Host" in error.message else None
    if error.status == 400:
        return "body-json" if request.body else "body-required"
    if error.status == 401:
        return _classify_credentials(operation, error)
    if error.status == 403:
        return "origin" if operation is None else "permission"
    if error.status == 404:
        return "path" if operation is None else None
    if error.status == 422 and IDEMPOTENCY_KEY not in request.environ:
        return None
    return _BY_STATUS.get(error.status)


def _classify_credentials(operation: Operation[Any] | None, error: HTTPError) -> str | None:
    if operation is not None and operation.service is CHAT:
        return "api-key"
    is_login = operation is not None and operation.access is Access.PUBLIC
    return None if is_login or error.message in _STATE_DEPENDENT else "token"


def _find_tolerated(request: Request, operation: Operation[Any]) -> Iterator[Violation]:
    """Yield what the mock accepts and another server might not, besides parameters."""
    if request.path.endswith("/"):
        yield build_violation("path-trailing-slash", f"The path ends in a slash: {request.path[:_MAX_SHOWN]}")
    if request.body and operation.body is None:
        yield build_violation("body-unexpected", f"{operation.method} {operation.path} takes no body.")
    if IDEMPOTENCY_KEY in request.environ and not operation.takes_idempotency_key:
        yield build_violation("idempotency-key-ignored", f"{operation.method} takes no `Idempotency-Key`.")


@lru_cache(maxsize=256)  # a front end sends the same ones again and again
def find_unknown_parameters(query_string: str, operation: Operation[Any]) -> tuple[Violation, ...]:
    """Return what is wrong with the names of the parameters."""
    return tuple(_iterate_unknown_parameters(query_string, operation))


def _iterate_unknown_parameters(query_string: str, operation: Operation[Any]) -> Iterator[Violation]:
    names = _get_query_names(operation)
    for part in query_string.split("&", _MAX_VIOLATIONS)[:_MAX_VIOLATIONS]:
        name = part.partition("=")[0]
        if name in names or not part:
            continue
        decoded = unquote_plus(name)[:_MAX_SHOWN]
        if is_secret_name(decoded):
            yield build_violation("secret-in-url", f"The URL has the parameter {decoded!r}.")
        elif decoded not in names:
            takes = f"takes {', '.join(sorted(names))}" if names else "takes none"
            yield build_violation("query-unknown", f"Unknown query parameter {decoded!r}; the operation {takes}.")


def build_violation(rule: str, message: str) -> Violation:
    """Return a violation of a rule, with the rule's own cure."""
    return Violation(rule, message, RULES[rule])


@lru_cache(maxsize=64)
def _get_query_names(operation: Operation[Any]) -> frozenset[str]:
    query = operation.query
    return frozenset(() if query is None else (field.data_key or name for name, field in query.fields.items()))
