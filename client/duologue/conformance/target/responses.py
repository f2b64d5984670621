"""What responses must look like."""

from __future__ import annotations

import json
import re
from typing import Any

import requests

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
OBJECT_ID = re.compile(r"[0-9a-f]{24}")

CODES = {
    400: "VALIDATION_ERROR",
    401: "AUTHENTICATION_ERROR",
    403: "AUTHORIZATION_ERROR",
    404: "NOT_FOUND_ERROR",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT_ERROR",
    412: "PRECONDITION_FAILED",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    421: "MISDIRECTED_REQUEST",
    422: "IDEMPOTENCY_KEY_REUSED",
    429: "RATE_LIMIT_ERROR",
    500: "SERVER_ERROR",
    502: "SERVER_ERROR",
    503: "SERVER_ERROR",
    504: "SERVER_ERROR",
}
"""The codes of the contract, written again rather than imported."""

SESSION_FIELDS = {"_id", "title", "isFavorite", "lastMessageAt", "createdAt", "updatedAt"}
"""What a chat session has, written again likewise."""


def get_code(status: int) -> str | None:
    """Return the code of a status; of one that has none of its own, the Platform API specification's."""
    default = "SERVER_ERROR" if status >= 500 else None
    return CODES.get(status, default)


def check_error(response: requests.Response, status: int, *naming: str) -> dict[str, Any]:
    """Check that `response` has a status and names each text; return its body, which the door has checked."""
    assert response.status_code == status, f"{response.status_code} {response.text[:500]}"
    body: dict[str, Any] = response.json()
    if getattr(response, "request", None) is None:  # it was read off a bare connection, so the door has not seen it
        check_error_body(body, status)
        assert body["metadata"]["requestId"] == response.headers["X-Request-Id"]
    for text in naming:
        assert text in body["details"]["message"], body
    return body


def check_error_body(body: dict[str, Any], status: int) -> None:
    """Check that `body` is the one body every error has."""
    assert set(body) == {"message", "code", "details", "errors", "metadata"}
    assert isinstance(body["message"], str)
    assert body["message"]
    assert body["code"] == get_code(status) or get_code(status) is None
    assert set(body["details"]) == {"message", "fields"}
    assert isinstance(body["details"]["message"], str)
    assert body["details"]["message"]
    for name, complaints in body["details"]["fields"].items():
        assert complaints
        assert all(f"{name}: {complaint}" in body["errors"] for complaint in complaints)
    assert body["errors"]
    assert all(isinstance(error, str) for error in body["errors"])
    check_metadata(body["metadata"])
    assert "Traceback" not in json.dumps(body)


def check_metadata(metadata: dict[str, Any]) -> None:
    """Check `metadata` of an envelope or of an error."""
    assert set(metadata) == {"timestamp", "requestId", "version"}
    assert TIMESTAMP.fullmatch(metadata["timestamp"])
    assert metadata["requestId"]
    assert metadata["version"]


def read_data(response: requests.Response, status: int = 200) -> Any:
    """Check that `response` has a status; return the data in its envelope, which the door has checked."""
    assert response.status_code == status, f"{response.status_code} {response.text[:500]}"
    body = response.json()
    return body["data"]
