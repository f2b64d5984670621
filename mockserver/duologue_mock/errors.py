"""Error responses: the one exception that handlers raise, and the one body that every error has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any

from duologue.contract.errors import get_error_type
from duologue.contract.fields import format_timestamp


class HTTPError(Exception):
    """An error response.

    Args:
        status: the HTTP status.
        message: what is wrong, for people.
        fields: what is wrong with each invalid field, header or parameter.
        code: the error's code; None for the status's own.
        hint: what to do about it; becomes `details.message`.
        headers: response headers that belong to the error.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        fields: Mapping[str, Sequence[str]] | None = None,
        code: str | None = None,
        hint: str | None = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.fields = {name: list(reasons) for name, reasons in (fields or {}).items()}
        self.code = code or str(get_error_type(status))
        self.hint = hint
        self.headers = list(headers)

    @property
    def reasons(self) -> list[str]:
        """What is wrong: a sentence for each reason of each field, or the message where no field is wrong."""
        return [f"{name}: {reason}" for name, reasons in self.fields.items() for reason in reasons] or [self.message]

    def body(self, *, timestamp: datetime, request_id: str, version: str) -> dict[str, Any]:
        """Return the common error body."""
        reasons = self.reasons
        return {
            "message": self.message,
            "code": self.code,
            "details": {"message": self.hint or "; ".join(reasons), "fields": self.fields},
            "errors": reasons,
            "metadata": {"timestamp": format_timestamp(timestamp), "requestId": request_id, "version": version},
        }


def validation_error(fields: Mapping[str, Sequence[str]], message: str = "Validation failed") -> HTTPError:
    """Return the 400 of input that breaks the contract, with the reasons by field."""
    return HTTPError(400, message, fields=fields)


def unauthenticated(message: str, hint: str | None = None) -> HTTPError:
    """Return the 401 of a caller without valid credentials."""
    return HTTPError(401, message, hint=hint)


def forbidden(message: str, hint: str | None = None) -> HTTPError:
    """Return the 403 of a caller who may not do this."""
    return HTTPError(403, message, hint=hint)


def not_found(resource: str) -> HTTPError:
    """Return the 404 of a resource: `User not found`."""
    return HTTPError(404, f"{resource} not found")


def conflict(message: str, fields: Mapping[str, Sequence[str]] | None = None) -> HTTPError:
    """Return the 409 of a change that conflicts with the stored data."""
    return HTTPError(409, message, fields=fields)


def get_reason_phrase(status: int) -> str:
    """Return the reason phrase of a status (RFC 9110, section 15), or that of its class for a status without one."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Client Error" if status < 500 else "Server Error"
