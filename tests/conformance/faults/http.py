"""Faults of HTTP: methods, paths, media types, headers, CORS."""

from __future__ import annotations

import json
from typing import Any

from duologue.contract import auth, headers, strict_json
from duologue_mock.errors import HTTPError
from duologue_mock.http import cors, parsing, wsgi
from duologue_mock.http.cors import OriginPolicy
from duologue_mock.http.routing import Routes
from duologue_mock.http.wsgi import WSGIApp
from tests.conformance.planting import (
    Fault,
    Headers,
    change_error,
    change_headers,
    combine,
    drop_header,
    set_header,
    set_value,
    wrap,
)


def _send_body_of_head(original: Any, self: WSGIApp, exchange: Any, response: Any) -> Any:
    sent = original(self, exchange, response)
    return (response.body,) if exchange.request.method == "HEAD" else sent


def _find_without_head(original: Any, self: WSGIApp, exchange: Any, methods: Any) -> Any:
    if exchange.request.method == "HEAD":
        exchange.request.operation = None
    return original(self, exchange, methods)


def _drop_type_of_head(original: Any, self: WSGIApp, exchange: Any, response: Any) -> Any:
    """A `HEAD` does not say what a `GET` would send."""
    if exchange.request.method == "HEAD":
        response.headers = [header for header in response.headers if header[0] != "Content-Type"]
    return original(self, exchange, response)


def _refuse_slash(original: Any, self: Routes, path: str) -> Any:
    return None if path.endswith("/") else original(self, path)


def _fold_path(original: Any, self: Routes, path: str) -> Any:
    return original(self, path.lower() if path.lower().endswith("/api/users") else path)


def _merge_slashes(original: Any, self: Routes, path: str) -> Any:
    return original(self, path.replace("//", "/"))


def _accept_any_type(original: Any, content_type: str) -> bool:
    return True


def _require_exact_type(original: Any, content_type: str) -> bool:
    return content_type == "application/json"


