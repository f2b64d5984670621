"""Every operation and event there is, found in the nouns' own modules."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from duologue.contract import auth, chats, health, messages, notifications, smart_chat, users
from duologue.contract.core import Event, Operation

NOUNS: tuple[ModuleType, ...] = (users, auth, chats, messages, smart_chat, notifications, health)


def _named(kind: type[Any]) -> list[Any]:
    found = []
    for module in NOUNS:
        for name, value in vars(module).items():
            if isinstance(value, kind):
                value.noun, value.name = module.__name__.rpartition(".")[2], name
                found.append(value)
    return found


_OPERATIONS: tuple[Operation[Any], ...] = tuple(_named(Operation))
_EVENTS: tuple[Event[Any], ...] = tuple(_named(Event))


def operations() -> tuple[Operation[Any], ...]:
    """Return every operation of both services, in the order of the contract's files."""
    return _OPERATIONS


def events() -> tuple[Event[Any], ...]:
    """Return every event the server sends."""
    return _EVENTS
