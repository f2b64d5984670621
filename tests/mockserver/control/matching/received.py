"""Requests to match, and patterns of them."""

from __future__ import annotations

from typing import Any

from duologue.contract import operations
from duologue_mock.control.matching.request_pattern import RequestPattern
from duologue_mock.control.received import ReceivedRequest
from duologue_mock.http.routing import Routes

_ROUTES = Routes(operations())


def receive(
    method: str = "GET", url: str = "/", *, body: str | bytes = b"", **headers: str | list[str]
) -> ReceivedRequest:
    """Return a request. Headers are named with underscores; a list sends one several times."""
    sent = [
        (name.replace("_", "-"), value)
        for name, values in headers.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    route, args = _ROUTES.find(url.partition("?")[0]) or ({}, {})
    data = body.encode() if isinstance(body, str) else body
    return ReceivedRequest(method, url, data, tuple(sent), operation=route.get(method), operation_args=args, port=3001)


def match(pattern: dict[str, Any], request: ReceivedRequest) -> bool:
    """Return whether a pattern, as JSON, matches a request."""
    return RequestPattern.parse(pattern).matches(request)


def match_header(matcher: dict[str, Any], *values: str) -> bool:
    """Return whether a matcher, as JSON, matches a header with these values."""
    return match({"headers": {"X-Test": matcher}}, receive(x_test=list(values)))


def match_body(matcher: dict[str, Any], body: str | bytes) -> bool:
    """Return whether a matcher, as JSON, matches a body."""
    return match({"bodyPatterns": [matcher]}, receive("POST", body=body))
