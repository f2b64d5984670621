"""Every error the client raises.

    APIError, also called ApiException
    ├── NetworkError                     no response arrived: status 0
    │   ├── ConnectError                 no connection: refused, unknown host, TLS
    │   │   ├── CertificateError         the server's certificate is not valid
    │   │   └── ConnectTimeout           (also a RequestTimeout)
    │   └── ConnectionLostError          the connection ended early: reset, closed, body cut short
    │       └── SendBufferFullError      too many events wait for a Realtime connection
    ├── RequestTimeout                   status 408, whether the server or the client stopped waiting
    │   ├── ConnectTimeout               (also a ConnectError)
    │   ├── DeadlineExceeded             the whole call took longer than its `deadline`
    │   └── QueryTimeout                 a query took longer than its caller's timeout
    ├── HTTPStatusError                  any error status: 405, 413, 415 … and
    │   ├── BadRequestError              400
    │   ├── AuthenticationError          401
    │   ├── PermissionDeniedError        403
    │   ├── NotFoundError                404
    │   ├── ConflictError                409
    │   ├── PreconditionFailedError      412
    │   ├── UnprocessableEntityError     422
    │   ├── RateLimitError               429
    │   └── ServerError                  500 and above
    ├── InvalidResponseError             a response arrived that cannot be used
    │   ├── ProtocolError                it is not HTTP
    │   ├── DecodingError                its body is not strict JSON, or not in its content encoding
    │   ├── ResponseTooLargeError        its body is larger than `max_response_size`
    │   ├── ResponseValidationError      its JSON does not match the contract
    │   └── RedirectError                it redirects to where the client does not go
    ├── QueryCancelledError              a query was cancelled
    ├── TokenFileError                   the token file is not private, or cannot be read or written
    └── ClientClosedError                the client was closed, before or during the call

An invalid *argument* of a call is a `ValueError` (or `TypeError`), raised before anything is sent.

`ApiErrorType` and the texts of `user_message` are the Platform API specification's; `is_network_error()` and its
sisters and the statuses 0 and 408 are the Smart Chat API specification's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from duologue.contract.errors import STATUS_CODES, USER_MESSAGES, escape_for_log, get_error_type
from duologue.contract.errors import ApiErrorType as ApiErrorType

_MAX_FIELDS = 3  # that `str(error)` names


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a call.

    Args:
        number: its number, from 1.
        outcome: the status, as `503`, or the name of the error.
        elapsed: seconds it took.
        waited: seconds waited before it.
    """

    number: int
    outcome: str
    elapsed: float
    waited: float = 0.0


