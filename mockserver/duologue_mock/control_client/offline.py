"""Taking a namespace offline, and back."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from duologue_mock.control_client.transport import ControlTransport


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


def go_offline(transport: ControlTransport, seconds: float | None) -> Offline:
    """Reset every connection from now on, those of Socket.IO too.

    Args:
        transport: calls the control API.
        seconds: how long, by the mock's clock; None until `go_online` or a reset.

    Raises:
        ControlAPIError: the call failed.
    """
    body = {} if seconds is None else {"milliseconds": round(seconds * 1000)}
    transport.call("POST", "/offline", body)
    return Offline(transport)


def go_online(transport: ControlTransport) -> None:
    """End `go_offline`, and the preset `offline`.

    Raises:
        ControlAPIError: the call failed.
    """
    transport.call("DELETE", "/offline")
