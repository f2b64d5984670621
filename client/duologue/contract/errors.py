"""The statuses and codes of errors; their body is in `error_body`."""

from __future__ import annotations

import enum


class ApiErrorType(str, enum.Enum):
    """The kind of an error, and the `code` of its body.

    The first eight are the Platform API specification's `ApiErrorType`. The others are for failures that are not the
    server's, which that specification would call `SERVER_ERROR` all the same.
    """

    NETWORK_ERROR = "NETWORK_ERROR"
    VALIDATION_ERROR = "VALIDATION_ERROR"
    AUTHENTICATION_ERROR = "AUTHENTICATION_ERROR"
    AUTHORIZATION_ERROR = "AUTHORIZATION_ERROR"
    NOT_FOUND_ERROR = "NOT_FOUND_ERROR"
    SERVER_ERROR = "SERVER_ERROR"
    TIMEOUT_ERROR = "TIMEOUT_ERROR"
    UNKNOWN_ERROR = "UNKNOWN_ERROR"
    CONFLICT_ERROR = "CONFLICT_ERROR"
    RATE_LIMIT_ERROR = "RATE_LIMIT_ERROR"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    PRECONDITION_FAILED = "PRECONDITION_FAILED"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    MISDIRECTED_REQUEST = "MISDIRECTED_REQUEST"

    def __str__(self) -> str:
        return self.value


USER_MESSAGES = {
    ApiErrorType.NETWORK_ERROR: "Please check your internet connection and try again.",
    ApiErrorType.VALIDATION_ERROR: "Please check your input and try again.",
    ApiErrorType.AUTHENTICATION_ERROR: "Please log in to continue.",
    ApiErrorType.AUTHORIZATION_ERROR: "You do not have permission to perform this action.",
    ApiErrorType.NOT_FOUND_ERROR: "The requested resource was not found.",
    ApiErrorType.TIMEOUT_ERROR: "The request took too long. Please try again.",
    ApiErrorType.SERVER_ERROR: "A server error occurred. Please try again later.",
    ApiErrorType.CONFLICT_ERROR: "This action conflicts with the current state",  # Smart Chat's, and the next
    ApiErrorType.RATE_LIMIT_ERROR: "Too many requests. Please wait a moment and try again",
}
"""The sentences for users: those of the Platform API specification's `getErrorMessage`."""

STATUS_CODES: dict[int, ApiErrorType] = {
    400: ApiErrorType.VALIDATION_ERROR,
    401: ApiErrorType.AUTHENTICATION_ERROR,
    403: ApiErrorType.AUTHORIZATION_ERROR,
    404: ApiErrorType.NOT_FOUND_ERROR,
    405: ApiErrorType.METHOD_NOT_ALLOWED,
    408: ApiErrorType.TIMEOUT_ERROR,
    409: ApiErrorType.CONFLICT_ERROR,
    412: ApiErrorType.PRECONDITION_FAILED,
    413: ApiErrorType.PAYLOAD_TOO_LARGE,
    415: ApiErrorType.UNSUPPORTED_MEDIA_TYPE,
    421: ApiErrorType.MISDIRECTED_REQUEST,
    422: ApiErrorType.IDEMPOTENCY_KEY_REUSED,
    429: ApiErrorType.RATE_LIMIT_ERROR,
    500: ApiErrorType.SERVER_ERROR,
}
"""The one table of statuses and their codes."""

_STATUSES = {code.value: status for status, code in STATUS_CODES.items()}


def get_error_type(status: int) -> ApiErrorType:
    """Return the code for an HTTP status; one that is not in the table has the code of 400 or 500, by its class."""
    default = ApiErrorType.UNKNOWN_ERROR if status < 400 else STATUS_CODES[400 if status < 500 else 500]
    return STATUS_CODES.get(status, default)


def get_status(code: object) -> int | None:
    """Return the HTTP status of an error that came without one, as over Socket.IO; None if its code is unknown."""
    return _STATUSES.get(code) if isinstance(code, str) else None


_MAX_LOG_TEXT = 500  # characters


def escape_for_log(text: str) -> str:
    """Return a server's text on one line and at most 500 characters long, so that it cannot forge a line of a log."""
    text = text if len(text) <= _MAX_LOG_TEXT else text[: _MAX_LOG_TEXT - 1] + "…"
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)
