"""Who may reach this server at all: the Host allow-list, the Origin gate, and what CORS grants.

A server on a developer's machine can be reached by every page its owner opens. DNS rebinding is stopped by the Host
header, which a page cannot forge; reading by not granting CORS; changing by refusing a foreign Origin.
"""

from __future__ import annotations

import re

from duologue.contract import headers
from duologue_mock.errors import HTTPError, forbidden
from duologue_mock.http.messages import Request
from duologue_mock.settings import Settings

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?", re.ASCII)
_ORIGIN = re.compile(r"https?://(\[[0-9a-f:]+\]|[a-z0-9.-]+)(?::([0-9]{1,5}))?", re.ASCII | re.IGNORECASE)
_LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_WANTS_MORE = ("HTTP_ACCESS_CONTROL_REQUEST_METHOD", "HTTP_UPGRADE")
"""A preflight, and a websocket: browsers let a page read the latter without CORS."""
_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"


class OriginPolicy:
    """The Host allow-list and the Origin gate.

    Args:
        settings: hosts and origins beyond this machine's own.
    """

    def __init__(self, settings: Settings) -> None:
        self._hosts = _LOCAL | {host.lower() for host in settings.values["allowed_hosts"]}
        self._origins = frozenset(origin.lower().rstrip("/") for origin in settings.values["allowed_origins"])
        self._good_hosts: set[str] = set()

    def check_host(self, request: Request) -> None:
        """Refuse a request that is not addressed to this machine, or to two at once."""
        host = request.environ.get("HTTP_HOST", "")
        if host in self._good_hosts:
            return
        found = _HOST.fullmatch(host)
        if found is None:
            raise HTTPError(400, "The Host header is missing or malformed", headers=[("Connection", "close")])
        if found[1].lower() not in self._hosts:
            hint = f"{host} is not this server. Start it with `--allow-host {found[1]}` if it is meant to be."
            raise HTTPError(421, "Misdirected request", hint=hint)
        if len(self._good_hosts) < 64:
            self._good_hosts.add(host)

    def check_origin(self, request: Request, *, reading_is_safe: bool = True) -> list[tuple[str, str]]:
        """Return what CORS grants the request's origin: nothing to a foreign one, whose changes are refused.

        Args:
            request: the request.
            reading_is_safe: whether a page without a grant cannot read the answer. It can read a websocket, which no
                browser puts under CORS.
        """
        origin = request.header("HTTP_ORIGIN")
        if origin is None:
            # Browsers that hide a page's origin still say that it is foreign (the Fetch Metadata specification).
            if request.method not in _SAFE and request.header("HTTP_SEC_FETCH_SITE") == "cross-site":
                raise forbidden("Pages of other sites may not use the mock")
            return []
        if self.is_ours(origin):
            return [
                ("Access-Control-Allow-Origin", origin),
                ("Access-Control-Allow-Credentials", "true"),
                ("Access-Control-Expose-Headers", ", ".join(headers.EXPOSED)),
            ]
        if not reading_is_safe or request.method not in _SAFE or any(request.header(key) for key in _WANTS_MORE):
            hint = f"Start the mock with `--allow-origin {origin}` if that page may use it."
            raise forbidden("Pages of this origin may not use the mock", hint=hint)
        return []

    def is_ours(self, origin: str) -> bool:
        """Return whether pages of an origin may use the mock: this machine's, on any port, and those allowed."""
        if origin.lower() in self._origins:
            return True
        found = _ORIGIN.fullmatch(origin)
        return found is not None and found[1].lower() in _LOCAL and int(found[2] or 1) in range(1, 65536)


def preflight(request: Request) -> list[tuple[str, str]]:
    """Return the headers that grant a preflight (the Fetch standard, section 4.8): our methods and headers."""
    asked = request.header("HTTP_ACCESS_CONTROL_REQUEST_HEADERS") or ""
    ours = {name.lower() for name in headers.ACCEPTED}
    granted = [name.strip() for name in asked.split(",") if name.strip().lower() in ours]
    return [
        ("Access-Control-Allow-Methods", _METHODS),
        ("Access-Control-Allow-Headers", ", ".join(granted or headers.ACCEPTED)),
        ("Access-Control-Max-Age", "600"),
    ]
