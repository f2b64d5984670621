"""Every operation and event of the contract, collected from the modules of its resources."""

from __future__ import annotations

from typing import Any, TypeVar

from duologue.contract import auth, chats, health, messages, notifications, smart_chat, users
from duologue.contract.core import Event, Operation

T = TypeVar("T", Operation[Any], Event[Any])

RESOURCES = (users, auth, chats, messages, smart_chat, notifications, health)
"""The one list of resources: a module of the contract for each, in the order in which documents show them."""


def _collect(kind: type[T]) -> tuple[T, ...]:
    """Return the operations or events that the resources declare, each told its resource and its id."""
    declared = []
    for module in RESOURCES:
        resource = module.__name__.rpartition(".")[2]
        for name, value in vars(module).items():
            if isinstance(value, kind):
                value.resource, value.id = resource, f"{resource}.{name}"
                declared.append(value)
    return tuple(declared)


_OPERATIONS = _collect(Operation)
_EVENTS = _collect(Event)


def operations() -> tuple[Operation[Any], ...]:
    """Return every operation of both services, in the order of the contract's files."""
    return _OPERATIONS


def events() -> tuple[Event[Any], ...]:
    """Return every event the server sends."""
    return _EVENTS


def resource_names() -> tuple[str, ...]:
    """Return the names of the resources, as `users`: the file name that each of them has in every folder."""
    return tuple(module.__name__.rpartition(".")[2] for module in RESOURCES)
