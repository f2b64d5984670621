"""The mock server: both services and their Socket.IO events, stateful, on your machine.

`__init__.pyi` lists the public names. A name is loaded when it is first used: this package is imported by every pytest
run of everyone who installs us.
"""

from importlib import import_module as _import_module

from duologue.lazy_exports import read_stub as _read_stub

_MODULES = _read_stub(__name__)

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(_import_module(_MODULES[name]), name)
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.startswith("duologue"):
            raise
        raise ImportError(f"duologue_mock needs {missing.name}: pip install 'duologue[mock]'") from missing
