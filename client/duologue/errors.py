"""Every error the client raises.

    APIError, also called ApiException
    ├── NetworkError                     no answer came: status 0
    │   ├── ConnectError                 no connection: refused, unknown host, TLS
    │   │   ├── CertificateError         the server is not who it should be
    │   │   └── ConnectTimeout           (also a RequestTimeout)
    │   └── ConnectionLostError          it broke off: reset, closed, body cut short
    │       └── SendBufferFullError      too many events wait for a real-time connection
    ├── RequestTimeout                   status 408, whether we or the server gave up waiting
    │   ├── ConnectTimeout               (also a ConnectError)
    │   ├── DeadlineExceeded             the whole call took longer than its `deadline`
    │   └── QueryTimeout                 a query took longer than who asked would wait
    ├── HTTPStatusError                  the server refused: 405, 413, 415 … and
    │   ├── BadRequestError              400
    │   ├── AuthenticationError          401
    │   ├── PermissionDeniedError        403
    │   ├── NotFoundError                404
    │   ├── ConflictError                409
    │   ├── PreconditionFailedError      412
    │   ├── UnprocessableEntityError     422
    │   ├── RateLimitError               429
    │   └── ServerError                  500 and above
    ├── InvalidResponseError             something came that cannot be used
    │   ├── ProtocolError                it is not HTTP
    │   ├── DecodingError                it is not JSON that we accept, or not what its encoding says
    │   ├── ResponseTooLargeError        its body is larger than `max_response_size`
    │   ├── ResponseValidationError      it is JSON, but not what the contract promises
    │   └── RedirectError                it sends us elsewhere
    ├── QueryCancelledError              a query was called off
    ├── TokenFileError                   the file of tokens is not private, or cannot be used
    └── ClientClosedError                the client was closed, before or during the call

What is wrong with the *arguments* of a call is a `ValueError` (or `TypeError`), raised before anything is sent.

The names `APIError` and `ApiErrorType`, the types and the texts of `user_message` are the platform document's;
`APIError`, `is_network_error()` and its sisters, status 0 and 408, and `handle_api_error` are the chat document's.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from duologue.contract.errors import STATUS_CODES, ApiErrorType, get_error_type

__all__ = [
    "APIError",
    "ApiErrorType",
    "ApiException",
    "Attempt",
    "AuthenticationError",
    "BadRequestError",
    "CertificateError",
    "ClientClosedError",
    "ConflictError",
    "ConnectError",
    "ConnectTimeout",
    "ConnectionLostError",
    "DeadlineExceeded",
    "DecodingError",
    "HTTPStatusError",
    "InvalidResponseError",
    "NetworkError",
    "NotFoundError",
    "PermissionDeniedError",
    "PreconditionFailedError",
    "ProtocolError",
    "QueryCancelledError",
    "QueryTimeout",
    "RateLimitError",
    "RedirectError",
    "RequestTimeout",
    "ResponseTooLargeError",
    "ResponseValidationError",
    "SendBufferFullError",
    "ServerError",
    "TokenFileError",
    "UnprocessableEntityError",
    "error_class",
    "handle_api_error",
]

_log = logging.getLogger("duologue")

_MAX_TEXT = 500


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a call that failed.

    Args:
        number: which try it was, from 1.
        outcome: what came of it: `503`, or the name of the error.
        elapsed: seconds it took.
        waited: seconds waited before it.
    """

    number: int
    outcome: str
    elapsed: float
    waited: float = 0.0