def _fail_on_malformed(original: Any, data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        raise RuntimeError("cannot parse") from None


def _accept_lenient_json(original: Any, data: bytes) -> Any:
    try:
        return original(data)
    except strict_json.StrictJSONError:
        try:
            return json.loads(data)  # NaN, and a key given twice
        except ValueError:
            pass
        raise


def _hide_malformed(original: Any, request: Any, error: BaseException) -> Any:
    return HTTPError(500, "Internal server error")


def _choose_own_id(original: Any, environ: Any, namespace: Any) -> str:
    request_id: str = namespace.state.ids.request_id()
    return request_id


def _choose_one_id(original: Any, environ: Any, namespace: Any) -> str:
    sent = "HTTP_UNIQUE_REFERENCE_CODE" in environ
    chosen: str = original(environ, namespace)
    return chosen if sent else "00000000-0000-4000-8000-000000000000"


def _fold_id(headers_: Headers, *_: Any) -> Headers:
    return [(name, value.upper() if name == "X-Request-Id" else value) for name, value in headers_]


def _grant_all(original: Any, self: OriginPolicy, request: Any, **options: Any) -> Any:
    granted = original(self, request, **options)
    return [(name, "*" if name == "Access-Control-Allow-Origin" else value) for name, value in granted]


def _reflect_all(original: Any, self: OriginPolicy, origin: str) -> bool:
    return True


def _deny_other_ports(original: Any, self: OriginPolicy, origin: str) -> bool:
    return bool(original(self, origin)) and origin.count(":") == 2 and origin.endswith((":3000", ":5173", ":8080"))


def _drop_credentials(original: Any, self: OriginPolicy, request: Any, **options: Any) -> Any:
    granted = original(self, request, **options)
    return [header for header in granted if header[0] != "Access-Control-Allow-Credentials"]


def _grant_no_errors(original: Any, self: WSGIApp, exchange: Any, response: Any) -> Any:
    added = original(self, exchange, response)
    if response.status < 400:
        return added
    return [header for header in added if not header[0].startswith("Access-Control-")]


def _allow_known_headers(original: Any, request: Any) -> Any:
    granted = original(request)
    return [
        (name, ", ".join(headers.ACCEPTED) if name == "Access-Control-Allow-Headers" else value)
        for name, value in granted
    ]


def _drop_vary(headers_: Headers, request: Any, _: Any) -> Headers:
    if "HTTP_ORIGIN" not in request.environ:
        return headers_
    return [(name, value.replace("Origin, ", "").replace("Origin", "Accept")) if name == "Vary" else (name, value)
            for name, value in headers_]  # fmt: skip


def _drop_allow(original: Any, request: Any, allow: str) -> HTTPError:
    return HTTPError(405, f"{request.method} is not allowed here")


def _report_404(original: Any, request: Any, allow: str) -> HTTPError:
    return HTTPError(404, "Not found")


def _allow_get_only(original: Any, methods: Any) -> str:
    return "GET"


def _drop_location(headers_: Headers, request: Any, _: Any) -> Headers:
    return [header for header in headers_ if header[0] != "Location"]


def _let_tokens_be_stored(headers_: Headers, request: Any, _: Any) -> Headers:
    if request.operation not in (auth.LOGIN, auth.REFRESH):
        return headers_
    return [(name, "private" if name == "Cache-Control" else value) for name, value in headers_]


FAULTS = [
    Fault(
        "http.head-refused",
        "paths.head",
        "`HEAD` is a 405.",
        wrap(WSGIApp, "_handle_operation", _find_without_head),
    ),
    Fault(
        "http.head-other-headers",
        "paths.head",
        "`HEAD` has no media type.",
        wrap(WSGIApp, "_send_response", _drop_type_of_head),
    ),
    Fault(
        "http.head-with-body",
        "paths.head-connection",
        "`HEAD` has a body.",
        wrap(WSGIApp, "_send_response", _send_body_of_head),
    ),
    Fault(
        "http.options-without-allow",
        "paths.options",
        "`OPTIONS` says `GET` only.",
        wrap(wsgi, "format_allow", _allow_get_only),
    ),
    Fault(
        "http.405-without-allow",
        "paths.allow",
        "A 405 has no `Allow`.",
        wrap(wsgi, "_method_not_allowed", _drop_allow),
        met_by="paths.method",
    ),
    Fault(
        "http.405-is-404",
        "paths.method",
        "Another method on a known path is a 404.",
        wrap(wsgi, "_method_not_allowed", _report_404),
    ),
    Fault(
        "http.trailing-slash",
        "paths.trailing-slash",
        "A path with a slash at its end is a 404.",
        wrap(Routes, "find", _refuse_slash),
    ),
    Fault(
        "http.path-case",
        "paths.unknown",
        "Paths are compared without regard to case.",
        wrap(Routes, "find", _fold_path),
    ),
    Fault(
        "http.slashes-merged",
        "paths.unknown",
        "Two slashes in a path are one.",
        wrap(Routes, "find", _merge_slashes),
    ),
    Fault(
        "http.any-media-type",
        "body.media-type",
        "A body of any media type is read as JSON.",
        wrap(parsing, "_is_json", _accept_any_type),
    ),
    Fault(
        "http.media-type-parameters",
        "body.media-type-parameters",
        "`application/json; charset=utf-8` is refused.",
        wrap(parsing, "_is_json", _require_exact_type),
    ),
    Fault(
        "http.malformed-json-is-500",
        "responses.status",
        "Malformed JSON is a 500.",
        combine(wrap(strict_json, "loads", _fail_on_malformed), wrap(wsgi, "log_unexpected_error", _hide_malformed)),
        met_by="body.object",
    ),
    Fault(
        "http.lenient-json",
        "body.json-invalid",
        "`NaN` and a key that is given twice are accepted.",
        wrap(strict_json, "loads", _accept_lenient_json),
    ),
    Fault(
        "http.reference-not-echoed",
        "request-id.header",
        "`Unique-Reference-Code` does not come back as `X-Request-Id`.",
        wrap(wsgi, "_choose_request_id", _choose_own_id),
        met_by="users.CREATE.created",
    ),
    Fault(
        "http.one-request-id",
        "request-id.generated",
        "Requests without a reference code have the same id.",
        wrap(wsgi, "_choose_request_id", _choose_one_id),
    ),
    Fault(
        "http.request-ids-differ",
        "request-id.metadata",
        "`metadata.requestId` of an error is another one than `X-Request-Id`.",
        change_error(lambda body: {**body, "metadata": {**body["metadata"], "requestId": "another"}}),
        met_by="users.GET.not-found",
    ),
    Fault(
        "http.request-id-changed",
        "request-id.header",
        "`X-Request-Id` is the reference code in capitals.",
        change_headers(_fold_id),
        met_by="chats.CREATE.created",
    ),
    Fault(
        "http.no-request-id-on-304",
        "request-id.header",
        "A 304 has no `X-Request-Id`.",
        drop_header("X-Request-Id", status=304),
        met_by="conditional.not-modified",
    ),
    Fault(
        "http.no-location",
        "responses.location",
        "A created user has no `Location`.",
        change_headers(_drop_location),
        met_by="users.CREATE.location",
    ),
    Fault(
        "http.location-of-host",
        "responses.location",
        "`Location` lacks the prefix of the service.",
        set_header("Location", lambda value: value.removeprefix("/api")),
        met_by="users.CREATE.location",
    ),
    Fault(
        "http.no-challenge",
        "challenges.present",
        "A 401 has no `WWW-Authenticate`.",
        drop_header("WWW-Authenticate"),
        met_by="challenges.missing-token",
    ),
    Fault(
        "http.tokens-stored",
        "headers.tokens-no-store",
        "Responses with tokens may be stored by caches.",
        change_headers(_let_tokens_be_stored),
        met_by="auth.LOGIN.tokens",
    ),
    Fault(
        "http.embeddable",
        "headers.security",
        "`Cross-Origin-Resource-Policy` is not sent.",
        drop_header("Cross-Origin-Resource-Policy"),
        met_by="headers.success",
    ),
    Fault(
        "http.vary-without-user",
        "headers.success",
        "`Vary` does not name `x-user-id`.",
        set_header("Vary", lambda value: value.replace(", x-user-id", "")),
    ),
    Fault(
        "cors.any-origin",
        "cors.local",
        "`*` is granted together with credentials.",
        wrap(OriginPolicy, "check_origin", _grant_all),
    ),
    Fault(
        "cors.foreign-origin",
        "cors.foreign",
        "Every origin is granted.",
        wrap(OriginPolicy, "allows_origin", _reflect_all),
    ),
    Fault(
        "cors.few-ports",
        "cors.local",
        "Only the usual ports of front ends are granted.",
        wrap(OriginPolicy, "allows_origin", _deny_other_ports),
    ),
    Fault(
        "cors.no-credentials",
        "cors.local",
        "Credentials are not allowed.",
        wrap(OriginPolicy, "check_origin", _drop_credentials),
    ),
    Fault(
        "cors.etag-not-exposed",
        "cors.local",
        "Pages cannot read `ETag`.",
        set_header("Access-Control-Expose-Headers", lambda value: value.replace("ETag, ", "")),
    ),
    Fault(
        "cors.retry-after-not-exposed",
        "cors.local",
        "Pages cannot read `Retry-After`.",
        set_header("Access-Control-Expose-Headers", lambda value: value.replace("Retry-After, ", "")),
    ),
    Fault(
        "cors.errors-unreadable",
        "cors.errors",
        "Pages cannot read errors.",
        wrap(WSGIApp, "_add_common_headers", _grant_no_errors),
    ),
    Fault(
        "cors.no-patch",
        "cors.preflight",
        "A preflight does not allow `PATCH`.",
        set_value(cors, "_METHODS", "GET, HEAD, POST, PUT, DELETE, OPTIONS"),
    ),
    Fault(
        "cors.known-headers-only",
        "cors.preflight",
        "A preflight does not allow headers that libraries add, as `traceparent`.",
        wrap(wsgi, "build_preflight_headers", _allow_known_headers),
    ),
    Fault(
        "cors.vary-without-origin",
        "headers.caching",
        "`Vary` does not name `Origin`.",
        change_headers(_drop_vary),
        met_by="cors.local",
    ),
]
