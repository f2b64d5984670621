"""Namespaces: whole mocks of their own behind one address, so that tests that share a server never meet.

A request names its namespace by a header, or by the host that it is sent to: browsers resolve `NAME.localhost` to this
machine (RFC 6761, section 6.3), so a front end changes its base URL only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from duologue_mock.errors import validation_error
from duologue_mock.http.authentication import Authenticator
from duologue_mock.http.dispatch import Dispatcher
from duologue_mock.http.messages import Request, Response
from duologue_mock.http.rate_limit import RateLimiter
from duologue_mock.settings import Settings
from duologue_mock.store import State

DEFAULT = "default"
HEADER = "X-Mock-Namespace"
IDLE_LIFETIME = 3600.0
"""Seconds without a request after which a namespace is dropped, unless clients are connected to it."""
MAX_NAMESPACES = 2000
"""Beyond this many, the one that has not been used for the longest time is dropped."""
RUN_TIME_SETTINGS = ("api_keys", "require_auth", "access_token_lifetime", "refresh_token_lifetime", "rate_limit")
"""Settings that a namespace may have of its own, and that can change while it is used."""
NAMESPACE_KEY = "duologue.namespace"
"""Where in the environ the `Namespace` is for the applications behind."""

_HEADER_KEY = "HTTP_X_MOCK_NAMESPACE"
_NAME = re.compile(r"[a-z0-9-]{1,63}", re.ASCII)
_HOST = re.compile(r"([a-z0-9-]{1,63})\.localhost(?::[0-9]+)?", re.ASCII | re.IGNORECASE)
_MAX_KNOWN_HOSTS = 256


class Interceptor(Protocol):
    """What is asked before the mock responds: the control API plugs in here."""

    def steers(self, request: Request) -> bool:
        """Return whether the response to a request may be another than the mock's own; if not, `respond` is left out.

        Args:
            request: the request, its body read.
        """

    def respond(self, request: Request, perform: Callable[[], Response]) -> Response:
        """Return the response to a request.

        Args:
            request: the request, its body read.
            perform: does what is requested and returns the mock's own response, also if it is an error.
        """

    def record(self, request: Request, response: Response, headers: Sequence[tuple[str, str]]) -> None:
        """Record a request and its response, which is about to be sent with these headers."""

    def stop(self) -> None:
        """End what waits, as the server stops; it may start again."""

    def close(self) -> None:
        """Release what outlives a request, as the namespace is dropped."""


@dataclass(eq=False)
class Namespace:
    """A mock of its own: data, logins, clock, ids, rate limits, idempotency keys, and what steers it."""

    name: str
    settings: Settings
    state: State
    authenticator: Authenticator
    rate_limiter: RateLimiter
    dispatcher: Dispatcher
    interceptor: Interceptor | None = None
    """None where nothing steers it."""
    used_at: float = 0.0
    """When its last request came, in the seconds of the default namespace's clock."""
    on_drop: list[Callable[[], None]] = field(default_factory=list)
    """Called when it is dropped."""
    has_clients: Callable[[], bool] = lambda: False
    """Whether clients are connected to it over Socket.IO: they send no requests, and it is in use."""

    def configure(self, settings: Settings) -> None:
        """Follow other settings from now on, of which those in `RUN_TIME_SETTINGS` may differ; and count anew."""
        self.settings = settings
        self.authenticator.configure(settings)
        self.rate_limiter.reset(settings.values["rate_limit"])


class Namespaces:
    """The namespaces of one mock, by name. Each but `default` is created by the first request that names it.

    Args:
        default: the namespace of requests that name none.
        create: creates the namespace of a name.
    """

    def __init__(self, default: Namespace, create: Callable[[str], Namespace]) -> None:
        self.default = default
        self._create = create
        self._namespaces = {default.name: default}
        self._names_by_host: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._namespaces)

    def __iter__(self) -> Iterator[Namespace]:
        """Iterate over the namespaces that are in use, `default` first."""
        self._drop_idle()
        return iter(list(self._namespaces.values()))

    def __contains__(self, name: str) -> bool:
        return name in self._namespaces

    def choose(self, environ: dict[str, Any]) -> Namespace:
        """Return the namespace that a request names.

        Raises:
            HTTPError: it names one by something that is no name (400).
        """
        name = environ.get(_HEADER_KEY)
        if name is None:
            host = environ.get("HTTP_HOST", "")
            name = self._names_by_host.get(host) or self._parse_host(host)
        if name == DEFAULT:
            return self.default
        return self.get(name)

    def get(self, name: str) -> Namespace:
        """Return the namespace of this name, created if there is none.

        Raises:
            HTTPError: it is no name (400).
        """
        namespace = self._namespaces.get(name)
        if namespace is None or self._is_idle(namespace):
            check_name(name)
            namespace = self.put(self._create(name))
        namespace.used_at = self.default.state.clock.seconds()
        return namespace

    def put(self, namespace: Namespace) -> Namespace:
        """Add a namespace, in place of the one of the same name if there is one, and return it."""
        if namespace.name in self._namespaces:
            self.drop(namespace.name)
        self._drop_idle()
        while len(self._namespaces) >= MAX_NAMESPACES:
            others = (other for other in self._namespaces.values() if other is not self.default)
            self.drop(min(others, key=lambda other: other.used_at).name)
        namespace.used_at = self.default.state.clock.seconds()
        self._namespaces[namespace.name] = namespace
        return namespace

    def drop(self, name: str) -> Namespace:
        """Drop a namespace with all that it has, and return it.

        Raises:
            KeyError: there is none of this name.
            ValueError: it is `default`.
        """
        if name == DEFAULT:
            raise ValueError("The default namespace cannot be dropped.")
        namespace = self._namespaces.pop(name)
        for release in namespace.on_drop:
            release()
        if namespace.interceptor is not None:
            namespace.interceptor.close()
        return namespace

    def stop(self) -> None:
        """End what waits in any namespace, as the server stops."""
        for namespace in list(self._namespaces.values()):
            if namespace.interceptor is not None:
                namespace.interceptor.stop()

    def _drop_idle(self) -> None:
        for namespace in list(self._namespaces.values()):
            if self._is_idle(namespace):
                self.drop(namespace.name)

    def _is_idle(self, namespace: Namespace) -> bool:
        if namespace is self.default:
            return False
        age = self.default.state.clock.seconds() - namespace.used_at
        return age >= IDLE_LIFETIME and not namespace.has_clients()

    def _parse_host(self, host: str) -> str:
        match = _HOST.fullmatch(host)
        name = DEFAULT if match is None else match[1].lower()
        if len(self._names_by_host) < _MAX_KNOWN_HOSTS:
            self._names_by_host[host] = name
        return name


def check_name(name: str) -> None:
    """Raise `HTTPError` (400) if it is not the name of a namespace."""
    if not _NAME.fullmatch(name):
        message = "The name of a namespace has 1 to 63 characters of a-z, 0-9 and the hyphen"
        raise validation_error({HEADER: [f"{message}."]}, f"{message}, which {name[:100]!r} has not")


def get_namespace(environ: dict[str, Any]) -> Namespace:
    """Return the namespace of a request that reached an application behind `WSGIApp`."""
    namespace: Namespace = environ[NAMESPACE_KEY]
    return namespace
