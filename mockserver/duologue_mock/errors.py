"""Error responses: the one exception that handlers raise, and the one body that every error has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from itertools import islice
from types import MappingProxyType
from typing import Any

from duologue.contract import headers as names
from duologue.contract.errors import get_error_type
from duologue.contract.fields import format_timestamp

MAX_FIELDS = 20
"""How many invalid fields an error names; of more, it says only how many."""
MAX_FIELD_NAME = 200
"""Characters of a field's name that an error repeats."""


class HTTPError(Exception):
    """An error response.

    Args:
        status: the HTTP status.
        message: what is wrong, for people.
        fields: what is wrong with each invalid field, header or parameter; the first `MAX_FIELDS` are named.
        omitted: how many more are invalid.
        code: the error's code; None for the status's own.
        hint: what to do about it; becomes `details.message`.
        headers: response headers that belong to the error. Without their own, a 401 gets a challenge, and a 429 and a
            503 a time to wait.
    """

    is_requested = False
    """Whether the mock was asked for it: then the request that it responds to is not wrong."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        fields: Mapping[str, Sequence[str]] | None = None,
        omitted: int = 0,
        code: str | None = None,
        hint: str | None = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        fields = fields or {}
        self.fields = {name[:MAX_FIELD_NAME]: list(fields[name]) for name in islice(fields, MAX_FIELDS)}
        self._omitted = omitted + len(fields) - len(self.fields)
        self.code = code or str(get_error_type(status))
        self.hint = hint
        self.broken_rule: str | None = None
        """The rule of the contract that the request broke, where status and fields do not say it."""
        self.headers = list(headers)
        if status in _DEFAULT_HEADERS and not any(name == _DEFAULT_HEADERS[status][0] for name, _ in headers):
            self.headers.append(_DEFAULT_HEADERS[status])

    @property
    def reasons(self) -> list[str]:
        """What is wrong: a sentence for each reason of each field, or the message where no field is wrong."""
        reasons = [f"{name}: {reason}" for name, reasons in self.fields.items() for reason in reasons]
        if self._omitted:
            reasons.append(f"{self._omitted} more are invalid.")
        return reasons or [self.message]

    def copy(self) -> HTTPError:
        """Return an equal error without a traceback, which would keep alive whatever the frames in it refer to."""
        error = HTTPError(
            self.status,
            self.message,
            fields=self.fields,
            omitted=self._omitted,
            code=self.code,
            hint=self.hint,
            headers=self.headers,
        )
        error.broken_rule = self.broken_rule
        return error

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


def validation_error(
    fields: Mapping[str, Sequence[str]], message: str = "Validation failed", *, omitted: int = 0
) -> HTTPError:
    """Return the 400 of input that breaks the contract, with the reasons by field."""
    return HTTPError(400, message, fields=fields, omitted=omitted)


def unauthenticated(message: str, hint: str | None = None) -> HTTPError:
    """Return the 401 of a caller without valid credentials; it asks for a token (RFC 6750, section 3)."""
    return HTTPError(401, message, hint=hint)


def invalid_token(message: str, hint: str | None = None) -> HTTPError:
    """Return the 401 of an access token that is malformed, forged, expired or revoked (RFC 6750, section 3.1)."""
    challenge = f'{_BEARER}, error="invalid_token", error_description="{message}"'
    return HTTPError(401, message, hint=hint, headers=[(_CHALLENGE, challenge)])


def invalid_api_key(message: str, hint: str | None = None) -> HTTPError:
    """Return the 401 of a caller without a valid API key. HTTP has no scheme of that name; any token may be one."""
    return HTTPError(401, message, hint=hint, headers=[(_CHALLENGE, f'ApiKey realm="chat", header="{names.API_KEY}"')])


def forbidden(message: str, hint: str | None = None) -> HTTPError:
    """Return the 403 of a caller who may not do this."""
    return HTTPError(403, message, hint=hint)


def not_found(resource: str) -> HTTPError:
    """Return the 404 of a resource: `User not found`."""
    return HTTPError(404, f"{resource} not found")


def conflict(message: str, fields: Mapping[str, Sequence[str]] | None = None) -> HTTPError:
    """Return the 409 of a change that conflicts with the stored data."""
    return HTTPError(409, message, fields=fields)


def build_requested_error(status: int, *, hint: str) -> HTTPError:
    """Return an error that was asked for, with the headers that a response with its status must have."""
    headers = _REQUIRED_HEADERS.get(status, ())
    error = HTTPError(status, get_reason_phrase(status).capitalize(), hint=hint, headers=headers)
    error.is_requested = True
    return error


def get_reason_phrase(status: int) -> str:
    """Return the reason phrase of a status (RFC 9110, section 15), or that of its class for a status without one."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return _CLASSES.get(status // 100, "Unknown")


_CHALLENGE = "WWW-Authenticate"
_BEARER = 'Bearer realm="platform"'
_DEFAULT_HEADERS = MappingProxyType(
    {
        401: (_CHALLENGE, _BEARER),  # RFC 9110, section 11.6.1: there must be one
        429: (names.RETRY_AFTER, "1"),
        503: (names.RETRY_AFTER, "1"),
    }
)
_REQUIRED_HEADERS = MappingProxyType(
    {
        405: (("Allow", "GET, HEAD, OPTIONS"),),
        407: (("Proxy-Authenticate", 'Basic realm="mock"'),),
        426: (("Upgrade", "websocket"), ("Connection", "close, Upgrade")),
    }
)
"""RFC 9110, sections 15.5.6, 15.5.8 and 15.5.22; those of 401, 429 and 503 come with every error."""
_CLASSES = MappingProxyType({2: "Success", 3: "Redirection", 4: "Client Error", 5: "Server Error"})