class APIError(Exception):  # the platform document's name
    """Base of every error the client raises.

    Attributes:
        message: what happened, in a sentence; the server's own where it sent one.
        type: the kind of failure.
        status: the HTTP status; 0 when there was no answer, 408 when it took too long.
        code: the server's `code`, None if it sent none.
        details: the server's `details`, or what we know of a network failure (`{"reason": …}`).
        errors: the server's `errors`: one sentence for each thing that was wrong.
        data: the whole body of the answer, as JSON values or else as text.
        retry_after: seconds the server asked to wait, None if it did not.
        request_id: the id under which the server, or else the client, knows the call.
        method: the verb.
        path: the path, without the query.
        attempts: the tries made, the last one included.
        elapsed: seconds from the beginning of the call to the error.
        timestamp: when the error was made.
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
        """The same as `status`, by the platform document's name."""
        return self.status

    @property
    def user_message(self) -> str:
        """A sentence to show to people: the platform document's, or the chat document's where only that has one."""
        if self.type is ApiErrorType.VALIDATION_ERROR:
            told = self.details.get("message")
            return told if isinstance(told, str) and told else _USER_MESSAGES[self.type]
        return _USER_MESSAGES.get(self.type, "An unexpected error occurred. Please try again.")

    def is_network_error(self) -> bool:
        """Tell whether no answer came at all."""
        return self.type is ApiErrorType.NETWORK_ERROR

    def is_client_error(self) -> bool:
        """Tell whether the status is a 4xx."""
        return 400 <= self.status < 500

    def is_server_error(self) -> bool:
        """Tell whether the status is a 5xx."""
        return self.status >= 500

    def is_retryable(self) -> bool:
        """Tell whether the same call may succeed later: no answer, too slow, too many requests, or a server error."""
        return self.is_network_error() or self.is_server_error() or self.status in (408, 429)

    def __str__(self) -> str:
        facts = [str(self.status)] if self.status else []
        facts += [text for text in (self._reason(), self._call(), self._tries()) if text]
        return escape_for_log(self.message) + (f" ({', '.join(facts)})" if facts else "")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self.__dict__.copy())

    def _reason(self) -> str:
        reason = self.details.get("reason")
        return escape_for_log(reason) if isinstance(reason, str) else ""

    def _call(self) -> str:
        call = f"{self.method} {escape_for_log(self.path or '')}" if self.method else ""
        return f"{call}, request {escape_for_log(self.request_id)}" if self.request_id else call

    def _tries(self) -> str:
        return f"{len(self.attempts)} attempts" if len(self.attempts) > 1 else ""


ApiException = APIError
"""The Platform API specification's name for `APIError`."""


def _restored(kind: type[APIError], state: dict[str, Any]) -> APIError:
    made = kind.__new__(kind, state["message"])
    made.__dict__.update(state)
    return made


def escape_for_log(text: str) -> str:
    """Return text of a server's making so that it can do no harm in a log: no control characters, not endless."""
    shown = text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in shown)


class NetworkError(APIError):
    """No answer came; nothing is known of what the server did."""

    default_type = ApiErrorType.NETWORK_ERROR
    default_message = "Network connection failed"


class ConnectError(NetworkError):  # named for what happened
    """No connection could be made, so nothing was sent."""


class ConnectionLostError(NetworkError):  # named for what happened
    """The connection broke off before the whole answer was there."""


class SendBufferFullError(ConnectionLostError):  # named for what happened
    """There is no real-time connection, and as many events as may wait for the next one do; this one was not taken."""


class RequestTimeout(APIError):
    """It took too long."""

    default_type = ApiErrorType.TIMEOUT_ERROR
    default_status = 408
    default_message = "Request timeout"


class CertificateError(ConnectError):
    """The server's certificate was not accepted, so nothing was sent. Trying again would change nothing."""

    default_message = "The server's certificate was not accepted"

    def is_retryable(self) -> bool:
        """Tell whether the same call may succeed later: not without another certificate."""
        return False


class DeadlineExceeded(RequestTimeout):
    """The call, with its retries and waits, took longer than its `deadline`."""

    default_message = "The deadline passed before the answer was there"


class ConnectTimeout(ConnectError, RequestTimeout):
    """Connecting took too long, so nothing was sent."""

    default_type = ApiErrorType.TIMEOUT_ERROR
    default_message = "Request timeout"


class HTTPStatusError(APIError):
    """The server answered with an error status."""

    default_message = "API request failed"


class BadRequestError(HTTPStatusError):
    """400: something in the request is not acceptable; `details["fields"]` says what."""

    default_message = "Validation failed"


class AuthenticationError(HTTPStatusError):
    """401: the token or the API key is missing, wrong or no longer good."""

    default_type = ApiErrorType.AUTHENTICATION_ERROR
    default_status = 401
    default_message = "Authentication required"


class PermissionDeniedError(HTTPStatusError):
    """403: known, but not allowed."""

    default_message = "Access denied"


class NotFoundError(HTTPStatusError):
    """404: no such thing, or none of yours."""

    default_message = "Resource not found"


class ConflictError(HTTPStatusError):
    """409: it contradicts what is there, as an e-mail address that is taken."""


class PreconditionFailedError(HTTPStatusError):
    """412: somebody else changed it in the meantime."""


class UnprocessableEntityError(HTTPStatusError):
    """422: an idempotency key was used for two different requests."""


