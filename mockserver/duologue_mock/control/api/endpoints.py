"""Declaring the endpoints of the control API: method, path, function, and what its OpenAPI document says of them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from duologue.contract import strict_json
from duologue_mock.control.errors import ControlError, invalid

if TYPE_CHECKING:
    from duologue_mock.control.api.server import ControlServer
    from duologue_mock.control.namespace_control import NamespaceControl
    from duologue_mock.http.messages import Request
    from duologue_mock.http.namespaces import Namespace

_LONG_BODY = 128 * 1024
"""Bytes of a body whose JSON takes so long to read that others have their turn meanwhile."""
_PARAMETER = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True)
class ControlCall:
    """A call of the control API.

    An endpoint is a function of it. It returns the response's JSON, a `ControlResponse`, or None for `{}`.
    """

    method: str
    path: str
    """Below `/__admin`: `/mappings/3fd…`."""
    control: NamespaceControl
    """What steers the namespace that the call names."""
    server: ControlServer
    """What steers the whole mock: its namespaces, its end."""
    namespace: Namespace
    """The namespace that the call names."""
    request: Request
    """The call's own request, for what is not JSON."""
    args: Mapping[str, str] = field(default_factory=dict)
    """The path's parameters, decoded."""
    query: Mapping[str, str] = field(default_factory=dict)
    """The query's parameters; only those that the endpoint declares."""
    body: bytes = b""

    @property
    def is_empty(self) -> bool:
        """Whether the call has no body."""
        return not self.body.strip()

    def json(self) -> Any:
        """Return the body's JSON.

        Raises:
            ControlError: it is not JSON (422).
        """
        if self.is_empty:
            raise invalid("", "The body is empty; send JSON.")
        try:
            if len(self.body) > _LONG_BODY:
                return self.server.run_in_thread(lambda: strict_json.loads(self.body))
            return strict_json.loads(self.body)
        except strict_json.StrictJSONError as error:
            raise ControlError(422, "Error parsing JSON", detail=str(error)) from None

    def json_object(self) -> dict[str, Any]:
        """Return the body's JSON object; an empty body is `{}`.

        Raises:
            ControlError: it is not a JSON object (422).
        """
        value = {} if self.is_empty else self.json()
        if not isinstance(value, dict):
            raise invalid("", "The body must be a JSON object.")
        return value

    def uuid(self, name: str = "id") -> uuid.UUID:
        """Return a parameter of the path that is a UUID.

        Raises:
            ControlError: it is not (400).
        """
        value = self.args[name]
        try:
            return uuid.UUID(value)
        except ValueError:
            raise ControlError(400, f"{value[:100]} is not a valid UUID") from None

    def integer(self, name: str) -> int | None:
        """Return a parameter of the query that is a whole number of at least 0, or None if it is not given.

        Raises:
            ControlError: it is not such a number (400).
        """
        value = self.query.get(name)
        if value is None:
            return None
        if not (value.isascii() and value.isdigit() and len(value) < 16):
            raise ControlError(400, f"{name} must be a whole number of at least 0, not {value[:100]!r}", pointer=name)
        return int(value)


@dataclass(frozen=True)
class ControlResponse:
    """A response other than 200 with JSON.

    Args:
        status: the HTTP status.
        json: its JSON.
        headers: its headers besides `Content-Type`.
        body: a body that is not JSON; `content_type` says what it is.
        stream: a body in pieces, made while it is sent; in place of `body`.
        content_type: the media type of the body.
    """

    status: int
    json: Any = None
    headers: Sequence[tuple[str, str]] = ()
    body: bytes | None = None
    stream: Any = None
    content_type: str = "application/json"


EndpointFunction = Callable[[ControlCall], Any]


@dataclass(frozen=True)
class Endpoint:
    """An endpoint of the control API.

    Args:
        method: its HTTP method.
        path: its path below `/__admin`, with parameters in braces.
        function: what it does.
        summary: a sentence about it, for the OpenAPI document.
        query: the query parameters that it takes, with a sentence about each.
        request: an example or a JSON schema of the request's body; None for no body.
        response: a JSON schema of the response's body.
        statuses: what other statuses than 200 mean.
        tag: the subject that it belongs to.
    """

    method: str
    path: str
    function: EndpointFunction
    summary: str
    query: Mapping[str, str] = field(default_factory=dict)
    request: Mapping[str, Any] | None = None
    response: Mapping[str, Any] | None = None
    statuses: Mapping[int, str] = field(default_factory=dict)
    tag: str = ""

    @property
    def pattern(self) -> re.Pattern[str]:
        """A pattern that the raw path below `/__admin` matches."""
        return re.compile(_PARAMETER.sub(r"(?P<\1>[^/]+)", self.path))


class Endpoints:
    """The endpoints of one subject. A module has one, and decorates its functions with it.

    Args:
        tag: the subject, as the OpenAPI document groups them.
    """

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.declared: list[Endpoint] = []

    def add(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        request: Mapping[str, Any] | None = None,
        response: Mapping[str, Any] | None = None,
        statuses: Mapping[int, str] | None = None,
    ) -> Callable[[EndpointFunction], EndpointFunction]:
        """Declare the decorated function as an endpoint; the first line of its docstring is the summary."""

        def declare(function: EndpointFunction) -> EndpointFunction:
            summary = (function.__doc__ or "").partition("\n")[0]
            endpoint = Endpoint(
                method, path, function, summary, query or {}, request, response, statuses or {}, self.tag
            )
            self.declared.append(endpoint)
            return function

        return declare