class APIError(Exception):
    """Base of every error the client raises.

    `str(error)` says what happened, the reason or the first invalid fields, the status, the call and its attempts.

    Attributes:
        message: what happened, in a sentence; the server's own where it sent one, cut at 5,000 characters.
        type: the kind of failure.
        status: the HTTP status; 0 when no response arrived, 408 when it took too long.
        code: the server's `code`, None if it sent none.
        details: the server's `details`, or the `reason` of a network failure.
        errors: the server's `errors`: a sentence for each thing that is wrong.
        data: the body of the response, as JSON values or else as text; of a large one, the first 20,000 characters.
        retry_after: seconds the server asked to wait, None if it did not.
        request_id: the server's id of the request, else the client's.
        method: the HTTP method.
        path: the path, without the query string.
        attempts: all attempts made.
        elapsed: seconds from the start of the call to the error.
        timestamp: when the error was created.
    """

    default_type: ClassVar[ApiErrorType] = ApiErrorType.UNKNOWN_ERROR
    default_status: ClassVar[int] = 0
    default_message: ClassVar[str] = "An unknown error occurred"

    def __init__(
        self,
        message: str | None = None,
        *,
        type: ApiErrorType | None = None,
        status: int | None = None,
        code: str | None = None,
        details: Mapping[str, Any] | None = None,
        errors: Sequence[str] = (),
        data: object = None,
        retry_after: float | None = None,
    ) -> None:
        self.message = message or self.default_message
        self.type = type or self.default_type
        self.status = self.default_status if status is None else status
        self.code = code
        self.details: dict[str, Any] = dict(details or {})
        self.errors = tuple(errors)
        self.data = data
        self.retry_after = retry_after
        self.request_id: str | None = None
        self.method: str | None = None
        self.path: str | None = None
        self.attempts: tuple[Attempt, ...] = ()
        self.elapsed = 0.0
        self.timestamp = datetime.now(UTC)
        super().__init__(self.message)

    @property
    def status_code(self) -> int:
        """The Platform API specification's name for `status`."""
        return self.status

    @property
    def user_message(self) -> str:
        """A sentence to show to users, as the Platform API specification words it."""
        if self.type is ApiErrorType.VALIDATION_ERROR:
            message = self.details.get("message")
            return message if isinstance(message, str) and message else USER_MESSAGES[self.type]
        return USER_MESSAGES.get(self.type, "An unexpected error occurred. Please try again.")

    def is_network_error(self) -> bool:
        """Return whether no response arrived at all."""
        return self.type is ApiErrorType.NETWORK_ERROR

    def is_client_error(self) -> bool:
        """Return whether the status is a 4xx."""
        return 400 <= self.status < 500

    def is_server_error(self) -> bool:
        """Return whether the status is a 5xx."""
        return self.status >= 500

    def is_retryable(self) -> bool:
        """Return whether the same call may succeed later: network failures, timeouts, 429 and 5xx."""
        return self.is_network_error() or self.is_server_error() or self.status in (408, 429)

    def __str__(self) -> str:
        causes = "; ".join(map(escape_for_log, self._causes()))
        facts = [str(self.status)] if self.status else []
        if self.method:
            facts.append(f"{self.method} {escape_for_log(self.path or '')}")
        if self.request_id:
            facts.append(f"request {escape_for_log(self.request_id)}")
        if len(self.attempts) > 1:
            facts.append(f"{len(self.attempts)} attempts")
        message = escape_for_log(self.message) + (f": {causes}" if causes else "")
        return message + (f" ({', '.join(facts)})" if facts else "")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"

    def _causes(self) -> Iterator[str]:
        """Yield the reason of a network failure and the first invalid fields, unless the message names them already."""
        reason = self.details.get("reason")
        if isinstance(reason, str) and reason not in self.message:
            yield reason
        fields = [text for text in _flatten(self.details.get("fields")) if text not in self.message]
        yield from fields[:_MAX_FIELDS]
        if len(fields) > _MAX_FIELDS:
            yield f"and {len(fields) - _MAX_FIELDS} more"


def _flatten(fields: object, path: str = "") -> Iterator[str]:
    """Yield a text for each invalid field, as `users.0.email: Not a valid email address.`"""
    if isinstance(fields, Mapping):
        for name, value in fields.items():
            yield from _flatten(value, f"{path}.{name}" if path else str(name))
    elif isinstance(fields, list) and path:
        yield f"{path}: {' '.join(str(text) for text in fields)}"


ApiException = APIError
"""The Platform API specification's name for `APIError`."""


class NetworkError(APIError):
    """No response arrived, so it is unknown what the server did."""

    default_type = ApiErrorType.NETWORK_ERROR
    default_message = "Network connection failed"


class ConnectError(NetworkError):
    """No connection could be made, so nothing was sent."""


class ConnectionLostError(NetworkError):
    """The connection ended before the whole response had arrived."""


class SendBufferFullError(ConnectionLostError):
    """There is no Realtime connection and the buffer of events to send is full; this event was not added."""


class RequestTimeout(APIError):  # noqa: N818  # HTTP's name for 408
    """No response arrived in time."""

    default_type = ApiErrorType.TIMEOUT_ERROR
    default_status = 408
    default_message = "Request timeout"


class CertificateError(ConnectError):
    """The server's certificate is not valid, so nothing was sent. A retry would not help."""

    default_message = "The server's certificate is not valid"

    def is_retryable(self) -> bool:
        """Return False: only another certificate helps."""
        return False


class DeadlineExceeded(RequestTimeout):  # gRPC's name
    """The call, with its retries and waits, took longer than its `deadline`."""

    default_message = "The deadline passed before the response arrived"


class ConnectTimeout(ConnectError, RequestTimeout):  # noqa: N818  # the name in requests and httpx
    """Connecting took too long, so nothing was sent."""

    default_type = ApiErrorType.TIMEOUT_ERROR
    default_message = RequestTimeout.default_message


class HTTPStatusError(APIError):
    """The server responded with an error status."""

    default_message = "API request failed"


class BadRequestError(HTTPStatusError):
    """400: the request is not valid; `details["fields"]` says what is wrong with which field."""

    default_message = "Validation failed"


