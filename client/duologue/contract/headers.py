"""Header names of the wire, spelled once."""

API_KEY = "x-api-key"
USER_ID = "x-user-id"
REFERENCE_CODE = "Unique-Reference-Code"
REQUEST_ID = "X-Request-Id"
ATTEMPT = "X-Attempt"
"""Which try of one call this is, from 1: the reference code stays the same over all of them."""
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
"""What a browser's script may read of an answer to another origin."""

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
"""What a browser's script may send from another origin."""

VALUE = r"^[!-~](?:[ -~]*[!-~])?$"
"""What a reference code or a user id looks like: printable ASCII, no white space around it."""

MAX_VALUE_LENGTH = 255
"""The longest idempotency key, reference code or user id, in characters."""
