"""A property that is computed once, without the lock of `functools.cached_property`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, cast, overload

T = TypeVar("T")


class lazy_property(Generic[T]):  # noqa: N801  # a decorator, like functools.cached_property
    """A property that is computed on first use and then stored with its object.

    Unlike `functools.cached_property` in Python 3.11 it takes no lock, which another thread could hold during a fork.
    Threads that use it for the first time at once may compute it twice; all of them get the same value.

    Args:
        compute: the method that returns the value.
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> Self | T:
        if instance is None:
            return self
        return cast(T, instance.__dict__.setdefault(self._name, self._compute(instance)))
