"""The names of the HTTP headers, and what their values look like."""

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

MAX_VALUE_LENGTH = 255
"""The longest idempotency key, reference code or user id, in characters."""
