"""Saying no: the one exception of the mock, and the one body every error has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any

from duologue.contract.errors import get_error_type
from duologue.contract.fields import format_timestamp


class HTTPError(Exception):
    """A request that is answered with an error.

    Args:
        status: the HTTP status.
        message: what is wrong, for people.
        fields: what is wrong with which field, header or parameter.
        code: the error's code; that of the status unless given.
        hint: what to do about it; becomes `details.message`.
        headers: response headers that belong to the refusal.
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

    def body(self, *, timestamp: datetime, request_id: str, version: str) -> dict[str, Any]:
        """Return the common error body."""
        errors = [f"{name}: {reason}" for name, reasons in self.fields.items() for reason in reasons]
        details = {"message": self.hint or "; ".join(errors) or self.message, "fields": self.fields}
        return {
            "message": self.message,
            "code": self.code,
            "details": details,
            "errors": errors or [self.message],
            "metadata": {"timestamp": format_timestamp(timestamp), "requestId": request_id, "version": version},
        }


def validation_error(fields: Mapping[str, Sequence[str]], message: str = "Validation failed") -> HTTPError:
    """Return the refusal of input that breaks the contract, naming each field and why."""
    return HTTPError(400, message, fields=fields)


def unauthenticated(message: str, hint: str | None = None) -> HTTPError:
    """Return the refusal of a caller who is not who it should be."""
    return HTTPError(401, message, hint=hint)


def forbidden(message: str, hint: str | None = None) -> HTTPError:
    """Return the refusal of a caller who may not do this."""
    return HTTPError(403, message, hint=hint)


def not_found(what: str) -> HTTPError:
    """Return the refusal for something that is not there."""
    return HTTPError(404, f"{what} not found")


def conflict(message: str, fields: Mapping[str, Sequence[str]] | None = None) -> HTTPError:
    """Return the refusal of something that would collide with what is there."""
    return HTTPError(409, message, fields=fields)


def phrase(status: int) -> str:
    """Return the standard phrase of a status, or a plain one for a status without."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Client Error" if status < 500 else "Server Error"
