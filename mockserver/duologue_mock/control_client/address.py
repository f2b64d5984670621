"""Where a mock is, and which namespace of it: its URLs, ready to use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from duologue_mock.origins import Origins

NAMESPACE_HEADER = "X-Mock-Namespace"
DEFAULT_NAMESPACE = "default"

_NAME = re.compile(r"[a-z0-9-]{1,63}", re.ASCII)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class MockAddress:
    """A namespace of a mock.

    Args:
        scheme: `http` or `https`.
        host: the host to connect to; an IPv6 address without brackets.
        port: its port.
        namespace: the name of the namespace.
    """

    scheme: str
    host: str
    port: int
    namespace: str = DEFAULT_NAMESPACE

    @classmethod
    def parse(cls, url: str, namespace: str | None = None) -> MockAddress:
        """Return the address that a URL names; of `http://w1.localhost:3001`, the namespace is `w1`.

        Args:
            url: the URL of the mock, on either of its ports; its path is ignored.
            namespace: the namespace; None for the one that the host name says, else `default`.

        Raises:
            ValueError: it is not the URL of a server, or not the name of a namespace.
        """
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
            raise ValueError(f"The URL of a mock looks like 'http://localhost:3001', not {url!r}.")
        name, separator, parent = parts.hostname.partition(".")
        by_host = bool(separator) and parent == "localhost"
        host = "localhost" if by_host else parts.hostname
        chosen = namespace or (name if by_host else DEFAULT_NAMESPACE)
        return cls(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), check_namespace(chosen))

    @property
    def origin(self) -> str:
        """The origin to connect to; it is the same for all namespaces."""
        return self._build_origin(self.host)

    @property
    def namespace_origin(self) -> str:
        """The origin by which the namespace is reached, `http://w1.localhost:3001`.

        A mock on another machine has no such host name: there it is `origin`, and `headers` are needed.
        """
        if self.namespace == DEFAULT_NAMESPACE or self.host not in _LOOPBACK:
            return self.origin
        return self._build_origin(f"{self.namespace}.localhost")

    @property
    def origins(self) -> Origins:
        """The origins of both services, which are one: each port of a mock serves both."""
        return Origins(self.namespace_origin, self.namespace_origin)

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers by which requests choose the namespace."""
        return {NAMESPACE_HEADER: self.namespace}

    def for_namespace(self, namespace: str) -> MockAddress:
        """Return the address of another namespace of the same mock."""
        return replace(self, namespace=namespace)

    def _build_origin(self, host: str) -> str:
        shown = f"[{host}]" if ":" in host else host
        return f"{self.scheme}://{shown}:{self.port}"


def check_namespace(name: str) -> str:
    """Return the name of a namespace, if it is one.

    Raises:
        ValueError: it is not.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"A namespace is named with 1 to 63 of a-z, 0-9 and '-', not {name[:100]!r}.")
    return name
