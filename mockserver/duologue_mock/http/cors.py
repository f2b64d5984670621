"""Which requests are allowed: by `Host`, by `Origin`, and what CORS grants.

Every page that a developer opens can send requests to a server on the developer's machine. DNS rebinding is stopped by
the Host header, which a page cannot forge; reading by not granting CORS; changing by refusing foreign origins.
"""

from __future__ import annotations

import re

from duologue.contract import headers
from duologue_mock.errors import HTTPError, forbidden
from duologue_mock.http.messages import Request
from duologue_mock.http.request_head import RECEIVED_HOST
from duologue_mock.settings import Settings

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::([0-9]{1,5}))?", re.ASCII)
_ORIGIN = re.compile(r"https?://(\[[0-9a-f:]{2,45}\]|[a-z0-9._-]{1,253})(?::([0-9]{1,5}))?", re.ASCII | re.IGNORECASE)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)  # a token (RFC 9110, section 5.6.2)
_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
_LOOPBACK_NAME = re.compile(r"(?:[a-z0-9_-]{1,63}\.)+localhost", re.ASCII)
"""`*.localhost`: browsers resolve such names to the loopback address without asking DNS (RFC 6761, section 6.3).

Labels may start and end with a hyphen, which DNS has not: a namespace may be called so, and HTTP clients send it.
"""
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_REVEALING_HEADERS = ("HTTP_ACCESS_CONTROL_REQUEST_METHOD", "HTTP_UPGRADE")
"""A preflight's, and a websocket's: browsers let a page read the latter without CORS."""
_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_MAX_KNOWN_HOSTS = 64
_MAX_PORT = 65535
_MAX_SHOWN = 200
"""Characters of a foreign origin that an error repeats."""


class OriginPolicy:
    """The Host allow-list and the origins whose pages may use the mock.

    Args:
        settings: hosts and origins beyond those of this machine.
    """

    def __init__(self, settings: Settings) -> None:
        self._allowed_hosts = frozenset(host.lower() for host in settings.values["allowed_hosts"])
        self._allowed_origins = frozenset(origin.lower().rstrip("/") for origin in settings.values["allowed_origins"])
        self._known_hosts: set[str] = set()
        self._exposed_headers = ", ".join(headers.EXPOSED)

    def check_host(self, request: Request) -> None:
        """Check that a request is addressed to this machine.

        Raises:
            HTTPError: the Host header is missing or malformed (400), or names another host (421).
        """
        environ = request.environ
        host = environ.get("HTTP_HOST", "")
        if host not in self._known_hosts:
            self._check_host_name(host)
        if RECEIVED_HOST in environ:
            self._check_host_name(environ[RECEIVED_HOST])

    def _check_host_name(self, host: str) -> None:
        match = _HOST.fullmatch(host)
        if match is None or int(match[2] or 0) > _MAX_PORT:
            raise HTTPError(400, "The Host header is missing or malformed", headers=[("Connection", "close")])
        name = match[1].lower()
        if not is_loopback(name) and name not in self._allowed_hosts:
            hint = f"This server is not {host}. If it should be, start it with `--allow-host {match[1]}`."
            raise HTTPError(421, "Misdirected request", hint=hint)
        if len(self._known_hosts) < _MAX_KNOWN_HOSTS:
            self._known_hosts.add(host)

    def check_origin(self, request: Request, *, reading_is_safe: bool = True) -> list[tuple[str, str]]:
        """Return the headers by which CORS grants the response to the request's origin; none for a foreign origin.

        Args:
            request: the request.
            reading_is_safe: whether a page without a grant cannot read the response. It can read a websocket, which
                browsers do not put under CORS.

        Raises:
            HTTPError: a page of a foreign origin would change something, or could read the response (403).
        """
        origin = request.header("HTTP_ORIGIN")
        if origin is None:
            # Browsers that hide a page's origin still say that it is foreign (the Fetch Metadata specification).
            if request.method not in _SAFE_METHODS and request.header("HTTP_SEC_FETCH_SITE") == "cross-site":
                raise forbidden("Pages of other sites may not use the mock")
            return []
        if self.allows_origin(origin):
            return [
                ("Access-Control-Allow-Origin", origin),
                ("Access-Control-Allow-Credentials", "true"),
                ("Access-Control-Expose-Headers", self._exposed_headers),
            ]
        if not reading_is_safe or request.method not in _SAFE_METHODS or any(map(request.header, _REVEALING_HEADERS)):
            hint = f"If that page may use the mock, start it with `--allow-origin {origin[:_MAX_SHOWN]}`."
            raise forbidden("Pages of this origin may not use the mock", hint=hint)
        return []

    def allows_origin(self, origin: str) -> bool:
        """Return whether pages of an origin may use the mock: those of this machine, on any port, and those allowed."""
        if origin.lower() in self._allowed_origins:
            return True
        match = _ORIGIN.fullmatch(origin)
        return match is not None and is_loopback(match[1].lower()) and int(match[2] or 1) in range(1, _MAX_PORT + 1)


def build_preflight_headers(request: Request) -> list[tuple[str, str]]:
    """Return the headers that grant a preflight (the Fetch standard, section 4.8).

    Every header that it asks for is granted: tracing and CSRF libraries add their own. Where it asks for none, those
    of the contract are listed.
    """
    value = request.header("HTTP_ACCESS_CONTROL_REQUEST_HEADERS") or ""
    requested = [name for part in value.split(",") if _HEADER_NAME.fullmatch(name := part.strip())]
    return [
        ("Access-Control-Allow-Methods", _METHODS),
        ("Access-Control-Allow-Headers", ", ".join(requested or headers.ACCEPTED)),
        ("Access-Control-Max-Age", "600"),
        ("Vary", "Access-Control-Request-Headers"),
    ]


def is_loopback(host: str) -> bool:
    """Return whether a host name, in lower case, is one of this machine's: `localhost`, `127.0.0.1`, `w1.localhost`."""
    return host in _LOOPBACK_HOSTS or _LOOPBACK_NAME.fullmatch(host) is not None
