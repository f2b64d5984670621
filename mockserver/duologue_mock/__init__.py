"""The mock server: both services and their Socket.IO events, stateful, on your machine.

A name is loaded when it is first used: this package is imported by every pytest run of everyone who installs us.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what the list below says, for type checkers; `as` says that it is exported
    from duologue_mock.app import create_app as create_app
    from duologue_mock.server import MockServer as MockServer
    from duologue_mock.server import PortInUseError as PortInUseError
    from duologue_mock.settings import MockSettings as MockSettings
    from duologue_mock.settings import ReplyRequest as ReplyRequest
    from duologue_mock.settings import Settings as Settings
    from duologue_mock.store import State as State
    from duologue_mock.store.seed import FixtureError as FixtureError

_EXPORTS = {
    "duologue_mock.app": ("create_app",),
    "duologue_mock.server": ("MockServer", "PortInUseError"),
    "duologue_mock.settings": ("MockSettings", "ReplyRequest", "Settings"),
    "duologue_mock.store": ("State",),
    "duologue_mock.store.seed": ("FixtureError",),
}
"""The public names, by the module that has them."""

_MODULES = {name: module for module, names in _EXPORTS.items() for name in names}

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(_MODULES[name]), name)
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.startswith("duologue"):
            raise
        raise ImportError(f"duologue_mock needs {missing.name}: pip install 'duologue[mock]'") from missing
