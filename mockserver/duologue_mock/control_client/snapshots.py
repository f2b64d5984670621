"""Snapshots: data, logins and clock of a namespace at one moment, to go back to."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from duologue_mock.control_client.transport import join_path

if TYPE_CHECKING:
    from duologue_mock.control_client.transport import ControlTransport


class Snapshots:
    """The snapshots of a namespace by name, as `MockControl.snapshots`.

    Each method raises `ControlAPIError` if the call fails; its status is 404 if there is no snapshot of that name.
    """

    def __init__(self, transport: ControlTransport) -> None:
        self._transport = transport

    def names(self) -> list[str]:
        """Return the names of all snapshots."""
        return [_get_name(entry) for entry in self._transport.call("GET", "/snapshots")["snapshots"]]

    def save(self, name: str) -> Snapshot:
        """Take a snapshot, in place of one that has the name already.

        Args:
            name: its name.
        """
        self._transport.call("PUT", join_path("snapshots", name))
        return Snapshot(self._transport, name)

    def restore(self, name: str) -> None:
        """Go back to a snapshot, which stays."""
        self._transport.call("POST", join_path("snapshots", name, "restore"))

    def diff(self, name: str) -> Mapping[str, Any]:
        """Return what has been added, removed and changed since a snapshot, by resource and id."""
        difference: Mapping[str, Any] = self._transport.call("GET", join_path("snapshots", name, "diff"))
        return difference

    def delete(self, name: str) -> None:
        """Delete a snapshot."""
        self._transport.call("DELETE", join_path("snapshots", name))


class Snapshot:
    """A snapshot. As a context manager, the namespace goes back to it when the block ends.

    Attributes:
        name: its name.
    """

    def __init__(self, transport: ControlTransport, name: str, *, temporary: bool = False) -> None:
        self.name = name
        self._snapshots = Snapshots(transport)
        self._temporary = temporary

    def restore(self) -> None:
        """Go back to it.

        Raises:
            ControlAPIError: the call failed.
        """
        self._snapshots.restore(self.name)

    def diff(self) -> Mapping[str, Any]:
        """Return what has been added, removed and changed since.

        Raises:
            ControlAPIError: the call failed.
        """
        return self._snapshots.diff(self.name)

    def delete(self) -> None:
        """Delete it.

        Raises:
            ControlAPIError: the call failed.
        """
        self._snapshots.delete(self.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.restore()
        if self._temporary:
            self.delete()

    def __repr__(self) -> str:
        return f"<Snapshot {self.name}>"


def take_temporary(transport: ControlTransport) -> Snapshot:
    """Take a snapshot that is deleted when its block ends."""
    name = f"temporary-{uuid.uuid4().hex[:12]}"
    Snapshots(transport).save(name)
    return Snapshot(transport, name, temporary=True)


def _get_name(entry: Any) -> str:
    return str(entry["name"] if isinstance(entry, Mapping) else entry)
