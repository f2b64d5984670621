"""Stubs: what a mock responds with instead of its own response, in the words of Python."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from duologue_mock.control_client.errors import ControlAPIError
from duologue_mock.control_client.journal import LoggedRequest, list_requests
from duologue_mock.control_client.patterns import Target, build_pattern
from duologue_mock.control_client.transport import join_path

if TYPE_CHECKING:
    from duologue_mock.control_client.transport import ControlTransport

Delay = float | tuple[float, float] | Mapping[str, Any]
"""Seconds; a range of seconds; or a distribution in WireMock's words, whose numbers are milliseconds."""

Fault = Literal[
    "EMPTY_RESPONSE",
    "MALFORMED_RESPONSE_CHUNK",
    "RANDOM_DATA_THEN_CLOSE",
    "CONNECTION_RESET_BY_PEER",
    "HANG",
    "TRUNCATED_BODY",
    "MALFORMED_JSON",
]
"""How a connection can fail: WireMock's four, and three of ours."""

_BODY_FAULTS = (None, "TRUNCATED_BODY", "MALFORMED_JSON")
"""Those that are of a body, and so of the mock's own too."""


class MappingHandle:
    """A mapping of a mock. As a context manager, it is removed when the block ends.

    Attributes:
        id: its id, a UUID.
        mapping: it as the mock has it.
    """

    _path: ClassVar[str]
    """Below which the control API has the mappings of this kind."""

    def __init__(self, transport: ControlTransport, mapping: Mapping[str, Any]) -> None:
        self._transport = transport
        self.id = str(mapping["id"])
        self.mapping = mapping

    def remove(self) -> None:
        """Remove it; one that is gone already, as after a reset, is no error.

        Raises:
            ControlAPIError: the call failed.
        """
        try:
            self._transport.call("DELETE", join_path(self._path, self.id))
        except ControlAPIError as error:
            if error.status != 404:
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.remove()


class Stub(MappingHandle):
    """A stub of a mock, its mapping in WireMock's words. As a context manager, it is removed when the block ends."""

    _path = "mappings"

    def requests(self) -> list[LoggedRequest]:
        """Return the requests that it responded to, the first first.

        Raises:
            ControlAPIError: the call failed.
        """
        return list_requests(self._transport, matching_stub=self.id)

    def __repr__(self) -> str:
        return f"<Stub {self.mapping.get('name') or self.id}>"


def build_mapping(
    target: Target,
    *,
    path: Mapping[str, Any] | None = None,
    where: Mapping[str, Any] | None = None,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    body: Any = None,
    body_patch: Mapping[str, Any] | None = None,
    delay: Delay | None = None,
    fault: Fault | None = None,
    expires_after: float | None = None,
    **members: Any,
) -> dict[str, Any]:
    """Return a stub mapping in WireMock's words; `MockControl.stub` describes the arguments.

    Raises:
        TypeError: `target` is not one.
        ValueError: `target` is a text that is not one.
    """
    if expires_after is not None:
        members["expiresAfterMilliseconds"] = to_milliseconds(expires_after)
    changes = {"status": status, "bodyPatch": body_patch, "fault": fault}
    response = {name: value for name, value in changes.items() if value is not None}
    response |= _build_content(body, headers) | build_delay(delay)
    if keeps_own_response(status=status, body=body, fault=fault):
        response["passThrough"] = True
    given = {name: value for name, value in members.items() if value is not None}
    return {"request": {**build_pattern(target, path=path), **(where or {})}, "response": response, **given}


def keeps_own_response(*, status: int | None, body: object, fault: str | None) -> bool:
    """Return whether the mock's own response is sent, changed or delayed, or the contract's error of a status.

    Without a body of its own, a stub of status 503 would have an empty one, which no real server sends.
    """
    return body is None and fault in _BODY_FAULTS and (status is None or status >= 400)


def build_delay(delay: Delay | None) -> dict[str, Any]:
    """Return the members of a response definition that delay it."""
    if delay is None:
        return {}
    if isinstance(delay, Mapping):
        return {"delayDistribution": dict(delay)}
    if isinstance(delay, tuple):
        lower, upper = map(to_milliseconds, delay)
        return {"delayDistribution": {"type": "uniform", "lower": lower, "upper": upper}}
    return {"fixedDelayMilliseconds": to_milliseconds(delay)}


def to_milliseconds(seconds: float) -> int:
    """Return seconds in whole milliseconds."""
    return round(seconds * 1000)


def _build_content(body: Any, headers: Mapping[str, str] | None) -> dict[str, Any]:
    content: dict[str, Any] = {} if headers is None else {"headers": dict(headers)}
    if isinstance(body, bytes):
        content["base64Body"] = base64.b64encode(body).decode("ascii")
    elif isinstance(body, str):
        content["body"] = body
    elif body is not None:
        content["jsonBody"] = body
        if not any(name.lower() == "content-type" for name in headers or ()):  # WireMock adds none
            content["headers"] = {**(headers or {}), "Content-Type": "application/json"}
    return content
