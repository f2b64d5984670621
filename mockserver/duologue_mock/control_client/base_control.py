"""What all control of a namespace starts from: where it is, and how it is called."""

from __future__ import annotations

from collections.abc import Mapping

from duologue_mock.control_client.address import MockAddress
from duologue_mock.control_client.clock import ControlClock
from duologue_mock.control_client.snapshots import Snapshots
from duologue_mock.control_client.transport import ControlTransport


class BaseControl:
    """One namespace of a mock: its URLs.

    Args:
        transport: to the namespace.
    """

    def __init__(self, transport: ControlTransport) -> None:
        self._transport = transport
        self.clock = ControlClock(transport)
        self.snapshots = Snapshots(transport)

    @property
    def _address(self) -> MockAddress:
        return self._transport.address

    @property
    def name(self) -> str:
        """The name of the namespace."""
        return self._address.namespace

    @property
    def origin(self) -> str:
        """The origin by which the namespace is reached: `http://127.0.0.1:3001`, `http://worker-1.localhost:3001`.

        Browsers and `duologue.Client` resolve the latter to this machine; other programs may need `headers` in its
        place. A mock on another machine has no such names.
        """
        return self._address.namespace_origin

    @property
    def server_origin(self) -> str:
        """The origin of the mock server, the same for all namespaces: with it, `headers` choose the namespace."""
        return self._address.origin

    @property
    def base_url(self) -> str:
        """Base URL of the Platform API in the namespace."""
        return self._address.origins.base_url

    @property
    def chat_base_url(self) -> str:
        """Base URL of the Smart Chat API in the namespace."""
        return self._address.origins.chat_base_url

    @property
    def realtime_url(self) -> str:
        """URL of the Socket.IO server of the namespace."""
        return self._address.namespace_origin

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers that choose the namespace, whatever the host name is."""
        return self._address.headers

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._address.origin} {self.name}>"
