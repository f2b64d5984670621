"""Which function handles which operation.

A handler takes what its parameters name: `state`, `token_service`, `reply_engine`, `principal`, `body`, `query`,
`streaming`, `progress` and the path's parameters. It returns the operation's model, or raises `HTTPError`. It sees no
HTTP.

A handler is called inside `with state:`, so that its changes are atomic. The handler of an operation that streams takes
its time: it is a generator of the pieces with the whole message last, and holds the state only while it changes it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from duologue.contract.core import Model, Operation
from duologue.contract.users import User

T = TypeVar("T")

_ARGUMENTS = frozenset(
    {"state", "token_service", "reply_engine", "principal", "body", "query", "streaming", "progress"}
)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who makes a request. On the platform `user` is the token's; on the chat service `user_id` is the header's."""

    key: str
    """Tells callers apart, for rate limits and idempotency keys."""
    user: User | None = None
    login_id: str | None = None
    user_id: str = ""

    @property
    def is_admin(self) -> bool:
        """Whether the caller is identified and an administrator."""
        return self.user is not None and self.user.role == "admin"


@dataclass(slots=True)
class Progress:
    """What a request has done so far, if it is one that takes its time.

    A handler notes here what must not be done twice. An attempt that breaks off leaves it to the next one under the
    same idempotency key.
    """

    message_id: str | None = None
    """The message that the request has stored."""


@dataclass(frozen=True, slots=True)
class Handler:
    """A function and the names of its parameters."""

    function: Callable[..., Any]
    parameters: tuple[str, ...]


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
    """Register the decorated generator as the handler of `operation`: its last item is the operation's model."""

    def register(function: Callable[..., Iterator[Model]]) -> Callable[..., Iterator[Model]]:
        _register(operation, function)
        return function

    return register


def get_handler(operation: Operation[Any]) -> Handler:
    """Return the handler of an operation; raise `LookupError` if it has none."""
    try:
        return _handlers[operation]
    except KeyError:
        raise LookupError(f"{operation!r} has no handler.") from None


def _register(operation: Operation[Any], function: Callable[..., Any]) -> None:
    parameters = tuple(inspect.signature(function).parameters)
    unknown = sorted(set(parameters) - _ARGUMENTS - set(operation.parameters))
    if unknown:
        raise TypeError(f"The handler of {operation!r} has the unknown parameters {unknown}.")
    _handlers[operation] = Handler(function, parameters)
