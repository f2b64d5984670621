"""Request lines and headers of which the tests build requests, and the limits of the mock that they are sent to."""

from __future__ import annotations

READ_TIMEOUT = 0.3
MAX_BODY = 4096
HEALTH = "GET /api/health HTTP/1.1"
CREATE = "POST /api/users HTTP/1.1"
JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"
CLOSE = "Connection: close"
CHAT = ("x-api-key: dev-api-key", "Unique-Reference-Code: engine-1", "x-user-id: anonymous-user")
GARBAGE = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
