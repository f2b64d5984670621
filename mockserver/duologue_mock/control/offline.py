"""Being offline: a stub that resets every connection before all others, and the same for Socket.IO."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from duologue_mock.control.realtime.message_mappings import read_message_mapping
from duologue_mock.control.stubs.mapping import read_stub

if TYPE_CHECKING:
    from duologue_mock.control.namespace_control import NamespaceControl

NAME = "offline"
"""The name of the stub and of the message mapping; those of the preset `offline` have it too."""
PRIORITY = -1_000_000
"""Before every other stub."""


def go_offline(control: NamespaceControl, milliseconds: int | None = None) -> None:
    """Reset every connection of a namespace from now on, those that are open too.

    Args:
        control: what steers the namespace.
        milliseconds: how long, by the namespace's clock; None until `go_online` or a reset.

    Raises:
        ControlError: the namespace has as many stubs or message mappings as may be (422).
    """
    common: dict[str, Any] = {"name": NAME}
    if milliseconds is not None:
        common["expiresAfterMilliseconds"] = milliseconds
    stubs, mappings = control.stubs, control.realtime.mappings
    response = {"fault": "CONNECTION_RESET_BY_PEER"}
    stub = read_stub({**common, "priority": PRIORITY, "response": response}, "", stubs.new_id())
    refusal = {**common, "event": "connect", "action": "disconnect"}
    mapping = read_message_mapping(refusal, "", mappings.new_id())
    stubs.check_room(stub)
    mappings.check_room()
    go_online(control)
    stubs.add(stub)
    mappings.add(mapping)
    control.realtime.break_all()


def go_online(control: NamespaceControl) -> None:
    """Serve again. Does nothing if the namespace is not offline."""
    control.stubs.remove_where(lambda stub: stub.name == NAME)
    for mapping in list(control.realtime.mappings):
        if mapping.name == NAME:
            control.realtime.mappings.remove(mapping.id)


def is_offline(control: NamespaceControl) -> bool:
    """Return whether a namespace is offline."""
    return any(stub.name == NAME for stub in control.stubs.list_all())
