"""Which plain function answers which operation.

A handler takes what its parameters name: `state`, `token_service`, `reply_engine`, `principal`, `body`, `query`,
`streaming` and the path's parameters. It returns the operation's model, or raises an `HTTPError`. It sees no HTTP.

A handler is called inside `with state:`, so that it is atomic. One that takes its time, because its operation streams,
is a generator of the pieces with the answer last, and holds the state only while it changes it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from duologue.contract.core import Model, Operation
from duologue.contract.users import User

T = TypeVar("T")

_HANDED = frozenset({"state", "token_service", "reply_engine", "principal", "body", "query", "streaming"})


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. On the platform `user` is the one whose token it is; on the chat service `user_id` is the header's."""

    key: str
    """Tells callers apart, for rate limits and idempotency keys."""
    user: User | None = None
    login_id: str | None = None
    user_id: str = ""

    @property
    def is_admin(self) -> bool:
        """Whether the caller is a known administrator."""
        return self.user is not None and self.user.role == "admin"


@dataclass(frozen=True, slots=True)
class Handler:
    """A function and the names of what it wants to be handed."""

    function: Callable[..., Any]
    wants: tuple[str, ...]


_handlers: dict[Operation[Any], Handler] = {}


def handler(operation: Operation[T]) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Register the decorated function as the handler of `operation`."""

    def register(function: Callable[..., T]) -> Callable[..., T]:
        _register(operation, function)
        return function

    return register


def stream_handler(
    operation: Operation[T],
) -> Callable[[Callable[..., Iterator[Model]]], Callable[..., Iterator[Model]]]:
    """Register the decorated generator as the handler of `operation`: its last item is the answer."""

    def register(function: Callable[..., Iterator[Model]]) -> Callable[..., Iterator[Model]]:
        _register(operation, function)
        return function

    return register


def get_handler(operation: Operation[Any]) -> Handler:
    """Return the handler of an operation; raise `LookupError` naming the operation without one."""
    try:
        return _handlers[operation]
    except KeyError:
        raise LookupError(f"Nothing answers {operation!r}.") from None


def _register(operation: Operation[Any], function: Callable[..., Any]) -> None:
    wants = tuple(inspect.signature(function).parameters)
    strangers = set(wants) - _HANDED - set(operation.parameters)
    if strangers:
        raise TypeError(f"The handler of {operation!r} wants {sorted(strangers)}, which nobody can hand it.")
    _handlers[operation] = Handler(function, wants)
