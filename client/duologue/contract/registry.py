"""Every operation and event of the contract, collected from the modules of its resources."""

from __future__ import annotations

import functools
from importlib import import_module
from typing import Any

from duologue.contract.core import Event, Operation

RESOURCES = ("users", "auth", "chats", "messages", "smart_chat", "notifications", "health")
"""The one list of resources, in the order in which documents show them: each names a file of every folder."""


@functools.cache  # and not at import: most programs use few of the resources, whose models take time to define
def operations() -> tuple[Operation[Any], ...]:
    """Return every operation of both services, in the order of the contract's files."""
    return tuple(value for value in _collect_declarations() if isinstance(value, Operation))


@functools.cache
def events() -> tuple[Event[Any], ...]:
    """Return every event that the server sends."""
    return tuple(value for value in _collect_declarations() if isinstance(value, Event))


def _collect_declarations() -> list[object]:
    modules = [import_module(f"duologue.contract.{name}") for name in RESOURCES]
    return [value for module in modules for value in vars(module).values()]
