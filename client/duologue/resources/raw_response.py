"""`api.users.with_raw_response`: the methods of a resource, returning the HTTP response besides the result.

No type can say "all methods of this class, with another return type", so each resource names its methods once more, in
one line each; signatures and types are taken from the methods themselves, and an editor shows them. A descriptor on
the methods instead would hide their docstrings from editors, and `__getattr__` would leave type checkers without types.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from duologue.http.response_parsing import RawResponse
from duologue.observability.redaction import Arguments
from duologue.resources.resource import Resource

P = ParamSpec("P")
R = TypeVar("R", bound=Resource)
T = TypeVar("T")


class RawMethods(Generic[R]):
    """Base of what `with_raw_response` returns: a `RawMethod` for each method of the resource that makes a call.

    Args:
        resource: the resource whose methods are called.
    """

    def __init__(self, resource: R) -> None:
        self._resource = resource


class RawMethod(Generic[R, P, T]):
    """The counterpart of a resource's method that returns a `RawResponse` of its result.

    Of a method that makes several calls, the response is the last one's.

    Args:
        method: the method, as `Users.get`.
    """

    def __init__(self, method: Callable[Concatenate[R, P], T]) -> None:
        self._method = method

    def __get__(self, instance: RawMethods[R], owner: type[RawMethods[R]] | None = None) -> Callable[P, RawResponse[T]]:
        method, resource = self._method, instance._resource

        @functools.wraps(method)
        def call(*args: P.args, **kwargs: P.kwargs) -> RawResponse[T]:
            kwargs = Arguments(kwargs)  # type: ignore[assignment]  # still the same arguments
            responses: deque[RawResponse[Any]] = deque(maxlen=1)  # a page that is kept requests further pages with it
            view = resource._with_requestor(resource._requestor.recording(responses))
            result = method(view, *args, **kwargs)
            return replace(responses[-1], parsed=result)

        return call
