"""The mock backend: both services and their Socket.IO events, stateful, on your machine.

`MockServer` is loaded on first use: this package is imported by every pytest run of everyone who installs us.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duologue_mock.app import create_app
    from duologue_mock.server import MockServer
    from duologue_mock.settings import ReplyRequest, Settings
    from duologue_mock.store import State

_HOMES = {
    "MockServer": "duologue_mock.server",
    "ReplyRequest": "duologue_mock.settings",
    "Settings": "duologue_mock.settings",
    "State": "duologue_mock.store",
    "create_app": "duologue_mock.app",
}

__all__ = [
    "MockServer",
    "ReplyRequest",
    "Settings",
    "State",
    "create_app",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(home), name)
