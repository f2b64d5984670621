"""What a case of the corpus is made of: steps that are sent to the real WireMock and to the mock alike."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Send:
    """A request to be matched by stubs.

    Args:
        url: path and query, sent as they are.
        method: its method.
        headers: its headers, besides `Host` and `Content-Length`.
        body: its body; text is sent as UTF-8.
        at_least: milliseconds that the response takes at least.
        close: whether the client asks for the connection to be closed (`Connection: close`).
    """

    url: str = "/things"
    method: str = "GET"
    headers: Headers = ()
    body: bytes | str = b""
    at_least: int = 0
    close: bool = False


@dataclass(frozen=True)
class Admin:
    """A call of the Admin API.

    Args:
        method: its method.
        path: below `/__admin`.
        body: its JSON; bytes are sent as they are, None is no body.
    """

    method: str
    path: str
    body: Any = None

    def encode(self) -> bytes:
        """Return the bytes of the body."""
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Step = Send | Admin


@dataclass(frozen=True)
class Case:
    """Steps that are sent one after the other to a server without stubs, journal and scenarios.

    Args:
        id: `subject/what-it-shows`, in lower case.
        steps: what is sent.
    """

    id: str
    steps: tuple[Step, ...]


def stub(request: dict[str, Any] | None = None, response: dict[str, Any] | None = None, **beside: Any) -> Admin:
    """Return the call that adds a stub."""
    mapping = {"request": request, "response": response, **beside}
    return Admin("POST", "/mappings", {key: value for key, value in mapping.items() if value is not None})


def case(id: str, *steps: Step) -> Case:
    """Return a case of any steps."""
    return Case(id, steps)


def matching(id: str, request: dict[str, Any], *sent: Send) -> Case:
    """Return a case of one stub and the requests that it matches, or does not."""
    return Case(id, (stub(request, {"status": 200, "body": "matched"}), *sent))


def body_case(id: str, patterns: dict[str, Any] | list[dict[str, Any]], *bodies: bytes | str) -> Case:
    """Return a case of one stub with body patterns, and the bodies that it matches, or does not."""
    listed = patterns if isinstance(patterns, list) else [patterns]
    return matching(id, {"bodyPatterns": listed}, *(Send(method="POST", body=body) for body in bodies))


def value_case(id: str, pattern: dict[str, Any], *values: str | None) -> Case:
    """Return a case of one query parameter's pattern, and values that it matches, or does not; None is no parameter."""
    request = {"urlPath": "/things", "queryParameters": {"q": pattern}}
    return matching(id, request, *(Send("/things" if value is None else f"/things?q={value}") for value in values))


def header(name: str, *values: str) -> Headers:
    """Return a header, once for each value."""
    return tuple((name, value) for value in values)


def collect(*groups: Iterable[Case]) -> tuple[Case, ...]:
    """Return the cases of all groups.

    Raises:
        ValueError: two have the same id.
    """
    cases = tuple(one for group in groups for one in group)
    ids = [one.id for one in cases]
    repeated = sorted({id for id in ids if ids.count(id) > 1})
    if repeated:
        raise ValueError(f"Case ids that are used twice: {repeated}")
    return cases
