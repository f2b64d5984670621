"""Taking a namespace offline, and back."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from duologue_mock.control_client.realtime import MessageStub
from duologue_mock.control_client.stubs import Stub

if TYPE_CHECKING:
    from duologue_mock.control_client.transport import ControlTransport

_NAME = "offline"
"""The name of what it adds; the preset of that name adds the same."""
_PRIORITY = -1_000_000
"""Before every other stub."""


class Offline:
    """A namespace that is offline; online again when the block ends."""

    def __init__(self, transport: ControlTransport) -> None:
        self._transport = transport

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        go_online(self._transport)


def go_offline(transport: ControlTransport) -> Offline:
    """Reset every connection from now on, and disconnect and refuse Socket.IO clients.

    Raises:
        ControlAPIError: a call failed.
    """
    go_online(transport)  # not twice
    response = {"fault": "CONNECTION_RESET_BY_PEER"}
    transport.call("POST", "/mappings", {"name": _NAME, "priority": _PRIORITY, "request": {}, "response": response})
    transport.call("POST", "/message-mappings", {"name": _NAME, "event": "connect", "action": "refuse"})
    transport.call("DELETE", "/channels", query={"break": "true"})
    return Offline(transport)


def go_online(transport: ControlTransport) -> None:
    """Remove what `go_offline` added.

    Raises:
        ControlAPIError: a call failed.
    """
    for mapping in _list_own(transport, "/mappings"):
        Stub(transport, mapping).remove()
    for mapping in _list_own(transport, "/message-mappings"):
        MessageStub(transport, mapping).remove()


def _list_own(transport: ControlTransport, path: str) -> list[dict[str, Any]]:
    [mappings] = [value for value in transport.call("GET", path).values() if isinstance(value, list)]
    return [mapping for mapping in mappings if mapping.get("name") == _NAME]
