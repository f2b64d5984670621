"""The one error body of both services and the words in it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any

from marshmallow import fields

from duologue.contract.core import Model, ModelSchema
from duologue.contract.fields import NestedModel, Timestamp


class ApiErrorType(str, enum.Enum):
    """What kind of failure it was. The first eight are the platform document's `ApiErrorType`; the rest are named
    where that document would have said `SERVER_ERROR` for something the server did not do wrong."""

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

_BY_STATUS = {
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
}


def type_of_status(status: int) -> ApiErrorType:
    """Return the error type that belongs to an HTTP status: the named one, else by its hundred."""
    named = _BY_STATUS.get(status)
    if named:
        return named
    if 400 <= status < 500:
        return ApiErrorType.VALIDATION_ERROR
    return ApiErrorType.SERVER_ERROR if status >= 500 else ApiErrorType.UNKNOWN_ERROR


@dataclass(frozen=True, slots=True)
class Metadata(Model):
    """When and under which id an answer was made, and by which version of the service."""

    timestamp: Any
    request_id: str
    version: str


class MetadataSchema(ModelSchema[Metadata]):
    """`metadata` of the chat service's envelope and of every error."""

    model = Metadata
    timestamp = Timestamp(required=True)
    request_id = fields.String(required=True, data_key="requestId")
    version = fields.String(required=True)


@dataclass(frozen=True, slots=True)
class ErrorDetails(Model):
    """What the platform document's `getErrorMessage` shows, and which fields were wrong."""

    message: str
    fields: dict[str, list[str]] = field(default_factory=dict)


class ErrorDetailsSchema(ModelSchema[ErrorDetails]):
    """`details` of an error body."""

    model = ErrorDetails
    message = fields.String(required=True)
    fields_ = fields.Dict(
        keys=fields.String(), values=fields.List(fields.String()), data_key="fields", attribute="fields"
    )


@dataclass(frozen=True, slots=True)
class ErrorBody(Model):
    """The one body of every error of either service."""

    message: str
    code: str
    details: ErrorDetails
    errors: list[str]
    metadata: Metadata


class ErrorBodySchema(ModelSchema[ErrorBody]):
    """Superset of what the two documents read."""

    model = ErrorBody
    message = fields.String(required=True)
    code = fields.String(required=True)
    details = NestedModel(ErrorDetailsSchema, required=True)
    errors = fields.List(fields.String(), required=True)
    metadata = NestedModel(MetadataSchema, required=True)
