"""Duologue: a typed, synchronous client for the Platform API and the Smart Chat API.

    from duologue import Client

    with Client() as api:
        print(api.users.list().total)

Everything public can be imported from here, except what needs an extra: that is in `duologue.realtime`. `__init__.pyi`
lists it. A name is loaded when it is first used, so that importing this package costs nothing to a program that only
starts the mock.
"""

from importlib import import_module as _import_module

from duologue._version import __version__ as __version__
from duologue.lazy_exports import read_stub as _read_stub

_MODULES = _read_stub(__name__)

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'duologue' has no attribute {name!r}")
    value = getattr(_import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
