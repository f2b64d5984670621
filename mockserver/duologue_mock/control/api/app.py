"""The control API as one function of a request: finds the endpoint, calls it, and reports what is refused."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from duologue_mock.control.api.endpoints import ControlCall, ControlResponse, Endpoint, Endpoints
from duologue_mock.control.api.server import ControlServer
from duologue_mock.control.errors import ControlError, not_found
from duologue_mock.errors import HTTPError
from duologue_mock.http.messages import JSON, NO_STORE, Request, Response, json_bytes, parse_query_string
from duologue_mock.http.namespaces import Namespace
from duologue_mock.http.wsgi import CONTROL_PATH, log_unexpected_error

if TYPE_CHECKING:
    from duologue_mock.control.namespace_control import NamespaceControl

SUBJECTS: tuple[str, ...] = (
    "clock",
    "description",
    "journal.coverage",
    "journal.events",
    "journal.near_misses",
    "journal.requests",
    "journal.violations",
    "mappings",
    "namespaces",
    "presets",
    "realtime.channels",
    "realtime.message_mappings",
    "realtime.messages",
    "realtime.offline",
    "reset",
    "scenarios",
    "server_info",
    "settings",
    "snapshots",
    "state",
)
"""The modules of this package that declare endpoints, each as `endpoints = Endpoints(…)`."""

_MAX_SHOWN = 200
_JSON_TYPE = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json", re.ASCII)


def load_endpoints() -> tuple[Endpoint, ...]:
    """Return all endpoints: those with a fixed path before those with parameters."""
    declared: list[Endpoint] = []
    for subject in SUBJECTS:
        endpoints: Endpoints = import_module(f"{__package__}.{subject}").endpoints
        declared += endpoints.declared
    return tuple(sorted(declared, key=lambda endpoint: endpoint.path.count("{")))


class ControlApp:
    """Serves the control API.

    The endpoints are loaded for the first call: a mock should start at once.

    Args:
        server: what steers the whole mock.
    """

    def __init__(self, server: ControlServer) -> None:
        self._server = server
        self._endpoints: tuple[Endpoint, ...] = ()
        self._patterns: tuple[tuple[re.Pattern[str], Endpoint], ...] = ()

    def __call__(self, request: Request, namespace: Namespace) -> Response:
        """Return the response to a call for a namespace."""
        try:
            self._check_token(request)
            _check_body_type(request)
            endpoint, args = self._find(request)
            result = endpoint.function(self._build_call(request, namespace, endpoint, args))
            return _build_response(result)
        except ControlError as error:
            return _build_error_response(error, request)
        except HTTPError as error:
            return _build_error_response(ControlError(error.status, error.message, detail=error.hint), request)
        except OSError:
            raise  # the client closed the connection
        except Exception as error:
            logged = log_unexpected_error(request, error)
            return _build_error_response(ControlError(500, logged.message, detail=logged.hint), request)

    def _check_token(self, request: Request) -> None:
        token = self._server.settings.values["admin_token"]
        if token is None:
            return
        scheme, _, credentials = (request.header("HTTP_AUTHORIZATION") or "").partition(" ")
        if scheme.lower() != "token" or not hmac.compare_digest(credentials.strip().encode(), token.encode()):
            hint = "Send `Authorization: Token …` with the token that was printed at start or set by --admin-token."
            challenge = ("WWW-Authenticate", 'Token realm="control API"')
            raise ControlError(401, "The control API needs its token", detail=hint, headers=(challenge,))

    def _find(self, request: Request) -> tuple[Endpoint, dict[str, str]]:
        """Return the endpoint of a call, and the arguments in its path."""
        if not self._patterns:
            self._patterns = tuple((endpoint.pattern, endpoint) for endpoint in load_endpoints())
        path = _get_raw_path(request)
        method = "GET" if request.method == "HEAD" else request.method
        allowed: list[str] = []
        for pattern, endpoint in self._patterns:
            match = pattern.fullmatch(path)
            if match is not None and endpoint.method == method:
                return endpoint, {name: unquote(value) for name, value in match.groupdict().items()}
            if match is not None:
                allowed.append(endpoint.method)
        if allowed:
            raise _build_method_error(request, allowed)
        raise self._path_not_found(path)

    def _build_call(
        self, request: Request, namespace: Namespace, endpoint: Endpoint, args: Mapping[str, str]
    ) -> ControlCall:
        control: Any = namespace.interceptor
        steered: NamespaceControl = control
        return ControlCall(
            method=request.method,
            path=_get_raw_path(request),
            control=steered,
            server=self._server,
            namespace=namespace,
            args=args,
            query=_parse_query(request, endpoint),
            body=request.body,
            request=request,
        )

    def _path_not_found(self, path: str) -> ControlError:
        paths = {endpoint.path: f"{endpoint.method} {endpoint.path}" for _, endpoint in self._patterns}
        nearest = get_close_matches(path[:_MAX_SHOWN], paths, n=3, cutoff=0.4)
        hint = f"The nearest are: {', '.join(paths[one] for one in nearest)}." if nearest else None
        error = not_found(f"endpoint {CONTROL_PATH}{path[:_MAX_SHOWN]}")
        error.detail = hint or f"GET {CONTROL_PATH}/openapi.json lists the endpoints."
        return error


def _get_raw_path(request: Request) -> str:
    """Return the path below `/__admin` as it was sent: an encoded slash is a part of a name."""
    uri: str = request.environ.get("REQUEST_URI") or request.path
    path = re.sub(r"^https?://[^/]*", "", uri.partition("?")[0], count=1, flags=re.IGNORECASE)
    if not path.startswith(CONTROL_PATH):
        path = request.path  # it is spelled with encoded letters
    return path[len(CONTROL_PATH) :].rstrip("/")


def _check_body_type(request: Request) -> None:
    """Raise `ControlError` for a page that sends what browsers let any page send without asking."""
    media_type = (request.header("CONTENT_TYPE") or "").partition(";")[0].strip().lower()
    if request.header("HTTP_ORIGIN") is not None and request.body and not _JSON_TYPE.fullmatch(media_type):
        raise ControlError(415, "A page must send `Content-Type: application/json`")


def _parse_query(request: Request, endpoint: Endpoint) -> dict[str, str]:
    """Return the query's parameters; those that the endpoint does not take are refused."""
    names = {part.partition("=")[0] for part in request.query_string.split("&") if part}
    for name in sorted(names - set(endpoint.query)):
        taken = f"It takes {', '.join(endpoint.query)}." if endpoint.query else "It takes none."
        raise ControlError(
            422, f"Unknown query parameter {name[:_MAX_SHOWN]!r}", detail=taken, pointer=name[:_MAX_SHOWN]
        )
    return parse_query_string(request.query_string, endpoint.query)


def _build_response(result: Any) -> Response:
    if not isinstance(result, ControlResponse):
        result = ControlResponse(200, {} if result is None else result)
    body = result.body if result.body is not None else b"" if result.stream else json_bytes(result.json)
    if result.status == 204:
        return Response(204, [NO_STORE, *result.headers])
    return Response(
        result.status, [("Content-Type", result.content_type), NO_STORE, *result.headers], body, stream=result.stream
    )


def _build_error_response(error: ControlError, request: Request) -> Response:
    # The request log shows why.
    reported = HTTPError(error.status, str(error), code="CONTROL_ERROR")
    headers = [("Content-Type", JSON), NO_STORE, *error.headers]
    return Response(error.status, headers, json_bytes(error.body()), error=reported)


def _build_method_error(request: Request, allowed: list[str]) -> ControlError:
    methods = sorted({*allowed, *(["HEAD"] if "GET" in allowed else []), "OPTIONS"})
    allow = ", ".join(methods)
    return ControlError(
        405,
        f"{request.method[:20]} is not allowed here",
        detail=f"This path allows {allow}.",
        headers=(("Allow", allow),),
    )
