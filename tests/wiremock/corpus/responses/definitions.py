"""Response definitions: status, reason, headers, bodies."""

from __future__ import annotations

from typing import Any

from tests.wiremock.cases import Case, Send, case, stub

_RESPONSES: dict[str, dict[str, Any] | None] = {
    "missing": None,
    "empty": {},
    "status": {"status": 201},
    "status-204": {"status": 204, "body": "ignored"},
    "status-304": {"status": 304},
    "status-404": {"status": 404},
    "status-418": {"status": 418},
    "status-299": {"status": 299},
    "status-503": {"status": 503},
    "status-599": {"status": 599},
    "status-600": {"status": 600},
    "status-999": {"status": 999},
    "reason": {"status": 200, "statusMessage": "Everything fine"},
    "reason-of-error": {"status": 500, "statusMessage": "Broken"},
    "reason-empty": {"status": 200, "statusMessage": ""},
    "reason-accent": {"status": 200, "statusMessage": "Caf\u00e9"},
    "header": {"headers": {"X-A": "1"}},
    "header-case": {"headers": {"x-a": "1", "X-b": "2"}},
    "header-list": {"headers": {"X-A": ["1", "2"]}},
    "header-one-in-list": {"headers": {"X-A": ["1"]}},
    "header-empty-list": {"headers": {"X-A": []}},
    "header-empty": {"headers": {"X-A": ""}},
    "header-number": {"headers": {"X-A": 1}},
    "header-true": {"headers": {"X-A": True}},
    "header-cookies": {"headers": {"Set-Cookie": ["a=1", "b=2; Path=/"]}},
    "header-same-in-two-cases": {"headers": {"X-A": "1", "x-a": "2"}},
    "header-order": {"headers": {"Z": "1", "A": "2", "M": "3"}},
    "header-accent": {"headers": {"X-A": "caf\u00e9"}},
    "header-content-type": {"headers": {"Content-Type": "text/html"}, "body": "<p>"},
    "header-content-type-charset": {"headers": {"Content-Type": "text/plain; charset=utf-8"}, "body": "\u00e9"},
    "header-content-type-latin": {"headers": {"Content-Type": "text/plain; charset=iso-8859-1"}, "body": "\u00e9"},
    "header-content-length": {"headers": {"Content-Length": "3"}, "body": "abc"},
    "header-location": {"status": 302, "headers": {"Location": "/elsewhere"}},
    "header-server": {"headers": {"Server": "stub"}},
    "header-etag": {"headers": {"ETag": '"x"', "Cache-Control": "no-store"}},
    "header-vary": {"headers": {"Vary": "Accept"}},
    "header-cors": {"headers": {"Access-Control-Allow-Origin": "*"}},
    "header-request-id": {"headers": {"X-Request-Id": "mine"}},
    "body": {"body": "text"},
    "body-empty": {"body": ""},
    "body-accent": {"body": "caf\u00e9 \U0001f600"},
    "body-newlines": {"body": "a\r\nb\n"},
    "body-number": {"body": 1},
    "body-braces": {"body": "{{request.path}}"},
    "body-large": {"body": "x" * 100_000},
    "json-object": {"jsonBody": {"a": 1, "b": [1, "x", None, True]}},
    "json-list": {"jsonBody": [1, 2]},
    "json-text": {"jsonBody": "text"},
    "json-number": {"jsonBody": 1.50},
    "json-long": {"jsonBody": 12345678901234567890},
    "json-true": {"jsonBody": True},
    "json-null": {"jsonBody": None},
    "json-empty-object": {"jsonBody": {}},
    "json-accent": {"jsonBody": {"a": "\u00e9\U0001f600"}},
    "json-escapes": {"jsonBody": {"a": 'q"\\/\n\u0001\u2028'}},
    "json-order": {"jsonBody": {"z": 1, "a": 2}},
    "json-float": {"jsonBody": [1.0, 1e10, 1e-7, 0.1]},
    "json-content-type": {"jsonBody": {}, "headers": {"Content-Type": "application/json"}},
    "base64": {"base64Body": "AAH/"},
    "base64-empty": {"base64Body": ""},
    "base64-no-padding": {"base64Body": "YQ"},
    "base64-invalid": {"base64Body": "!!!"},
    "bodies-two": {"body": "a", "jsonBody": {"b": 1}},
    "bodies-base64": {"body": "a", "base64Body": "Yg=="},
    "bodies-json-base64": {"jsonBody": {"b": 1}, "base64Body": "Yg=="},
    "nulls": {"status": 200, "body": None, "headers": None, "fixedDelayMilliseconds": None},
    "error-json": {"status": 500, "jsonBody": {"error": "x"}, "headers": {"Content-Type": "application/json"}},
}  # fmt: skip

_METHODS = ("GET", "HEAD", "POST", "OPTIONS", "DELETE", "PUT", "PATCH", "TRACE", "PROPFIND")

CASES: tuple[Case, ...] = (
    *(
        case(f"response/{name}", stub({"urlPath": "/things"}, response), Send(), Send(close=True))
        for name, response in _RESPONSES.items()
    ),
    *(
        case(
            f"response-method/{method.lower()}",
            stub({"urlPath": "/things"}, {"status": 203, "body": "abc", "headers": {"X-A": "1"}}),
            Send(method=method),
            Send(method=method, body="sent"),
        )
        for method in _METHODS
    ),
    *(
        case(f"response-no-body/{status}-{method.lower()}", stub({}, {"status": status, "body": "abc"}),
        Send(method=method))
        for status in (200, 204, 205, 304, 400, 500)
        for method in ("GET", "HEAD")
    ),
    *(case(f"response-status/{status}", stub({}, {"status": status}), Send()) for status in (0, -1, 1, 99)),
)  # fmt: skip