class AuthenticationError(HTTPStatusError):
    """401: the token or the API key is missing, wrong or expired."""

    default_type = ApiErrorType.AUTHENTICATION_ERROR
    default_status = 401
    default_message = "Authentication required"


class PermissionDeniedError(HTTPStatusError):
    """403: the user is known, but not allowed to do this."""

    default_message = "Access denied"


class NotFoundError(HTTPStatusError):
    """404: there is no such resource, or it belongs to another user."""

    default_message = "Resource not found"


class ConflictError(HTTPStatusError):
    """409: the request conflicts with what exists, as an email address that is taken."""


class PreconditionFailedError(HTTPStatusError):
    """412: the resource has changed since its `ETag` was read."""


class UnprocessableEntityError(HTTPStatusError):
    """422: an idempotency key was used for two different requests."""


class RateLimitError(HTTPStatusError):
    """429: too many requests; `retry_after` says how many seconds to wait."""


class ServerError(HTTPStatusError):
    """500 and above: the server failed."""

    default_message = "Internal server error"


class InvalidResponseError(APIError):
    """A response arrived that cannot be used. A retry would bring the same."""

    default_message = "The response cannot be used"


class ProtocolError(InvalidResponseError):
    """What arrived is not HTTP."""

    default_message = "The response is not HTTP"


class DecodingError(InvalidResponseError):
    """The body is not strict JSON, or not in its content encoding."""

    default_message = "The response is not JSON"


class ResponseTooLargeError(InvalidResponseError):
    """The decompressed body is larger than `max_response_size`; it was not read to its end."""

    default_message = "The response is too large"


class ResponseValidationError(InvalidResponseError):
    """The body is JSON, but does not match the contract; `details["fields"]` says where."""

    default_message = "The response does not match the contract"


class RedirectError(InvalidResponseError):
    """The server redirects to where the client does not go; no key, token or body is sent there."""

    default_message = "Redirect refused"


class TokenFileError(APIError):
    """Other users can read the token file, or it cannot be read or written; nothing was sent."""

    default_message = "The token file cannot be used"


class ClientClosedError(APIError):
    """The client was closed."""

    default_message = "The client is closed"


class QueryCancelledError(APIError):
    """The fetch was cancelled: by `cancel`, `remove` or `clear`, or because another user logged in."""

    default_message = "The query was cancelled"


class QueryTimeout(RequestTimeout):
    """The caller's timeout passed before the fetch ended; other callers may still wait for it."""

    default_message = "The query took too long"


_CLASSES: dict[ApiErrorType | None, type[APIError]] = {
    ApiErrorType.VALIDATION_ERROR: BadRequestError,
    ApiErrorType.AUTHENTICATION_ERROR: AuthenticationError,
    ApiErrorType.AUTHORIZATION_ERROR: PermissionDeniedError,
    ApiErrorType.NOT_FOUND_ERROR: NotFoundError,
    ApiErrorType.TIMEOUT_ERROR: RequestTimeout,
    ApiErrorType.CONFLICT_ERROR: ConflictError,
    ApiErrorType.PRECONDITION_FAILED: PreconditionFailedError,
    ApiErrorType.IDEMPOTENCY_KEY_REUSED: UnprocessableEntityError,
    ApiErrorType.RATE_LIMIT_ERROR: RateLimitError,
}


def error_class(status: int) -> type[APIError]:
    """Return the class for an error status."""
    return ServerError if status >= 500 else _CLASSES.get(STATUS_CODES.get(status), HTTPStatusError)


def error_from_body(status: int, body: object, *, retry_after: float | None = None) -> APIError:
    """Return the error for a response's status and body, whatever that is: other servers send `{message}`, or HTML.

    Args:
        status: the HTTP status.
        body: JSON values, or text.
        retry_after: seconds the server asked to wait.
    """
    values = body if isinstance(body, dict) else {}
    message, code, details, errors = (values.get(name) for name in ("message", "code", "details", "errors"))
    code = code if isinstance(code, str) else None
    return error_class(status)(
        message if isinstance(message, str) else None,
        type=ApiErrorType.__members__.get(code or "") or get_error_type(status),
        status=status,
        code=code,
        details=details if isinstance(details, dict) else None,
        errors=[item for item in errors if isinstance(item, str)] if isinstance(errors, list) else (),
        data=body,
        retry_after=retry_after,
    )
