"""Header names, spelled once, and the rules for headers of a caller's own."""

from __future__ import annotations

import re

API_KEY = "x-api-key"
USER_ID = "x-user-id"
REFERENCE_CODE = "Unique-Reference-Code"
REQUEST_ID = "X-Request-Id"
ATTEMPT = "X-Attempt"
"""Which attempt of a call this is, from 1: the reference code is the same for all of them."""
IDEMPOTENCY_KEY = "Idempotency-Key"
IDEMPOTENCY_REPLAYED = "Idempotency-Replayed"
RATE_LIMIT = "RateLimit-Limit"
RATE_REMAINING = "RateLimit-Remaining"
RATE_RESET = "RateLimit-Reset"
RETRY_AFTER = "Retry-After"

EXPOSED = (
    REQUEST_ID,
    RETRY_AFTER,
    RATE_LIMIT,
    RATE_REMAINING,
    RATE_RESET,
    "ETag",
    "Location",
    IDEMPOTENCY_REPLAYED,
)
"""The response headers that scripts of other origins may read (CORS)."""

ACCEPTED = (
    "Accept",
    "Authorization",
    "Content-Type",
    "If-Match",
    "If-None-Match",
    "X-Requested-With",
    API_KEY,
    USER_ID,
    REFERENCE_CODE,
    ATTEMPT,
    IDEMPOTENCY_KEY,
)
"""The request headers that scripts of other origins may send (CORS)."""

VALUE = r"^[!-~](?:[ -~]*[!-~])?$"
"""What a reference code or a user id looks like: printable ASCII, no white space around it."""

TEXT = r"^[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?$"
"""What an idempotency key looks like: whatever a header can carry (RFC 9110, section 5.5)."""

ENTITY_TAGS = r'^(?:\*|[ \t]*(?:(?:W/)?"[!#-~\x80-\xff]*"[ \t]*)?(?:,[ \t]*(?:(?:W/)?"[!#-~\x80-\xff]*"[ \t]*)?)*)$'
"""The value of `If-Match` and `If-None-Match`: `*`, or a list of entity tags that may have empty elements (RFC 9110,
sections 8.8.3 and 5.6.1.2)."""

MAX_VALUE_LENGTH = 255
"""The longest idempotency key, reference code or user id, in characters."""

_HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?|")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FRAMING = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect"}
)


def validate_header_value(name: str, value: str) -> str:
    """Return a header's value, if it is valid.

    Raises:
        ValueError: it is not printable ASCII, or starts or ends with a space; the value is not shown, it may be secret.
    """
    if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
        del value  # some tools show the variables of a traceback
        raise ValueError(f"{name} must be printable ASCII without line breaks or surrounding spaces")
    return value


def validate_header_name(name: str) -> str:
    """Return a header's name, if a caller may send such a header.

    Raises:
        ValueError: it is not a token (RFC 9110, section 5.1), or one that says where a request ends or goes.
    """
    if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a valid header name")
    if name.lower() in _FRAMING:
        raise ValueError(f"the header {name} is set by the client and cannot be changed")
    return name