class RateLimitError(HTTPStatusError):
    """429: too many requests; `retry_after` says how long to wait, in seconds."""


class ServerError(HTTPStatusError):
    """500 and above: the server failed."""

    default_message = "Internal server error"


class InvalidResponseError(APIError):
    """Something came that cannot be used; trying again would bring the same."""

    default_message = "The answer cannot be used"


class ProtocolError(InvalidResponseError):
    """What came is not HTTP."""

    default_message = "The answer is not HTTP"


class DecodingError(InvalidResponseError):
    """The body is not JSON that we accept, or not what its encoding says."""

    default_message = "The answer is not JSON"


class ResponseTooLargeError(InvalidResponseError):
    """The body, unpacked, is larger than `max_response_size` allows; it was not read to its end."""

    default_message = "The answer is too large"


class ResponseValidationError(InvalidResponseError):
    """The body is JSON, but not what the contract promises; `details["fields"]` says where."""

    default_message = "The answer breaks the contract"


class RedirectError(InvalidResponseError):
    """The server sends us elsewhere; no key, token or body goes there."""

    default_message = "Redirect refused"


class TokenFileError(APIError):
    """The file of tokens is one that others can read, or it cannot be read or written; nothing was sent."""

    default_message = "The file of tokens cannot be used"


class ClientClosedError(APIError):
    """The client was closed."""

    default_message = "The client is closed"


class QueryCancelledError(APIError):
    """The fetch was called off: by `cancel`, `remove`, `clear`, or because somebody else logged in."""

    default_message = "The query was cancelled"

    def is_retryable(self) -> bool:
        """Return False: whoever cancelled meant it."""
        return False


class QueryTimeout(RequestTimeout):
    """The time that the caller gave was over before the fetch; others may still wait for it."""

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
    """Return the error that an answer stands for.

    Args:
        status: the HTTP status.
        body: the common error body, or whatever else came: other servers send `{message}`, or a page of HTML.
        retry_after: seconds the server asked to wait.
    """
    told = body if isinstance(body, dict) else {}
    message, code, details, errors = (told.get(name) for name in ("message", "code", "details", "errors"))
    return error_class(status)(
        message if isinstance(message, str) else None,
        type=_type_of(status, code),
        status=status,
        code=code if isinstance(code, str) else None,
        details=details if isinstance(details, dict) else None,
        errors=[item for item in errors if isinstance(item, str)] if isinstance(errors, list) else (),
        data=body,
        retry_after=retry_after,
    )


def _type_of(status: int, code: object) -> ApiErrorType:
    known = isinstance(code, str) and code in ApiErrorType.__members__
    return ApiErrorType(code) if known else get_error_type(status)


_USER_MESSAGES = {
    ApiErrorType.NETWORK_ERROR: "Please check your internet connection and try again.",
    ApiErrorType.VALIDATION_ERROR: "Please check your input and try again.",
    ApiErrorType.AUTHENTICATION_ERROR: "Please log in to continue.",
    ApiErrorType.AUTHORIZATION_ERROR: "You do not have permission to perform this action.",
    ApiErrorType.NOT_FOUND_ERROR: "The requested resource was not found.",
    ApiErrorType.TIMEOUT_ERROR: "The request took too long. Please try again.",
    ApiErrorType.SERVER_ERROR: "A server error occurred. Please try again later.",
    ApiErrorType.CONFLICT_ERROR: "This action conflicts with the current state",
    ApiErrorType.RATE_LIMIT_ERROR: "Too many requests. Please wait a moment and try again",
}

_HANDLED = {
    401: "Please log in again",
    403: "You do not have permission to perform this action",
    404: "The requested resource was not found",
    409: "This action conflicts with the current state",
    429: "Too many requests. Please wait a moment and try again",
    500: "Server error. Please try again later",
    502: "Server error. Please try again later",
    503: "Server error. Please try again later",
}


def handle_api_error(error: object, context: str | None = None) -> str:
    """Log an error and return a sentence about it for people, as the chat document's `handleApiError` does.

    Args:
        error: anything; an `APIError` is told by its status, another exception by its own text.
        context: where it happened, for the log.
    """
    _log.error("API error%s: %s", f" in {context}" if context else "", error)
    if isinstance(error, APIError):
        return _HANDLED.get(error.status) or error.message or "An unexpected error occurred"
    return str(error) if isinstance(error, Exception) else "An unknown error occurred"
